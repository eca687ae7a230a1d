"""The formats that pictures are written in: what each holds, and what its encoder is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ImageFormatError
from ..ranges import said

__all__ = ["FORMATS", "Format", "known"]


@dataclass(frozen=True)
class Format:
    """What a format holds beside 8-bit RGB.

    Parameters
    ----------
    depths : tuple of int
        Bits of a sample, in ascending order.
    alpha, profile : bool
        Whether it holds transparency, and a colour profile.
    lossy : bool
        Whether it has a quality.
    side : int
        The longest side, in pixels.
    options : mapping of str to object
        What Pillow's encoder is told.
    """

    depths: tuple[int, ...] = (8,)
    alpha: bool = True
    profile: bool = True
    lossy: bool = False
    side: int = 2**31 - 1
    options: Mapping[str, Any] = field(default_factory=dict)


# Dreams are full of fine colour, which the usual 4:2:0 would halve.
_FINE_COLOUR = {"subsampling": "4:4:4"}

FORMATS = {
    # On dreams of 12 megapixels it takes a third of the time of 6, the default, and no more bytes.
    "PNG": Format((8, 16), options={"compress_level": 4}),
    "TIFF": Format((8, 16, 32)),
    "NPY": Format((32,)),
    "JPEG": Format(alpha=False, lossy=True, side=65_500, options=_FINE_COLOUR),
    "WEBP": Format(lossy=True, side=16_383),
    "AVIF": Format(lossy=True, side=65_536, options=_FINE_COLOUR),
    "BMP": Format(alpha=False, profile=False),
    "PPM": Format(alpha=False, profile=False),
}
"""Every format, by the name that Pillow or NumPy gives it."""

_OTHER_NAMES = {"JPG": "JPEG", "JPE": "JPEG", "JFIF": "JPEG", "TIF": "TIFF"}


def known(format: str) -> str:
    """The name of a format in the table.

    Parameters
    ----------
    format : str
        Its name or its suffix, in any case.

    Raises
    ------
    ImageFormatError
        If there is no such format.
    """
    name = format.removeprefix(".").upper() if isinstance(format, str) else ""
    name = _OTHER_NAMES.get(name, name)
    if name not in FORMATS:
        raise ImageFormatError(
            f"No picture can be written as {said(format)}, "
            "but as PNG, JPEG, WebP, AVIF, TIFF, BMP, PPM or NPY."
        )
    return name
