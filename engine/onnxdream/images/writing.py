"""Write a picture: all of it or nothing."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field, replace
from io import BytesIO
from numbers import Integral
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from .. import files
from ..errors import ImageError, ImageFormatError, RecipeError
from ..memory import enough_memory
from ..ranges import said
from .colour import to_srgb
from .picture import Picture, a_picture
from .texts import options_for

__all__ = ["Target", "check_target", "write"]

logger = logging.getLogger(__name__)

Target = str | os.PathLike[str] | BinaryIO
"""What `write` takes."""


@dataclass(frozen=True)
class _Format:
    """What a format holds beside 8-bit RGB; its longest side; what its encoder is told."""

    alpha: bool = True
    profile: bool = True
    lossy: bool = False
    side: int = 2**31 - 1
    options: dict[str, Any] = field(default_factory=dict)


# Dreams are full of fine colour, which the usual 4:2:0 would halve.
_FINE_COLOUR = {"subsampling": "4:4:4"}

_FORMATS = {
    "PNG": _Format(),
    "TIFF": _Format(),
    "JPEG": _Format(alpha=False, lossy=True, side=65_500, options=_FINE_COLOUR),
    "WEBP": _Format(lossy=True, side=16_383),
    "AVIF": _Format(lossy=True, side=65_536, options=_FINE_COLOUR),
    "BMP": _Format(alpha=False, profile=False),
    "PPM": _Format(alpha=False, profile=False),
}
_OTHER_NAMES = {"JPG": "JPEG", "JPE": "JPEG", "JFIF": "JPEG", "TIF": "TIFF"}


_SPECK = Picture(np.zeros((1, 1, 3), np.float32))


@enough_memory("The picture cannot be written", "write a smaller one")
def write(picture: Picture, target: Target, format: str | None = None, quality: int = 95) -> None:
    """Write a picture in 8 bits.

    A file is complete or untouched, whatever happens on the way: the picture is
    written beside it and moved into its place. What a killed process of this
    machine left of the same file is removed.

    The new file has the old one's permission bits, or those that the umask
    gives. It has the old one's group where the process may give that, and its
    owner where the process is privileged; else it belongs to who wrote it. It
    has neither the old one's access control lists nor its extended attributes,
    and other hard links to the old one still lead to the old one.

    Parameters
    ----------
    picture : Picture
        Its ICC profile is embedded. Where a format holds no profile the colours
        become sRGB, and where it holds no transparency they are put on white.
    target : str, PathLike or BinaryIO
        A path, of which a symbolic link is followed, or a binary stream.
    format : str, optional
        PNG, JPEG, WebP, AVIF, TIFF, BMP or PPM. If not given, the path's suffix
        says it; without a suffix, and for a stream, it is PNG.
    quality : int
        1 to 100, for JPEG, WebP and AVIF.

    Raises
    ------
    ImageFormatError
        If the format is none of these, or cannot hold the picture.
    ImageError
        If the folder is missing, or the target cannot be written.
    RecipeError
        If the quality is out of range.
    OutOfMemoryError
        If there is not enough memory.
    """
    picture = a_picture(picture)
    if isinstance(target, (str, os.PathLike)):
        files.save(_encode(picture, _named(target, format), quality), target, ImageError)
    elif hasattr(target, "write"):
        content = _encode(picture, "PNG" if format is None else format, quality)
        try:
            target.write(content)
        except MemoryError:
            raise
        except Exception as error:  # A stream may be anybody's, and raise anything.
            raise ImageError(f"The stream cannot be written: {error}.") from error
    else:
        raise ImageError(
            f"A picture is written to a path or a binary stream, not {type(target).__name__}."
        )


def check_target(
    target: str | os.PathLike[str], format: str | None = None, like: Picture = _SPECK
) -> None:
    """Raise now what `write` would raise, before the work is done that is to be written.

    Parameters
    ----------
    target : str or PathLike
        The path.
    format : str, optional
        As for `write`.
    like : Picture
        A picture as large as the one that will be written; if not given, one
        that every format can hold.

    Raises
    ------
    ImageError
        If a picture cannot be written there.
    """
    name = _known(_named(target, format))
    _check_size(a_picture(like), name)
    _encode(_SPECK, name, 95)
    files.check_target(target, ImageError)


def make_folder(path: str | os.PathLike[str]) -> None:
    """Make a folder, with those that it lies in, unless it is there.

    Raises
    ------
    ImageError
        If it cannot be made.
    """
    try:
        files.path_from(path, ImageError).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise ImageError(
            f"The folder {files.shown(path)} cannot be made: {files.why(error)}."
        ) from error


def _named(target: str | os.PathLike[str], format: str | None) -> str:
    return files.path_from(target, ImageError).suffix or "PNG" if format is None else format


def _known(format: str) -> str:
    """The name of a format in our table."""
    name = format.removeprefix(".").upper() if isinstance(format, str) else ""
    name = _OTHER_NAMES.get(name, name)
    if name not in _FORMATS:
        raise ImageFormatError(
            f"No picture can be written as {said(format)}, "
            "but as PNG, JPEG, WebP, AVIF, TIFF, BMP or PPM."
        )
    return name


def _check_size(picture: Picture, name: str) -> None:
    height, width = picture.pixels.shape[:2]
    if max(height, width) > _FORMATS[name].side:
        raise ImageFormatError(
            f"The picture cannot be written as {name}; PNG holds it. ({width} × {height} pixels, "
            f"where {name} holds {_FORMATS[name].side} each way)"
        )


def _encode(picture: Picture, format: str, quality: int) -> bytes:
    whole = isinstance(quality, Integral) and not isinstance(quality, bool)
    if not (whole and 1 <= quality <= 100):
        raise RecipeError(f"quality must be a number between 1 and 100, but is {said(quality)}.")
    name = _known(format)
    _check_size(picture, name)
    form = _FORMATS[name]
    options = form.options | ({"quality": int(quality)} if form.lossy else {})
    if picture.icc_profile is not None and form.profile:
        options["icc_profile"] = picture.icc_profile
    options |= options_for(name, picture.texts)
    image = _fitted(picture, name, form)
    content = BytesIO()
    try:
        image.save(content, name, **options)
    except MemoryError:
        raise
    # Its encoders say in many ways that a picture is too wide for them, or that
    # Pillow was built without them.
    except Exception as error:
        raise ImageFormatError(
            f"The picture cannot be written as {name}; PNG holds it. ({error})"
        ) from error
    return content.getvalue()


def _fitted(picture: Picture, name: str, form: _Format) -> Image.Image:
    """Return an image of no more than the format can hold."""
    if picture.alpha is not None and not form.alpha:
        logger.info("%s holds no transparency: the picture is put on white.", name)
        opacity = picture.alpha[..., np.newaxis]
        on_white = picture.pixels * opacity + (1 - opacity)
        picture = replace(picture, pixels=on_white, alpha=None)
    image = picture.to_image()
    if picture.icc_profile is not None and not form.profile:
        return to_srgb(image, picture.icc_profile) or image
    return image
