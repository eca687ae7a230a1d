"""Words in a picture's file: where each format keeps them.

====================  ===========================================================
format                where
====================  ===========================================================
PNG                   text chunks (PNG 1.2, 11.3.4) of the same names
TIFF, JPEG, WebP,     EXIF (CIPA DC-008): ``parameters`` as ImageDescription, and
AVIF                  all of them as JSON in UserComment
BMP, PPM              nowhere
====================  ===========================================================
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from PIL import ExifTags, Image, PngImagePlugin

from ..errors import ImageError, ImageNotFoundError
from ..files import path_from, shown, why
from .guard import guarded

__all__ = ["options_for", "read_texts"]

_LONGEST = 1 << 20
"""What is longer is left alone."""

_MOST = 64

_ASCII = b"ASCII\0\0\0"
_LINE = "parameters"

log = logging.getLogger(__name__)


def options_for(form: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """What Pillow is told when it writes a format, so that texts are in the file.

    Parameters
    ----------
    form : str
        A format of Pillow's.
    texts : mapping of str to str
        Keys of letters and the texts.
    """
    if not texts:
        return {}
    if form == "PNG":
        info = PngImagePlugin.PngInfo()
        for key, text in texts.items():
            info.add_text(key, text)
        return {"pnginfo": info}
    if form in ("TIFF", "JPEG", "WEBP", "AVIF"):
        exif = Image.Exif()
        exif[ExifTags.Base.ImageDescription] = _plain(texts.get(_LINE, ""))
        comment = _ASCII + json.dumps(dict(texts)).encode("ascii")
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
        # As bytes, since of an Exif object TIFF takes the first directory only.
        return {"exif": exif.tobytes()}
    log.info("%s holds no texts: the recipe is left out.", form)
    return {}


def read_texts(source: bytes | str | Path) -> dict[str, str]:
    """The texts of a picture's file; empty where it has none.

    Parameters
    ----------
    source : bytes, str or Path
        The bytes of a file, or its path.

    Raises
    ------
    ImageNotFoundError
        If there is no such file.
    ImageError
        If it cannot be read, or is no picture.
    """
    if isinstance(source, bytes):
        return _texts_of(BytesIO(source), "The byte string")
    path = path_from(source, ImageError)
    try:
        with path.open("rb") as file:
            return _texts_of(file, shown(path))
    except FileNotFoundError as error:
        raise ImageNotFoundError(f"There is no picture {shown(path)}.") from error
    except (OSError, ValueError) as error:
        raise ImageError(f"{shown(path)} cannot be opened: {why(error)}.") from error


def _texts_of(file: BinaryIO, name: str) -> dict[str, str]:
    with guarded(name):
        image = Image.open(file)
        found: dict[Any, Any] = dict(image.info)
        if isinstance(image, PngImagePlugin.PngImageFile):
            # Chunks behind the pixels are only known after these.
            found |= image.text
        comment = image.getexif().get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment)
    texts = {k: str(v) for k, v in found.items() if isinstance(k, str) and isinstance(v, str)}
    texts |= _commented(comment)
    return dict(islice(((k, v) for k, v in texts.items() if len(v) <= _LONGEST), _MOST))


def _commented(comment: object) -> dict[str, str]:
    if not isinstance(comment, bytes) or not comment.startswith(_ASCII) or len(comment) > _LONGEST:
        return {}
    try:
        said = json.loads(comment.removeprefix(_ASCII))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(said, dict):
        return {}
    return {key: text for key, text in said.items() if isinstance(text, str)}


def _plain(text: str) -> str:
    """A text in ASCII, which is what EXIF takes there."""
    return text.encode("ascii", "replace").decode()
