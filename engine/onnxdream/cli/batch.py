"""Which pictures are dreamed, and where each dream goes."""

from __future__ import annotations

import glob
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import ImageError, ImageNotFoundError
from ..files import shown

__all__ = ["PIPE", "SUFFIXES", "Job", "jobs", "pictures", "seeds"]

PIPE = "-"
"""What names standard input or standard output."""

SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg"}
    | {".npy", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)
"""What is dreamed of a folder."""

_DREAM = ".dream"
_MOST_SEEDS = 10_000


class Job(NamedTuple):
    """One dream.

    Parameters
    ----------
    photo : str
        The picture, or ``-`` for standard input.
    seed : int or None
        Its seed, where several are dreamed.
    target : Path or None
        Where it goes; None is standard output.
    named : bool
        Whether that file was named, and not only its folder.
    """

    photo: str
    seed: int | None
    target: Path | None
    named: bool


def jobs(options: Namespace) -> list[Job]:
    """Return every dream that the command line asks for.

    Raises
    ------
    ImageError
        If there is nothing to dream, or two dreams would go to one file.
    SystemExit
        If the command line contradicts itself.
    """
    photos = pictures(options.photos)
    chosen: Sequence[int | None] = options.seeds or [None]
    if PIPE in photos and len(photos) * len(chosen) > 1:
        options.parser.error("standard input is one picture: dream it alone, with one seed")
    if not _into_folder(options, len(photos) * len(chosen)):
        named = options.output not in (None, PIPE)
        return [Job(photos[0], chosen[0], _single(options, photos[0]), named)]
    if options.output == PIPE:
        options.parser.error("several dreams cannot go to standard output: name a folder with -o")
    folder = None if options.output is None else Path(options.output)
    if folder is not None and not folder.is_dir():
        if folder.suffix.lower() in SUFFIXES:
            raise ImageError(f"{shown(folder)} is the name of a picture: several go into a folder.")
        from .. import images

        images.make_folder(folder)
    found = [
        Job(photo, seed, _named(options, folder, photo, seed), named=False)
        for photo in photos
        for seed in chosen
    ]
    owners: dict[Path | None, str] = {}
    for job in found:
        if job.target in owners:
            raise ImageError(
                f"{owners[job.target]} and {job.photo} would both become {job.target}: "
                "rename one, or dream them apart."
            )
        owners[job.target] = job.photo
    return found


def pictures(named: Sequence[str]) -> list[str]:
    """Return the pictures that are named: files, folders, and patterns that no shell filled in.

    Dreams among them are left out of folders and patterns.

    Raises
    ------
    ImageError
        If a folder or a pattern holds none.
    """
    found: dict[str, None] = {}
    for name in named:
        path = Path(name)
        if name != PIPE and path.is_dir():
            files = [str(f) for f in sorted(path.iterdir()) if f.suffix.lower() in SUFFIXES]
        elif glob.has_magic(name) and not path.exists():
            # A pattern may be absolute, which Path.glob refuses.
            files = sorted(glob.glob(name, recursive=True))  # noqa: PTH207
        else:
            found[name] = None
            continue
        kept = [file for file in files if not _is_dream(Path(file)) and not Path(file).is_dir()]
        if not kept:
            raise ImageNotFoundError(f"There is no picture in {name}.")
        found |= dict.fromkeys(kept)
    return list(found)


def seeds(text: str) -> list[int]:
    """Read seeds: ``3``, ``0-9`` or ``1,5,8-10``.

    Raises
    ------
    ValueError
        If they are none, or too many.
    """
    found: dict[int, None] = {}
    for part in text.split(","):
        first, _, last = part.partition("-")
        low, high = int(first), int(last or first)
        if high < low or high - low + len(found) >= _MOST_SEEDS:
            raise ValueError(text)
        found |= dict.fromkeys(range(low, high + 1))
    return list(found)


def _into_folder(options: Namespace, count: int) -> bool:
    output = options.output
    if count > 1:
        return True
    return output not in (None, PIPE) and (output.endswith(("/", "\\")) or Path(output).is_dir())


def _single(options: Namespace, photo: str) -> Path | None:
    if options.output == PIPE or (options.output is None and photo == PIPE):
        return None
    return Path(options.output) if options.output else _named(options, None, photo, None)


def _named(options: Namespace, folder: Path | None, photo: str, seed: int | None) -> Path:
    path = Path("picture" if photo == PIPE else photo)
    suffix = f".{(options.format or 'png').lower()}"
    name = "".join(_parts(path.stem, seed)) + suffix
    return (path.parent if folder is None else folder) / name


def _parts(stem: str, seed: int | None) -> Iterator[str]:
    yield stem
    if seed is not None:
        yield f".seed{seed}"
    yield _DREAM


def _is_dream(path: Path) -> bool:
    return path.stem.endswith(_DREAM)
