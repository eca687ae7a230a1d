"""Write a picture: all of it or nothing."""

from __future__ import annotations

import logging
import os
import secrets
import stat
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from ..errors import ImageError, ImageFormatError, RecipeError
from .colour import to_srgb
from .picture import Picture
from .texts import options_for

__all__ = ["Target", "write"]

logger = logging.getLogger(__name__)

Target = str | os.PathLike[str] | BinaryIO
"""What `write` takes."""


@dataclass(frozen=True)
class _Format:
    """What a format holds beside 8-bit RGB; whether it asks for a quality, and what else."""

    alpha: bool = True
    profile: bool = True
    lossy: bool = False
    options: dict[str, Any] = field(default_factory=dict)


# Dreams are full of fine colour, which the usual 4:2:0 would halve.
_FINE_COLOUR = {"subsampling": "4:4:4"}

_FORMATS = {
    "PNG": _Format(),
    "TIFF": _Format(),
    "JPEG": _Format(alpha=False, lossy=True, options=_FINE_COLOUR),
    "WEBP": _Format(lossy=True),
    "AVIF": _Format(lossy=True, options=_FINE_COLOUR),
    "BMP": _Format(alpha=False, profile=False),
    "PPM": _Format(alpha=False, profile=False),
}
_OTHER_NAMES = {"JPG": "JPEG", "JPE": "JPEG", "JFIF": "JPEG", "TIF": "TIFF"}


def write(picture: Picture, target: Target, format: str | None = None, quality: int = 95) -> None:
    """Write a picture in 8 bits.

    A file is complete or untouched, whatever happens on the way: the picture is
    written beside it and moved into its place. The new file has the old one's
    permission bits, or those that the umask gives.

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
    """
    if isinstance(target, (str, os.PathLike)):
        path = Path(target)
        _write_file(path, _encode(picture, format or path.suffix or "PNG", quality))
    elif hasattr(target, "write"):
        content = _encode(picture, format or "PNG", quality)
        try:
            target.write(content)
        except (OSError, TypeError, ValueError) as error:
            raise ImageError(f"The stream cannot be written: {error}.") from error
    else:
        raise ImageError(
            f"A picture is written to a path or a binary stream, not {type(target).__name__}."
        )


def _encode(picture: Picture, format: str, quality: int) -> bytes:
    if not 1 <= quality <= 100:
        raise RecipeError(f"quality must be between 1 and 100, but is {quality}.")
    name = format.removeprefix(".").upper()
    name = _OTHER_NAMES.get(name, name)
    if name not in _FORMATS:
        raise ImageFormatError(
            f"No picture can be written as {format!r}, "
            "but as PNG, JPEG, WebP, AVIF, TIFF, BMP or PPM."
        )
    form = _FORMATS[name]
    options = form.options | ({"quality": quality} if form.lossy else {})
    if picture.icc_profile is not None and form.profile:
        options["icc_profile"] = picture.icc_profile
    options |= options_for(name, picture.texts)
    image = _fitted(picture, name, form)
    content = BytesIO()
    try:
        image.save(content, name, **options)
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


def _write_file(path: Path, content: bytes) -> None:
    try:
        mode = path.stat().st_mode if path.exists() else None
        if mode is not None and stat.S_ISDIR(mode):
            raise ImageError(f"{path} is a folder; name a file in it.")
        if mode is not None and not os.access(path, os.W_OK):
            raise ImageError(f"{path} is write-protected.")
        if mode is None or stat.S_ISREG(mode):
            _replace(Path(os.path.realpath(path)), content, mode)
        else:
            # A device or a pipe is written to, never replaced.
            path.write_bytes(content)
    except FileNotFoundError as error:
        raise ImageError(f"There is no folder {path.parent}; make it first.") from error
    except (OSError, ValueError) as error:
        raise ImageError(f"{path} cannot be written: {error}.") from error


def _replace(path: Path, content: bytes, mode: int | None) -> None:
    unfinished = path.with_name(f".onnxdream-{secrets.token_hex(8)}")
    # Opened by its name rather than by mkstemp, whose files are for the owner only.
    file = unfinished.open("xb")
    try:
        with file:
            file.write(content)
            # The name must not reach the disk before the bytes do.
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            unfinished.chmod(stat.S_IMODE(mode))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
