"""Whatever Pillow holds, made upright and RGB, in its own depth."""

from __future__ import annotations

import logging

import numpy as np
from PIL import ExifTags, Image

from ..errors import ImageFormatError
from .colour import grey_curve, space, to_srgb
from .guard import guarded
from .picture import DEPTHS, Picture, quantized, unit, white_of

__all__ = ["from_channels", "from_pillow"]

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
    # The size was checked already, where the picture was opened.
    with guarded(name, image.width * image.height):
        image.load()
        orientation = _orientation(image, name)
        profile = image.info.get("icc_profile")
        if not isinstance(profile, bytes):
            # A damaged TIFF may call it a text, or a number.
            profile = None
        if deep is None and _is_deep_grey(image):
            deep = np.asarray(image)
        values = np.asarray(_eight_bit(image, profile)) if deep is None else deep
    if not values.size:
        raise ImageFormatError(f"{name} has no pixels.")

    channels = _samples(np.atleast_3d(values), name)
    colour, alpha = channels[..., :3], None
    if channels.shape[2] == 4:
        alpha = channels[..., 3]
    # In a Pillow image that was no PNG, the note of a transparent colour may be
    # left over from another mode.
    elif deep is not None and image.format == "PNG" and "transparency" in image.info:
        seen = (channels != image.info["transparency"]).any(axis=2)
        alpha = seen * channels.dtype.type(white_of(channels.dtype))

    if image.mode in ("CMYK", "LAB"):
        profile = None
    grey = _is_deep_grey(image) or image.mode in _EIGHT_BIT_GREY
    colour, profile = _profiled(colour, profile or None, grey, image.mode)
    return _picture(colour, alpha, profile, orientation)


def from_channels(
    channels: np.ndarray, name: str, profile: bytes | None = None, orientation: int = 1
) -> Picture:
    """Turn grey, RGB or RGBA into a picture.

    Parameters
    ----------
    channels : ndarray of numbers, shape (H, W, 1), (H, W, 3) or (H, W, 4)
        Unsigned integers of full range, integers of 0 to 65535, or floats of 0
        to 1 or 0 to 255.
    name : str
        What it is, as the messages begin.
    profile : bytes, optional
        Its ICC profile.
    orientation : int
        As EXIF numbers it.

    Raises
    ------
    ImageFormatError
        If it holds numbers of no known range.
    """
    samples = _samples(channels, name)
    colour, alpha = samples[..., :3], samples[..., 3] if samples.shape[2] == 4 else None
    grey = samples.shape[2] == 1
    colour, profile = _profiled(colour, profile, grey, "grey" if grey else "RGB")
    return _picture(colour, alpha, profile, orientation)


def _picture(
    colour: np.ndarray, alpha: np.ndarray | None, profile: bytes | None, orientation: int
) -> Picture:
    return Picture(
        _turned(np.broadcast_to(colour, (*colour.shape[:2], 3)), orientation),
        None if alpha is None else _turned(alpha, orientation),
        profile,
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


def _samples(values: np.ndarray, name: str) -> np.ndarray:
    """The values in a depth that a picture may have."""
    if values.dtype in DEPTHS.values() and values.dtype.kind == "u":
        return values
    low, high = values.min(), values.max()
    if values.dtype.kind in "iu" and low >= 0 and high <= 65535:
        return values.astype(np.uint16)
    if values.dtype.kind == "f" and low >= 0 and high <= 255:
        if high <= 1:
            return values.astype(np.float32)
        # Pillow's own conversions to float keep the range of bytes.
        logger.info("%s holds floats up to %s, taken as 0 to 255.", name, high)
        scaled: np.ndarray = np.divide(values, 255, dtype=np.float32)
        return scaled
    raise ImageFormatError(
        f"{name} holds numbers from {low} to {high}: integers of 0 to 65535 can be read, "
        "or floats of 0 to 1 or 0 to 255."
    )


def _profiled(
    colour: np.ndarray, profile: bytes | None, grey: bool, mode: str
) -> tuple[np.ndarray, bytes | None]:
    """Return the colours, and the profile if it says what they mean."""
    if profile is None:
        return colour, None
    of = space(profile)
    if of == "RGB":
        return colour, profile
    if of == "GRAY" and grey:
        return _grey_as_srgb(colour, profile), None
    logger.warning("A colour profile for %s was left out of a picture in %s.", of, mode)
    return colour, None


def _grey_as_srgb(colour: np.ndarray, profile: bytes) -> np.ndarray:
    curve = grey_curve(profile)
    if curve is None:
        return colour
    greys, kind = colour[..., :1], colour.dtype
    if kind.kind == "f":
        return _along(curve, greys)
    levels = np.arange(white_of(kind) + 1, dtype=kind)
    table = quantized(_along(curve, unit(levels)), kind)
    found: np.ndarray = table[greys]
    return found


def _along(curve: np.ndarray, values: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.interp(values, np.linspace(0, 1, curve.size), curve)
    return found.astype(np.float32)


def _turned(values: np.ndarray, orientation: int) -> np.ndarray:
    transposed, rows, columns = _TURNS.get(orientation, (False, False, False))
    if transposed:
        values = values.swapaxes(0, 1)
    return np.ascontiguousarray(values[:: -1 if rows else 1, :: -1 if columns else 1])
