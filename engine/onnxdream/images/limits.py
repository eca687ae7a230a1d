"""How large a picture may be, which is held before it is decoded."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import ImageTooLargeError

__all__ = ["MAX_PIXELS", "MAX_SIDE", "Limits"]

MAX_PIXELS = 178_956_970
"""The most pixels that are decoded, unless others are named: 512 MiB of 8-bit RGB."""

MAX_SIDE = 262_144
"""The longest side that is decoded, in pixels: no camera and no scanner comes near it,
and of a file that claims more the rows alone take seconds."""


class Limits(NamedTuple):
    """How large a picture may be.

    Parameters
    ----------
    pixels : int
        Height times width.
    side : int
        Height, and width.
    """

    pixels: int = MAX_PIXELS
    side: int = MAX_SIDE

    def check(self, width: int, height: int, name: str) -> None:
        """Refuse what is larger.

        Raises
        ------
        ImageTooLargeError
            If it is.
        """
        what = f"{name} has {width} × {height} pixels, more than"
        if width * height > self.pixels:
            raise ImageTooLargeError(f"{what} {self.pixels}; shrink it first.")
        if max(width, height) > self.side:
            raise ImageTooLargeError(f"{what} {self.side} one way; shrink it first.")
