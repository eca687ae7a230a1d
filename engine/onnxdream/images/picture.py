"""The one kind of picture that the rest of the house knows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..errors import ImageFormatError

__all__ = ["DEPTHS", "Picture", "a_picture", "checked", "quantized", "unit", "white_of"]

DEPTHS: dict[int, np.dtype[Any]] = {
    8: np.dtype(np.uint8),
    16: np.dtype(np.uint16),
    32: np.dtype(np.float32),
}
"""What holds a sample of so many bits."""

_STRIP_PIXELS = 1 << 18
"""How many pixels are made float32 at once, about."""

_Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Picture:
    """Samples in the depth that they came in, and what has to come out again with them.

    Parameters
    ----------
    samples : ndarray of uint8, uint16 or float32, shape (H, W, 3)
        RGB in the picture's own gamma: 0 to 255, 0 to 65535, or 0 to 1.
    alpha : ndarray of the same type, shape (H, W), optional
        Opacity, in the same range; None if the picture has none.
    icc_profile : bytes, optional
        The ICC profile that says what RGB means here; None is sRGB.
    texts : mapping of str to str
        Words that are written into the picture's file.

    Raises
    ------
    ImageFormatError
        If the types or the shapes are not these.
    """

    samples: np.ndarray
    alpha: np.ndarray | None = None
    icc_profile: bytes | None = None
    texts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_samples("The samples", self.samples)
        if not isinstance(self.icc_profile, bytes | None):
            raise ImageFormatError(
                f"A colour profile is bytes, not {type(self.icc_profile).__name__}."
            )
        if self.samples.ndim != 3 or self.samples.shape[2] != 3:
            raise ImageFormatError(
                f"The samples of a picture have the shape (H, W, 3), not {self.samples.shape}."
            )
        if self.alpha is None:
            return
        _check_samples("Alpha", self.alpha)
        if self.alpha.shape != self.samples.shape[:2]:
            raise ImageFormatError(
                f"Alpha has the shape {self.alpha.shape}, but the samples {self.samples.shape}."
            )
        if self.alpha.dtype != self.samples.dtype:
            raise ImageFormatError(
                f"Alpha is of {self.alpha.dtype}, but the samples are of {self.samples.dtype}."
            )

    @property
    def depth(self) -> int:
        """How many bits a sample has: 8, 16, or 32 where they are floats."""
        return 8 * self.samples.itemsize

    @property
    def height(self) -> int:
        """How many rows it has."""
        return int(self.samples.shape[0])

    @property
    def width(self) -> int:
        """How many pixels a row has."""
        return int(self.samples.shape[1])

    @property
    def pixels(self) -> _Floats:
        """RGB as float32 of 0 to 1, shape (H, W, 3); made anew each time, unless it is that."""
        return unit(self.samples)

    @property
    def opacity(self) -> _Floats | None:
        """Alpha as float32 of 0 to 1, shape (H, W), if there is any."""
        return None if self.alpha is None else unit(self.alpha)

    def rows(self, first: int, last: int) -> _Floats:
        """Some rows of `pixels`, [first, last), without making the others."""
        return unit(self.samples[first:last])

    def with_samples(self, samples: np.ndarray) -> Picture:
        """Return a picture of other samples with this one's alpha, profile and texts.

        Parameters
        ----------
        samples : ndarray, shape (H, W, 3)
            Of the same depth.

        Raises
        ------
        ImageFormatError
            If they are of another, or there is an alpha and the size is not
            this picture's.
        """
        other = replace(self, samples=samples)
        if other.depth != self.depth:
            raise ImageFormatError(f"The samples have {other.depth} bits, and not {self.depth}.")
        return other

    def in_depth(self, depth: int) -> Picture:
        """Return the picture in 8, 16 or 32 bits, rounded to the nearest level.

        A deeper picture comes back from it to the bit.

        Raises
        ------
        ImageFormatError
            If anything in it is no number.
        """
        if depth == self.depth:
            return self
        kind = DEPTHS[depth]
        alpha = self.alpha
        return replace(
            self,
            samples=mapped(self.samples, kind, unit),
            alpha=None if alpha is None else mapped(alpha, kind, unit),
        )

    def sha256(self) -> str:
        """SHA-256 of its samples, transparency and profile, as hexadecimal digits."""
        digest = hashlib.sha256(repr(self.samples.shape).encode())
        for part in (self.samples, self.alpha):
            if part is not None:
                digest.update(np.ascontiguousarray(part).data)
        digest.update(self.icc_profile or b"")
        return digest.hexdigest()

    def channels(self) -> np.ndarray:
        """The samples, and alpha where there is one, as one array (H, W, 3 or 4)."""
        return self.samples if self.alpha is None else np.dstack([self.samples, self.alpha])

    def to_image(self) -> Image.Image:
        """Return the picture in 8 bits, mode RGB or RGBA.

        Values are rounded to the nearest of the 256, so that an 8-bit picture
        comes back to the bit; the ICC profile is in the image's `info`.

        Raises
        ------
        ImageFormatError
            If anything in it is no number.
        """
        image = Image.fromarray(self.in_depth(8).channels())
        if self.icc_profile is not None:
            image.info["icc_profile"] = self.icc_profile
        image.info.update(self.texts)
        return image


def a_picture(picture: object) -> Picture:
    """Return what is a picture.

    Raises
    ------
    ImageFormatError
        If it is none.
    """
    if not isinstance(picture, Picture):
        raise ImageFormatError(
            f"A {type(picture).__name__} is no Picture; `onnxdream.images.read` makes one."
        )
    return picture


def white_of(kind: np.dtype) -> int:
    """The number that stands for white in samples of a type."""
    return int(np.iinfo(kind).max) if kind.kind == "u" else 1


def unit(samples: np.ndarray) -> _Floats:
    """Samples as float32 of 0 to 1; float32 ones are what they are."""
    if samples.dtype == np.float32:
        return samples
    scaled: _Floats = np.divide(samples, white_of(samples.dtype), dtype=np.float32)
    return scaled


def quantized(values: _Floats, kind: np.dtype) -> np.ndarray:
    """Samples of a type from float32 of 0 to 1, rounded to the nearest, half to even.

    What is beyond 0 and 1 is clipped, unless floats are asked for.

    Raises
    ------
    ImageFormatError
        If anything is no number.
    """
    if kind.kind == "f":
        return values
    if np.isnan(values).any():
        raise ImageFormatError("A picture must hold numbers only.")
    levels = np.clip(values, 0, 1)
    levels *= np.float32(white_of(kind))
    return np.rint(levels, out=levels).astype(kind)


def mapped(
    samples: np.ndarray, kind: np.dtype, function: Callable[[np.ndarray], _Floats]
) -> np.ndarray:
    """Samples of a type from what a function makes of rows of others, strip by strip."""
    out = np.empty(samples.shape, kind)
    for rows in strips(*samples.shape[:2]):
        out[rows] = quantized(function(samples[rows]), kind)
    return out


def strips(height: int, width: int) -> Iterator[slice]:
    """The rows of a picture, a strip of them at a time."""
    each = max(1, _STRIP_PIXELS // max(1, width))
    for first in range(0, height, each):
        yield slice(first, min(first + each, height))


def checked(pixels: np.ndarray) -> np.ndarray:
    """An array as the kernels want it, if it is a picture at all.

    Parameters
    ----------
    pixels : ndarray of float32, shape (H, W, 3)
        RGB, 0 to 1.

    Returns
    -------
    ndarray of float32, shape (H, W, 3)
        The same, C-contiguous.

    Raises
    ------
    ImageFormatError
        If it has another type or shape, or holds what is no number.
    """
    try:
        array = np.asarray(pixels)
    except (TypeError, ValueError) as error:
        raise ImageFormatError(f"pixels must be an array. ({error})") from error
    if array.ndim != 3 or array.shape[2] != 3 or not array.size or array.dtype != np.float32:
        raise ImageFormatError(
            "pixels must be a float32 array of shape (height, width, 3), "
            f"but is {array.dtype} of shape {array.shape}."
        )
    if not np.isfinite(array).all():
        raise ImageFormatError("pixels must be finite numbers.")
    return np.ascontiguousarray(array)


def _check_samples(what: str, values: object) -> None:
    if not isinstance(values, np.ndarray) or values.dtype not in DEPTHS.values():
        kind = values.dtype if isinstance(values, np.ndarray) else type(values).__name__
        raise ImageFormatError(
            f"{what} of a picture must be an array of uint8, uint16 or float32, not {kind}."
        )
