"""TIFF in 16 bits and in floats, by tifffile: Pillow does neither in colour."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin

from ..errors import ImageFormatError, MissingExtraError
from ..extras import need
from .guard import guarded
from .limits import Limits
from .modes import from_channels
from .picture import Picture
from .texts import comment_of, line_of

__all__ = ["from_tiff", "is_misread", "is_tiff", "to_tiff"]

_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_BITS, _PLANAR = 258, 284
_ORIENTATION, _PROFILE, _USER_COMMENT = 274, 34675, 37510
_UNDEFINED = 7
_ASSOCIATED = 1

_COLOURS = {"YX": (1,), "YXS": (3, 4), "SYX": (3, 4)}
"""How the axes of a picture may lie, and how many colours it may have."""

_KNOWN = ("MINISBLACK", "RGB")


def is_tiff(head: bytes) -> bool:
    """Whether a file that begins so is one."""
    return head.startswith(_MAGICS)


def is_misread(image: Image.Image) -> bool:
    """Whether Pillow has opened a TIFF of which it would make other colours.

    Of more than eight bits, it does not find them where each has a plane of its own.
    """
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return False
    tags = image.tag_v2
    return tags.get(_PLANAR) == 2 and max(tags.get(_BITS, (1,))) > 8


def from_tiff(file: BinaryIO, name: str, limits: Limits) -> Picture:
    """Read the first picture of a TIFF.

    Parameters
    ----------
    file : BinaryIO
        A seekable file, at its beginning.
    name : str
        What is read, as the messages begin.
    limits : Limits
        How large it may be.

    Raises
    ------
    ImageFormatError, ImageTruncatedError, ImageTooLargeError
        If it cannot be read for these reasons.
    """
    try:
        tifffile = need("tifffile")
    except MissingExtraError as error:
        raise ImageFormatError(
            f"{name} is a damaged TIFF, or of a kind that needs onnxdream[tiff]: install that."
        ) from error
    with guarded(name), tifffile.TiffFile(file) as found:
        page = found.pages[0]
        limits.check(page.imagewidth, page.imagelength, name)
        count = 1 if page.axes == "YX" else page.samplesperpixel
        if count not in _COLOURS.get(page.axes, ()) or page.photometric.name not in _KNOWN:
            raise ImageFormatError(
                f"{name} is a TIFF of {page.photometric.name} and shape {page.shape}: "
                "of those that Pillow cannot read, grey, RGB and RGBA can be."
            )
        if count == 4 and _ASSOCIATED in page.extrasamples:
            raise ImageFormatError(
                f"{name} holds colours that are multiplied by its alpha; "
                "save it with straight alpha."
            )
        values = page.asarray()
        profile = _tag(page, _PROFILE, b"")
        orientation = int(_tag(page, _ORIENTATION, 1))
    if not values.size:
        raise ImageFormatError(f"{name} has no pixels.")
    channels = np.moveaxis(values, 0, 2) if page.axes == "SYX" else np.atleast_3d(values)
    return from_channels(channels, name, profile or None, orientation)


def to_tiff(picture: Picture) -> bytes:
    """The bytes of a TIFF in the picture's own depth, with its profile and its texts.

    Raises
    ------
    MissingExtraError
        If tifffile is not installed.
    """
    content = BytesIO()
    need("tifffile").imwrite(
        content,
        picture.channels(),
        photometric="rgb",
        planarconfig="contig",
        extrasamples=None if picture.alpha is None else ("unassalpha",),
        iccprofile=picture.icc_profile,
        metadata=None,
        software=False,
        **_texts(picture.texts),
    )
    return content.getvalue()


def _texts(texts: Mapping[str, str]) -> dict[str, Any]:
    if not texts:
        return {}
    comment = comment_of(texts)
    return {
        "description": line_of(texts),
        # An EXIF directory of its own is more than tifffile writes.
        "extratags": [(_USER_COMMENT, _UNDEFINED, len(comment), comment, True)],
    }


def _tag(page: Any, code: int, missing: Any) -> Any:
    tag = page.tags.get(code)
    return missing if tag is None else tag.value
