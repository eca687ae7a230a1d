"""Arrays, in memory and in files of NumPy, as pictures."""

from __future__ import annotations

import math
import os
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from ..errors import ImageFormatError, ImageTruncatedError
from .guard import guarded
from .limits import Limits
from .picture import Picture

__all__ = ["ARRAYS", "NPY_MAGIC", "from_array", "from_npy", "to_npy"]

ARRAYS = "uint8 of shape (H, W), (H, W, 3) or (H, W, 4), or float32 or float64 of 0 to 1"
"""What arrays are pictures."""

NPY_MAGIC = b"\x93NUMPY"
"""How a file of NumPy begins."""

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


class _Kind(NamedTuple):
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def from_array(array: npt.NDArray[Any], limits: Limits) -> Picture:
    """Turn an array into a picture, which shares no memory with it.

    Raises
    ------
    ImageFormatError
        If it is of another kind than `ARRAYS`, or out of range.
    ImageTooLargeError
        If it is beyond the limits.
    """
    _check(_Kind(array.shape, array.dtype), "array", limits)
    return _picture(array, "The array")


def from_npy(file: BinaryIO, name: str, limits: Limits) -> Picture:
    """Read a file of NumPy, whose header is checked before memory is taken.

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
    ImageFormatError
        If it is damaged, or holds no picture.
    ImageTruncatedError
        If it ends too early.
    ImageTooLargeError
        If it is beyond the limits.
    """
    with guarded(name):
        begin = file.tell()
        read_header = _HEADERS.get(npy.read_magic(file))
        if read_header is None:
            raise ImageFormatError(f"{name} is of a version of NumPy's format that is not known.")
        shape, _, dtype = read_header(file)
        _check(_Kind(shape, dtype), name, limits)
        left = file.seek(0, os.SEEK_END) - begin
        if left < math.prod(shape) * dtype.itemsize:
            raise ImageTruncatedError(f"{name} ends too early; fetch or save it again.")
        file.seek(begin)
        array = np.load(file, allow_pickle=False)
    return _picture(array, name)


def to_npy(picture: Picture) -> bytes:
    """The bytes of a file of NumPy: float32 of 0 to 1, (H, W, 3) or (H, W, 4)."""
    content = BytesIO()
    np.save(content, picture.in_depth(32).channels(), allow_pickle=False)
    return content.getvalue()


def _check(kind: _Kind, name: str, limits: Limits) -> None:
    shape, dtype = kind
    shaped = len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4))
    known = dtype.newbyteorder("=") in (np.uint8, np.float32, np.float64)
    if not (shaped and 0 not in shape and known):
        what = "An array" if name == "array" else f"{name} holds an array, which"
        raise ImageFormatError(f"{what} of {dtype} and shape {shape} is no picture: {ARRAYS} is.")
    limits.check(shape[1], shape[0], "The array" if name == "array" else name)


def _picture(array: npt.NDArray[Any], name: str) -> Picture:
    floats = array.dtype.kind == "f"
    if floats and not (array.min() >= 0 and array.max() <= 1):
        raise ImageFormatError(
            f"{name} holds numbers from {array.min()} to {array.max()}; "
            "a float picture holds 0 to 1."
        )
    kind = np.float32 if floats else np.uint8
    channels = np.atleast_3d(array)
    samples = np.empty((*array.shape[:2], 3), kind)
    samples[:] = channels[..., :3]
    alpha = channels[..., 3].astype(kind) if channels.shape[2] == 4 else None
    return Picture(samples, alpha)
