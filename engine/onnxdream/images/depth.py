"""All sixteen bits of 16-bit colour, of which Pillow keeps eight.

Pillow unpacks a 16-bit sample by taking one of its two bytes. The same file
unpacked as if its bytes were in the other order gives the other byte.
"""

from __future__ import annotations

import sys
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageFile

__all__ = ["sixteen_bits"]

_FOREIGN = "16B" if sys.byteorder == "little" else "16L"

_OTHER_ORDER = {
    f"{mode};{order}": f"{mode};{other}"
    for mode in ("RGB", "RGBA")
    for order, other in (("16L", "16B"), ("16B", "16L"), ("16N", _FOREIGN))
}


def sixteen_bits(image: ImageFile.ImageFile, file: BinaryIO) -> np.ndarray | None:
    """Load an image of 16 bits a channel in full.

    Parameters
    ----------
    image : PIL.ImageFile.ImageFile
        An image that was opened, but not yet loaded; it is loaded here.
    file : BinaryIO
        The seekable file that it was opened from.

    Returns
    -------
    ndarray of uint16, shape (H, W, 3) or (H, W, 4), or None
        RGB or RGBA; None if the image is of another kind, which is left as it is.
    """
    tiles = [_in_other_order(tile) for tile in image.tile]
    if not tiles or None in tiles:
        return None
    high = np.asarray(image).astype(np.uint16)
    twin = Image.open(file)
    twin.tile = tiles
    values: np.ndarray = high << 8 | np.asarray(twin)
    return values


def _in_other_order(tile: Any) -> Any:
    match tile.args:
        case str(rawmode) if rawmode in _OTHER_ORDER:
            return tile._replace(args=_OTHER_ORDER[rawmode])
        case (str(rawmode), *rest) if rawmode in _OTHER_ORDER:
            return tile._replace(args=(_OTHER_ORDER[rawmode], *rest))
    return None
