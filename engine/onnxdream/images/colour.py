"""Colour profiles: what becomes sRGB, and how."""

from __future__ import annotations

import logging
from io import BytesIO

import numpy as np
from PIL import Image

__all__ = ["grey_curve", "space", "to_srgb"]

logger = logging.getLogger(__name__)


def space(profile: bytes) -> str:
    """Return the colour space of a profile's input side, such as "RGB", "GRAY" or "CMYK".

    It stands in bytes 16 to 19 of the header (ICC.1:2022, 7.2.8).
    """
    return profile[16:20].decode("ascii", "replace").strip()


def to_srgb(image: Image.Image, profile: bytes, exact: bool = False) -> Image.Image | None:
    """Convert an image through its profile, with the perceptual intent.

    Parameters
    ----------
    image : PIL.Image.Image
        An image in the colour space of the profile.
    profile : bytes
        An ICC profile.
    exact : bool
        Follow the profile's curves themselves, which takes a few times longer,
        rather than a coarse sample of them, which is off in the shadows.

    Returns
    -------
    PIL.Image.Image or None
        The image in sRGB, mode RGB; None, and a line in the log, if the profile
        is damaged or Pillow was built without colour management.
    """
    from PIL import ImageCms

    try:
        return ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
            flags=ImageCms.Flags.NOOPTIMIZE if exact else ImageCms.Flags.NONE,
        )
    except (ImageCms.PyCMSError, ImportError, OSError) as error:
        logger.warning("A colour profile could not be used: %s.", error)
        return None


def grey_curve(profile: bytes) -> np.ndarray | None:
    """Return what the 256 greys of a grey profile are in sRGB.

    A curve serves every depth: 16-bit greys lie between its points.

    Returns
    -------
    ndarray of float32, shape (256,), or None
        0 to 1; None if the profile cannot be used.
    """
    greys = Image.fromarray(np.arange(256, dtype=np.uint8)[np.newaxis])
    ramp = to_srgb(greys, profile, exact=True)
    return None if ramp is None else np.asarray(ramp)[0, :, 1] / np.float32(255)
