"""Read a picture from a file, a stream, bytes, a Pillow image or an array."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from .. import files
from ..errors import ImageError, ImageFormatError, ImageNotFoundError, ImageTooLargeError
from ..memory import enough_memory
from .depth import sixteen_bits
from .guard import guarded
from .modes import from_pillow
from .picture import Picture

__all__ = ["MAX_PIXELS", "MAX_SIDE", "Source", "read"]

MAX_PIXELS = 178_956_970
"""The most pixels that are decoded: 512 MiB of 8-bit RGB, 2 GiB of float32."""

MAX_SIDE = 262_144
"""The longest side that is decoded, in pixels: no camera and no scanner comes near it,
and of a file that claims more the rows alone take seconds."""

Source = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | npt.NDArray[Any]
"""What `read` takes."""

_ARRAYS = "uint8 of shape (H, W), (H, W, 3) or (H, W, 4), or float32 or float64 of 0 to 1"


@enough_memory("The picture cannot be read", "shrink it first")
def read(source: Source) -> Picture:
    """Read a picture.

    The EXIF orientation is applied and transparency is kept, also that of a
    palette or of a single colour. Every mode of Pillow is made RGB: 16-bit grey
    and 16-bit RGB in full depth, CMYK and grey through their colour profile,
    RGB with its profile kept. Of an animation it is the first frame.

    Parameters
    ----------
    source : str, PathLike, bytes, BinaryIO, PIL.Image.Image or ndarray
        A path; the bytes of a file; a binary stream, which is read from where
        it stands to its end; a Pillow image; or an array, uint8 or floats of
        0 to 1, grey (H, W), RGB (H, W, 3) or RGBA (H, W, 4).

    Raises
    ------
    ImageNotFoundError
        If there is no such file.
    ImageFormatError
        If it is no picture, a damaged one, or an array of another kind.
    ImageTruncatedError
        If it ends too early.
    ImageTooLargeError
        If it has more than `MAX_PIXELS` pixels or a side longer than
        `MAX_SIDE`, which is known before any is decoded.
    ImageError
        If the file or the stream cannot be read.
    OutOfMemoryError
        If there is not enough memory.
    """
    match source:
        case np.ndarray():
            return _from_array(source)
        case Image.Image():
            _check_size(source, "The image")
            return from_pillow(source, "The image")
        case bytes():
            return _decode(BytesIO(source), "The byte string")
        case str() | os.PathLike():
            return _read_file(files.path_from(source, ImageError))
        case _ if hasattr(source, "read"):
            return _decode(_contents(source, "The stream"), "The stream")
    raise ImageFormatError(
        f"A {type(source).__name__} is no picture: a path, bytes, a binary stream, "
        f"a Pillow image or an array can be read ({_ARRAYS})."
    )


def _read_file(path: Path) -> Picture:
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
        return _decode(file if file.seekable() else _contents(file, name), name)


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


def _decode(file: BinaryIO, name: str) -> Picture:
    with guarded(name):
        image = Image.open(file)
        if image.format == "EPS":
            raise ImageFormatError(f"{name} is a program in PostScript; save it as PNG first.")
        _check_size(image, name)
        deep = sixteen_bits(image, file)
    return from_pillow(image, name, deep)


def _check_size(image: Image.Image, name: str) -> None:
    _check_extent(image.width, image.height, name)


def _check_extent(width: int, height: int, name: str) -> None:
    if width * height > MAX_PIXELS:
        raise ImageTooLargeError(
            f"{name} has {width} × {height} pixels, more than {MAX_PIXELS}; shrink it first."
        )
    if max(width, height) > MAX_SIDE:
        raise ImageTooLargeError(
            f"{name} has {width} × {height} pixels, more than {MAX_SIDE} one way; shrink it first."
        )


def _from_array(array: npt.NDArray[Any]) -> Picture:
    shaped = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if not (shaped and array.size and array.dtype in (np.uint8, np.float32, np.float64)):
        raise ImageFormatError(
            f"An array of {array.dtype} and shape {array.shape} is no picture: {_ARRAYS} is."
        )
    _check_extent(array.shape[1], array.shape[0], "The array")
    white = 255 if array.dtype == np.uint8 else 1
    if white == 1 and not (array.min() >= 0 and array.max() <= 1):
        raise ImageFormatError(
            f"The array holds numbers from {array.min()} to {array.max()}; "
            "a float picture holds 0 to 1."
        )
    channels = np.divide(np.atleast_3d(array), white, dtype=np.float32)
    pixels = np.broadcast_to(channels[..., :3], (*array.shape[:2], 3))
    alpha = np.ascontiguousarray(channels[..., 3]) if channels.shape[2] == 4 else None
    return Picture(np.ascontiguousarray(pixels), alpha)
