"""``onnxdream dream``: photographs in, dreams out."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DreamStoppedError, DreamTimeoutError, OnnxdreamError
from . import batch
from .command import Command
from .door import say
from .machine import add_machine_options, chosen_machine
from .options import (
    add_network_options,
    add_preprocessing_options,
    add_recipe_options,
    chosen_recipe,
)

if TYPE_CHECKING:
    from .. import images
    from ..dreamer import Dreamer
    from ..journal import Journal
    from ..progress import Progress
    from ..recipe import Recipe
    from .bar import Bar

__all__ = ["COMMAND", "add_writing_options"]

_FAILED, _STOPPED = 1, 130


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "photos",
        metavar="PHOTO",
        nargs="+",
        help="a picture, a folder of pictures, or - for standard input",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE|FOLDER",
        help="where the dream is written, in the format that its suffix names, or - for PNG on "
        "standard output; an existing file is overwritten. Several dreams go into a folder "
        "(default: photo.dream.png beside photo.jpg, and standard output for a picture from "
        "standard input)",
    )
    add_writing_options(parser)
    parser.add_argument(
        "--seeds",
        type=_seeds,
        metavar="0-9",
        help="dream each picture once with each of these seeds (default: that of the recipe)",
    )
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="show no progress bar and print no path"
    )
    watching = parser.add_argument_group("on the way")
    watching.add_argument(
        "--log",
        metavar="FILE",
        help="write a row for every step into a .csv or .jsonl file: losses, gradient, difference",
    )
    watching.add_argument(
        "--stages", metavar="FILE", help="write a sheet of the picture at the end of each octave"
    )
    watching.add_argument(
        "--save-every",
        type=_positive,
        metavar="N",
        help="write the picture after every N steps, into a folder beside the dream",
    )
    watching.add_argument(
        "--timeout",
        type=float,
        metavar="SECONDS",
        help="stop a dream that takes longer (default: none does)",
    )
    watching.add_argument(
        "--keep-partial",
        action="store_true",
        help="write what there is of a dream that Ctrl-C or --timeout stops",
    )
    add_network_options(parser, "that of the preset")
    add_preprocessing_options(parser)
    add_recipe_options(parser)
    add_machine_options(parser)


def add_writing_options(parser: ArgumentParser) -> None:
    """Add the options that say how a dream is written."""
    parser.add_argument(
        "--format",
        metavar="NAME",
        help="png, jpeg, webp, avif, tiff, bmp, ppm or npy (default: the output's suffix)",
    )
    parser.add_argument(
        "--depth",
        type=int,
        choices=(8, 16, 32),
        help="bits of a sample, 32 for floats: PNG holds 8 and 16, TIFF all, NPY 32 (default: "
        "those of the picture, as far as the format holds them)",
    )
    parser.add_argument(
        "--quality",
        type=int,
        default=95,
        metavar="1-100",
        help="of JPEG, WebP and AVIF (default: %(default)s)",
    )
    parser.add_argument(
        "--no-metadata",
        action="store_true",
        help="write nothing into the picture of how it was dreamed",
    )
    parser.add_argument(
        "--force", action="store_true", help="overwrite files that were not named with -o"
    )


def _run(options: Namespace) -> int:
    from .. import images
    from ..dreamer import dreamer_for
    from ..journal import Journal
    from . import output
    from .bar import Bar

    recipe = chosen_recipe(options)
    jobs = batch.jobs(options)
    if len(jobs) > 1 and options.stages is not None:
        options.parser.error("--stages is a sheet of one dream: dream one picture, with one seed")
    for job in jobs:
        output.check(job, options)
    machine = chosen_machine(options)
    most = machine.max_pixels or images.MAX_PIXELS
    dreamer: Dreamer | None = None
    failed: list[str] = []

    def fail(job: batch.Job, error: OnnxdreamError) -> None:
        if len(jobs) == 1:
            raise error
        said = str(error)
        failed.append(said if job.photo in said else f"{job.photo}: {said}")

    with ExitStack() as stack:
        journal = stack.enter_context(Journal(options.log)) if options.log else None
        bar = None
        if not options.quiet:
            bar = stack.enter_context(Bar(recipe.octave_scale**2, len(jobs)))
        cancelled = stack.enter_context(_interrupts(options.keep_partial))
        for job in jobs:
            try:
                picture = images.read(output.source(job.photo), most)
                output.check(job, options, picture)
            except OnnxdreamError as error:
                fail(job, error)
                continue
            if dreamer is None:
                dreamer = stack.enter_context(dreamer_for(recipe, machine, options.loaded))
            try:
                _dream(job, picture, options, recipe, dreamer, bar, journal, cancelled)
            except OnnxdreamError as error:
                fail(job, error)
            if cancelled.is_set():
                return _STOPPED
    for failure in failed:
        say(failure)
    return _FAILED if failed else 0


def _dream(
    job: batch.Job,
    picture: images.Picture,
    options: Namespace,
    recipe: Recipe,
    dreamer: Dreamer,
    bar: Bar | None,
    journal: Journal | None,
    cancelled: threading.Event,
) -> None:
    """Dream one picture, and write what is asked for."""
    from .. import images
    from .stages import Saved, Stages

    watching: list[Callable[[Progress], object]] = []
    if bar is not None:
        bar.begin(Path(job.photo).name)
        watching.append(bar)
    if journal is not None:
        journal.about(job.photo if job.seed is None else f"{job.photo}, seed {job.seed}")
        watching.append(journal)
    stages = Stages()
    if options.stages is not None:
        images.check_target(options.stages)
        watching.append(stages)
    if options.save_every is not None:
        beside = Path("picture.dream") if job.target is None else job.target
        watching.append(Saved(beside.with_suffix(".steps"), options.save_every))

    def tell(progress: Progress) -> None:
        for watcher in watching:
            watcher(progress)

    seed = recipe.seed if job.seed is None else job.seed
    try:
        dreamt = dreamer.dream_picture(
            picture,
            recipe,
            depth=options.depth,
            progress=tell,
            cancel=cancelled,
            timeout=options.timeout,
            seed=seed,
        )
    except DreamStoppedError as error:
        if not options.keep_partial:
            raise
        _write(error.partial, job, options)
        if isinstance(error, DreamTimeoutError):
            raise
        say(f"stopped; {job.target or 'standard output'} holds what there was")
        return
    _write(dreamt, job, options)
    if options.stages is not None:
        images.write(stages.sheet(), options.stages)


def _write(picture: images.Picture, job: batch.Job, options: Namespace) -> None:
    from . import output

    output.write(picture, job, options)
    if job.target is not None and not options.quiet:
        print(job.target)


@contextmanager
def _interrupts(gentle: bool) -> Iterator[threading.Event]:
    """Let the first Ctrl-C set an event, where it shall be gentle, rather than raise."""
    cancelled = threading.Event()
    if not gentle or threading.current_thread() is not threading.main_thread():
        yield cancelled
        return
    before = signal.getsignal(signal.SIGINT)

    def cancel(*_: object) -> None:
        cancelled.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, cancel)
    try:
        yield cancelled
    finally:
        signal.signal(signal.SIGINT, before)


def _seeds(text: str) -> list[int]:
    try:
        return batch.seeds(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no list of seeds: 0-9, say, or 1,5") from error


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"{text} is less than 1")
    return number


COMMAND = Command("Dream photographs", _run, _add_options)
