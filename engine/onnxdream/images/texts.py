"""Words in a picture's file: where each format keeps them.

====================  ===========================================================
format                where
====================  ===========================================================
PNG                   text chunks (PNG 1.2, 11.3.4) of the same names
TIFF, JPEG, WebP,     EXIF (CIPA DC-008): ``parameters`` as ImageDescription, and
AVIF                  all of them as JSON in UserComment; in a TIFF that tifffile
                      wrote, in the main directory
BMP, PPM, NPY         nowhere
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

__all__ = ["comment_of", "line_of", "options_for", "read_texts"]

_LONGEST = 1 << 20
"""What is longer is left alone."""

_MOST = 64

_ASCII = b"ASCII\0\0\0"
_LINE = "parameters"
_COMMENT = ExifTags.Base.UserComment

_NPY, _TIFF = b"\x93NUMPY", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

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
        exif[ExifTags.Base.ImageDescription] = line_of(texts)
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment_of(texts)
        # As bytes, since of an Exif object TIFF takes the first directory only.
        return {"exif": exif.tobytes()}
    log.info("%s holds no texts: the recipe is left out.", form)
    return {}


def line_of(texts: Mapping[str, str]) -> str:
    """What an ImageDescription says: the line for people, in ASCII, which is what it takes."""
    return texts.get(_LINE, "").encode("ascii", "replace").decode()


def comment_of(texts: Mapping[str, str]) -> bytes:
    """All texts as a UserComment."""
    return _ASCII + json.dumps(dict(texts)).encode("ascii")


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
        found: dict[Any, Any] = {}
        begin = file.tell()
        head = file.read(len(_NPY))
        if head == _NPY:
            return {}
        file.seek(begin)
        if head.startswith(_TIFF):
            exif = Image.Exif()
            # Its directory alone: of some that tifffile wrote, Pillow knows no more.
            exif.load_from_fp(file)
        else:
            image = Image.open(file)
            found |= image.info
            if isinstance(image, PngImagePlugin.PngImageFile):
                # Chunks behind the pixels are only known after these.
                found |= image.text
            exif = image.getexif()
        comments = [exif.get(_COMMENT), exif.get_ifd(ExifTags.IFD.Exif).get(_COMMENT)]
    texts = {k: str(v) for k, v in found.items() if isinstance(k, str) and isinstance(v, str)}
    for comment in comments:
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
