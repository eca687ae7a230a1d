"""What is kept of a dream on its way."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .. import images

if TYPE_CHECKING:
    from PIL import Image

    from ..progress import Progress

__all__ = ["Saved", "Stages"]


class Stages:
    """The picture at the end of each octave, for one sheet."""

    def __init__(self) -> None:
        self._pictures: list[Image.Image] = []
        self._labels: list[str] = []

    def __call__(self, progress: Progress) -> None:
        """Keep the picture, if an octave is at its end."""
        if progress.step == progress.steps:
            self._pictures.append(images.Picture(progress.picture()).to_image())
            self._labels.append(
                f"octave {progress.octave}/{progress.octaves}, {progress.width}×{progress.height}"
            )

    def sheet(self) -> images.Picture:
        """All of them, side by side."""
        return images.read(images.contact_sheet(self._pictures, self._labels))


class Saved:
    """The picture after every so many steps, each in a file of its own.

    Parameters
    ----------
    folder : Path
        Where they go; it is made.
    every : int
        After how many steps.

    Raises
    ------
    ImageError
        If the folder cannot be made.
    """

    def __init__(self, folder: Path, every: int) -> None:
        images.make_folder(folder)
        self._folder = folder
        self._every = every

    def __call__(self, progress: Progress) -> None:
        """Write the picture, if its turn has come."""
        if progress.step % self._every == 0:
            name = f"octave{progress.octave:02}-step{progress.step:05}.png"
            images.write(images.Picture(progress.picture()), self._folder / name, depth=8)
