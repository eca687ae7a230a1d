"""Read a picture from a file, a stream, bytes, a Pillow image or an array."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from .. import files
from ..errors import ImageError, ImageFormatError, ImageNotFoundError
from ..memory import enough_memory
from ..ranges import whole_number_within
from .arrays import ARRAYS, NPY_MAGIC, from_array, from_npy
from .depth import sixteen_bits
from .guard import guarded
from .heif import is_heif, prepare
from .limits import MAX_PIXELS, MAX_SIDE, Limits
from .modes import from_pillow
from .picture import Picture
from .tiff import from_tiff, is_misread, is_tiff

__all__ = ["Source", "read"]

Source = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | npt.NDArray[Any]
"""What `read` takes."""

_HEAD = 64
"""So many bytes of a file tell what it is."""


@enough_memory("The picture cannot be read", "shrink it first")
def read(source: Source, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read a picture.

    The EXIF orientation is applied and transparency is kept, also that of a
    palette or of a single colour. Everything is made RGB in the depth that it
    has: 8 bits, 16 bits, or float32. CMYK and grey go through their colour
    profile, and RGB keeps its own. Of an animation it is the first frame.
    HEIC needs onnxdream[heif]; a TIFF of RGB in floats, onnxdream[tiff].

    Parameters
    ----------
    source : str, PathLike, bytes, BinaryIO, PIL.Image.Image or ndarray
        A path; the bytes of a file; a binary stream, which is read from where
        it stands to its end; a Pillow image; or an array, uint8 or floats of
        0 to 1, grey (H, W), RGB (H, W, 3) or RGBA (H, W, 4), which a ``.npy``
        file may hold, too.
    max_pixels : int
        The most pixels that are decoded.

    Raises
    ------
    ImageNotFoundError
        If there is no such file.
    ImageFormatError
        If it is no picture, a damaged one, or an array of another kind.
    ImageTruncatedError
        If it ends too early.
    ImageTooLargeError
        If it has more pixels than that or a side longer than `MAX_SIDE`, which
        is known before any is decoded.
    MissingExtraError
        If a file needs an extra that is not installed.
    RecipeError
        If `max_pixels` is impossible.
    ImageError
        If the file or the stream cannot be read.
    OutOfMemoryError
        If there is not enough memory.
    """
    limits = Limits(whole_number_within("max_pixels", max_pixels, 1, MAX_SIDE**2))
    match source:
        case np.ndarray():
            return from_array(source, limits)
        case Image.Image():
            limits.check(source.width, source.height, "The image")
            return from_pillow(source, "The image")
        case bytes():
            return _decode(BytesIO(source), "The byte string", limits)
        case str() | os.PathLike():
            return _read_file(files.path_from(source, ImageError), limits)
        case _ if hasattr(source, "read"):
            return _decode(_contents(source, "The stream"), "The stream", limits)
    raise ImageFormatError(
        f"A {type(source).__name__} is no picture: a path, bytes, a binary stream, "
        f"a Pillow image or an array can be read ({ARRAYS})."
    )


def _read_file(path: Path, limits: Limits) -> Picture:
    name = files.shown(path)
    try:
        if path.is_dir():
            raise ImageError(f"{name} is a folder, not a picture.")
        file = path.open("rb")
    except FileNotFoundError as error:
        if files.is_address(path):
            raise ImageNotFoundError(
                f"{name} is an address, and only files can be read; fetch it first."
            ) from error
        raise ImageNotFoundError(f"There is no picture {name}.") from error
    except (OSError, ValueError) as error:
        raise ImageError(f"{name} cannot be opened: {files.why(error)}.") from error
    with file:
        return _decode(file if file.seekable() else _contents(file, name), name, limits)


def _contents(stream: BinaryIO, name: str) -> BytesIO:
    try:
        contents = stream.read()
    except MemoryError:
        raise
    except Exception as error:  # A stream may be anybody's, and raise anything.
        raise ImageError(f"{name} cannot be read. ({error})") from error
    if not isinstance(contents, bytes):
        raise ImageFormatError(f"{name} gives {type(contents).__name__}; open it in binary mode.")
    if not contents:
        raise ImageFormatError(f"{name} is empty from where it stands.")
    return BytesIO(contents)


def _decode(file: BinaryIO, name: str, limits: Limits) -> Picture:
    begin = file.tell()
    head = file.read(_HEAD)
    file.seek(begin)
    if head.startswith(NPY_MAGIC):
        return from_npy(file, name, limits)
    if is_heif(head):
        prepare()
    try:
        return _by_pillow(file, name, limits)
    except ImageFormatError as error:
        if not (is_tiff(head) and isinstance(error.__cause__, UnidentifiedImageError)):
            raise
        file.seek(begin)
        return from_tiff(file, name, limits)


def _by_pillow(file: BinaryIO, name: str, limits: Limits) -> Picture:
    with guarded(name, limits.pixels):
        image = Image.open(file)
        if image.format == "EPS":
            raise ImageFormatError(f"{name} is a program in PostScript; save it as PNG first.")
        limits.check(image.width, image.height, name)
        if is_misread(image):
            raise UnidentifiedImageError
        deep = sixteen_bits(image, file)
    return from_pillow(image, name, deep)
