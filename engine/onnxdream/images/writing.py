"""Write a picture: all of it or nothing."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import BinaryIO

import numpy as np
from PIL import Image

from .. import files
from ..errors import ImageError, ImageFormatError
from ..memory import enough_memory
from ..ranges import said, whole_number_within
from .arrays import to_npy
from .colour import to_srgb
from .formats import FORMATS, Format, known
from .picture import Picture, a_picture, quantized, strips, unit
from .png import to_png
from .texts import options_for
from .tiff import to_tiff

__all__ = ["Target", "check_target", "write"]

logger = logging.getLogger(__name__)

Target = str | os.PathLike[str] | BinaryIO
"""What `write` takes."""


_SPECK = Picture(np.zeros((1, 1, 3), np.uint8))


@enough_memory("The picture cannot be written", "write a smaller one")
def write(
    picture: Picture,
    target: Target,
    format: str | None = None,
    quality: int = 95,
    depth: int | None = None,
) -> None:
    """Write a picture.

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
        PNG, JPEG, WebP, AVIF, TIFF, BMP, PPM or NPY. If not given, the path's
        suffix says it; for a stream it is PNG.
    quality : int
        1 to 100, for JPEG, WebP and AVIF.
    depth : {8, 16, 32}, optional
        Bits of a sample; 32 is float32. PNG holds 8 and 16, TIFF all of them,
        NPY 32, the others 8. If not given, it is the picture's own where the
        format holds that, and else the most that it does.

    Raises
    ------
    ImageFormatError
        If the format is none of these, is not named, or cannot hold the
        picture or the depth.
    MissingExtraError
        If it is a TIFF of more than 8 bits, and onnxdream[tiff] is not installed.
    ImageError
        If the folder is missing, or the target cannot be written.
    RecipeError
        If the quality is out of range.
    OutOfMemoryError
        If there is not enough memory.
    """
    picture = a_picture(picture)
    if isinstance(target, (str, os.PathLike)):
        files.save(_encode(picture, _named(target, format), quality, depth), target, ImageError)
    elif hasattr(target, "write"):
        content = _encode(picture, "PNG" if format is None else format, quality, depth)
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
    target: str | os.PathLike[str],
    format: str | None = None,
    like: Picture = _SPECK,
    depth: int | None = None,
) -> None:
    """Raise now what `write` would raise, before the work is done that is to be written.

    Parameters
    ----------
    target : str or PathLike
        The path.
    format, depth
        As for `write`.
    like : Picture
        A picture as large and as deep as the one that will be written; if not
        given, one that every format can hold.

    Raises
    ------
    ImageError
        If a picture cannot be written there.
    MissingExtraError
        If onnxdream[tiff] is needed and not installed.
    """
    name = known(_named(target, format))
    _check_size(a_picture(like), name)
    speck = Picture(np.zeros((1, 1, 3), like.samples.dtype))
    _encode(speck, name, 95, depth)
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
    path = files.path_from(target, ImageError)
    if format is not None:
        return format
    if not path.suffix:
        # A folder, say, is named otherwise for another reason.
        files.check_target(path, ImageError)
        raise ImageFormatError(
            f"{files.shown(path)} has no suffix that names a format: end it in .png, say, "
            "or name the format."
        )
    return path.suffix


def _check_size(picture: Picture, name: str) -> None:
    if max(picture.height, picture.width) > FORMATS[name].side:
        raise ImageFormatError(
            f"The picture cannot be written as {name}; PNG holds it. ({picture.width} × "
            f"{picture.height} pixels, where {name} holds {FORMATS[name].side} each way)"
        )


def _depth(picture: Picture, name: str, depth: int | None) -> int:
    """How many bits a sample is written with."""
    depths = FORMATS[name].depths
    if depth is not None:
        if depth not in depths:
            held = " or ".join(map(str, depths))
            raise ImageFormatError(f"{name} holds {held} bits a sample, and not {said(depth)}.")
        return depth
    if picture.depth in depths:
        return picture.depth
    logger.info("%s holds %d bits a sample, of a picture of %d.", name, depths[-1], picture.depth)
    return depths[-1]


def _encode(picture: Picture, format: str, quality: int, depth: int | None) -> bytes:
    quality = whole_number_within("quality", quality, 1, 100)
    name = known(format)
    _check_size(picture, name)
    depth = _depth(picture, name, depth)
    encode = _DEEP.get((name, depth))
    if encode is None:
        return _by_pillow(picture, name, quality)
    if name == "NPY" and (picture.texts or picture.icc_profile):
        logger.info("NPY holds no texts and no profile: they are left out.")
    return encode(picture.in_depth(depth))


_DEEP: dict[tuple[str, int], Callable[[Picture], bytes]] = {
    ("PNG", 16): to_png,
    ("TIFF", 16): to_tiff,
    ("TIFF", 32): to_tiff,
    ("NPY", 32): to_npy,
}
"""What writes what Pillow does not."""


def _by_pillow(picture: Picture, name: str, quality: int) -> bytes:
    form = FORMATS[name]
    options = {**form.options} | ({"quality": quality} if form.lossy else {})
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


def _fitted(picture: Picture, name: str, form: Format) -> Image.Image:
    """Return an image of no more than the format can hold."""
    if picture.alpha is not None and not form.alpha:
        logger.info("%s holds no transparency: the picture is put on white.", name)
        picture = _on_white(picture, picture.alpha)
    image = picture.to_image()
    if picture.icc_profile is not None and not form.profile:
        return to_srgb(image, picture.icc_profile) or image
    return image


def _on_white(picture: Picture, alpha: np.ndarray) -> Picture:
    out = np.empty(picture.samples.shape, np.uint8)
    for rows in strips(picture.height, picture.width):
        opacity = unit(alpha[rows])[..., np.newaxis]
        out[rows] = quantized(unit(picture.samples[rows]) * opacity + (1 - opacity), out.dtype)
    return replace(picture, samples=out, alpha=None)
