"""``onnxdream sweep``: one photograph under many conditions."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from ..errors import ImageError
from .command import Command
from .machine import add_machine_options, chosen_machine
from .options import (
    add_network_options,
    add_preprocessing_options,
    add_recipe_options,
    chosen_settings,
)

__all__ = ["COMMAND"]

_MANIFEST = "manifest.csv"


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("photo", metavar="PHOTO", help="a picture")
    parser.add_argument(
        "--vary",
        action="append",
        required=True,
        metavar="NAME=A,B,…",
        help="a setting and its values, steps=5,10,20 or preset=animals,eyes say; several "
        "make every combination",
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="SHEET",
        help="the labelled sheet of all dreams; the dreams themselves and a manifest.csv go into "
        "a folder of its name",
    )
    parser.add_argument(
        "--side",
        type=int,
        default=320,
        metavar="N",
        help="the longer side of a picture on the sheet, in pixels (default: %(default)s)",
    )
    parser.add_argument(
        "--force", action="store_true", help="write into the folder even if it is there"
    )
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="show no progress bar and print no path"
    )
    add_network_options(parser, "that of the preset")
    add_preprocessing_options(parser)
    add_recipe_options(parser)
    add_machine_options(parser)


def _run(options: Namespace) -> int:
    from .. import files, images
    from ..sweep import conditions, manifest, sweep
    from .bar import Bar

    sheet = Path(options.output)
    images.check_target(sheet)
    folder = sheet.with_suffix("")
    if folder.exists() and not options.force:
        raise ImageError(f"{folder} exists already: say --force, or name another sheet.")
    found = conditions(options.vary, *chosen_settings(options))
    machine = chosen_machine(options)
    picture = images.read(options.photo, machine.max_pixels or images.MAX_PIXELS)
    growth = found[0].recipe.octave_scale ** 2
    rows: list[dict[str, Any]] = []
    thumbnails = []
    with nullcontext() if options.quiet else Bar(growth, len(found)) as bar:
        if bar is not None:
            bar.begin(found[0].label)
        for number, dreamt in enumerate(sweep(picture, found, machine, progress=bar), 1):
            name = f"{number:04}.png"
            # Not before something is there to go into it.
            images.make_folder(folder)
            images.write(dreamt.picture, folder / name)
            thumbnails.append(images.thumbnail(dreamt.picture.to_image(), options.side))
            rows.append({"file": name, **dreamt.row()})
            if bar is not None and number < len(found):
                bar.begin(found[number].label)
    files.save(manifest(rows).encode(), folder / _MANIFEST, ImageError)
    labels = [condition.label for condition in found]
    columns = len(options.vary[-1].partition("=")[2].split(",")) if len(options.vary) > 1 else None
    made = images.contact_sheet(thumbnails, labels, columns, options.side)
    images.write(images.read(made), sheet)
    if not options.quiet:
        print(sheet)
        print(folder / _MANIFEST)
    return 0


COMMAND = Command("Dream a photograph under many conditions, onto one sheet", _run, _add_options)
