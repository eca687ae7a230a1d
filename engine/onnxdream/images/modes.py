"""Whatever Pillow holds, made upright, RGB and float32."""

from __future__ import annotations

import logging

import numpy as np
from PIL import ExifTags, Image

from ..errors import ImageFormatError
from .colour import grey_curve, space, to_srgb
from .guard import guarded
from .picture import Picture

__all__ = ["from_pillow"]

logger = logging.getLogger(__name__)

_EIGHT_BIT_GREY = ("1", "L", "LA", "La")

# EXIF orientation (CIPA DC-008, tag 274): whether rows and columns change places,
# and whether the rows and the columns are reversed after that.
_TURNS = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def from_pillow(image: Image.Image, name: str, deep: np.ndarray | None = None) -> Picture:
    """Turn a Pillow image of any mode into a picture.

    Parameters
    ----------
    image : PIL.Image.Image
        The image; it is loaded if it is not, and not changed.
    name : str
        What it is, as the messages begin.
    deep : ndarray of uint16, shape (H, W, 3) or (H, W, 4), optional
        The image's channels in 16 bits, where Pillow holds but eight of them.

    Raises
    ------
    ImageFormatError
        If it is damaged, has no pixels, or holds numbers of no known range.
    ImageTruncatedError, ImageTooLargeError
        If it cannot be loaded for these reasons.
    """
    with guarded(name):
        image.load()
        orientation = _orientation(image, name)
        profile = image.info.get("icc_profile")
        if deep is None and _is_deep_grey(image):
            deep = np.asarray(image)
        values = np.asarray(_eight_bit(image, profile)) if deep is None else deep
    if not values.size:
        raise ImageFormatError(f"{name} has no pixels.")

    channels = np.atleast_3d(values)
    white = _white(values, name)
    colour = _scaled(channels[..., :3], white)
    alpha = None
    if channels.shape[2] == 4:
        alpha = _scaled(channels[..., 3], white)
    # In a Pillow image that was no PNG, the note of a transparent colour may be
    # left over from another mode.
    elif deep is not None and image.format == "PNG" and "transparency" in image.info:
        alpha = (channels != image.info["transparency"]).any(axis=2).astype(np.float32)

    if profile:
        colour, profile = _profiled(colour, profile, image)
    pixels = np.broadcast_to(colour, (*colour.shape[:2], 3))
    return Picture(
        _turned(pixels, orientation),
        None if alpha is None else _turned(alpha, orientation),
        profile or None,
    )


def _orientation(image: Image.Image, name: str) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (SyntaxError, TypeError, ValueError) as error:
        logger.warning("%s: its EXIF data is damaged, so it is taken as upright. (%s)", name, error)
        return 1


def _is_deep_grey(image: Image.Image) -> bool:
    return image.mode == "F" or image.mode.startswith("I")


def _eight_bit(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the image in mode RGB, or RGBA if any of it is transparent."""
    if image.mode == "CMYK" and profile and space(profile) == "CMYK":
        return to_srgb(image, profile) or image.convert("RGB")
    if image.mode == "La":
        image = image.convert("LA")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _white(values: np.ndarray, name: str) -> int:
    """Return the number that stands for white."""
    if values.dtype.kind == "u":
        return int(np.iinfo(values.dtype).max)
    low, high = values.min(), values.max()
    if values.dtype.kind == "i" and low >= 0 and high <= 65535:
        return 65535
    if values.dtype.kind == "f" and low >= 0 and high <= 255:
        if high <= 1:
            return 1
        # Pillow's own conversions to float keep the range of bytes.
        logger.info("%s holds floats up to %s, taken as 0 to 255.", name, high)
        return 255
    raise ImageFormatError(
        f"{name} holds numbers from {low} to {high}: integers of 0 to 65535 can be read, "
        "or floats of 0 to 1 or 0 to 255."
    )


def _scaled(values: np.ndarray, white: int) -> np.ndarray:
    scaled: np.ndarray = np.divide(values, white, dtype=np.float32)
    return scaled


def _profiled(
    colour: np.ndarray, profile: bytes, image: Image.Image
) -> tuple[np.ndarray, bytes | None]:
    """Return the colours, and the profile if it says what they mean."""
    of = space(profile)
    if image.mode in ("CMYK", "LAB"):
        return colour, None
    if of == "RGB":
        return colour, profile
    if of == "GRAY" and (_is_deep_grey(image) or image.mode in _EIGHT_BIT_GREY):
        curve = grey_curve(profile)
        if curve is not None:
            greys = np.interp(colour[..., :1], np.linspace(0, 1, curve.size), curve)
            return greys.astype(np.float32), None
        return colour, None
    logger.warning("A colour profile for %s was left out of a picture in %s.", of, image.mode)
    return colour, None


def _turned(values: np.ndarray, orientation: int) -> np.ndarray:
    transposed, rows, columns = _TURNS.get(orientation, (False, False, False))
    if transposed:
        values = values.swapaxes(0, 1)
    return np.ascontiguousarray(values[:: -1 if rows else 1, :: -1 if columns else 1])
