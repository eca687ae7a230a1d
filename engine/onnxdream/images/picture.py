"""The one kind of picture that the rest of the house knows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

from ..errors import ImageFormatError

__all__ = ["Picture", "a_picture", "checked"]


@dataclass(frozen=True, eq=False)
class Picture:
    """Pixels, and what has to come out again with them.

    Parameters
    ----------
    pixels : ndarray of float32, shape (H, W, 3)
        RGB, 0 to 1, in the picture's own gamma.
    alpha : ndarray of float32, shape (H, W), optional
        Opacity, 0 to 1; None if the picture has none.
    icc_profile : bytes, optional
        The ICC profile that says what RGB means here; None is sRGB.
    texts : mapping of str to str
        Words that are written into the picture's file.

    Raises
    ------
    ImageFormatError
        If the types or the shapes are not these.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    icc_profile: bytes | None = None
    texts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_floats("The pixels", self.pixels)
        if self.alpha is not None:
            _check_floats("Alpha", self.alpha)
        if not isinstance(self.icc_profile, bytes | None):
            raise ImageFormatError(
                f"A colour profile is bytes, not {type(self.icc_profile).__name__}."
            )
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3:
            raise ImageFormatError(
                f"The pixels of a picture have the shape (H, W, 3), not {self.pixels.shape}."
            )
        if self.alpha is not None and self.alpha.shape != self.pixels.shape[:2]:
            raise ImageFormatError(
                f"Alpha has the shape {self.alpha.shape}, but the pixels {self.pixels.shape}."
            )

    def with_pixels(self, pixels: np.ndarray) -> Picture:
        """Return a picture of other pixels with this one's alpha and profile.

        Parameters
        ----------
        pixels : ndarray of float32, shape (H, W, 3)
            RGB, 0 to 1.

        Raises
        ------
        ImageFormatError
            If there is an alpha and the size is not this picture's.
        """
        return replace(self, pixels=pixels)

    def sha256(self) -> str:
        """SHA-256 of its pixels, transparency and profile, as hexadecimal digits."""
        digest = hashlib.sha256(repr(self.pixels.shape).encode())
        for part in (self.pixels, self.alpha):
            if part is not None:
                digest.update(np.ascontiguousarray(part).data)
        digest.update(self.icc_profile or b"")
        return digest.hexdigest()

    def to_image(self) -> Image.Image:
        """Return the picture in 8 bits, mode RGB or RGBA.

        Values are rounded to the nearest of the 256, so that an 8-bit picture
        comes back to the bit; the ICC profile is in the image's `info`.

        Raises
        ------
        ImageFormatError
            If anything in it is no number.
        """
        channels = _to_bytes(self.pixels)
        if self.alpha is not None:
            channels = np.dstack([channels, _to_bytes(self.alpha)])
        image = Image.fromarray(channels)
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


def _check_floats(what: str, values: object) -> None:
    if not isinstance(values, np.ndarray) or values.dtype.kind != "f":
        kind = values.dtype if isinstance(values, np.ndarray) else type(values).__name__
        raise ImageFormatError(f"{what} of a picture must be a float32 array, not {kind}.")


def _to_bytes(values: np.ndarray) -> np.ndarray:
    if np.isnan(values).any():
        raise ImageFormatError("A picture must hold numbers only.")
    levels: np.ndarray = np.rint(np.clip(values, 0, 1) * 255)
    return levels.astype(np.uint8)
