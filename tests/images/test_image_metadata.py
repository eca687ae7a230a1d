"""What a photograph says of its maker and its place goes no further."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from onnxdream import images

SECRET = "Jane Roe's camera"
PIXELS = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
FORMATS = ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "BMP", "PPM"]


def telling(format: str) -> bytes:
    """A picture that says where it was taken, and by whom, in every way that its format knows."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = SECRET
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (52.0, 31.0, 7.0)
    said = {"exif": exif.tobytes()}
    if format == "TIFF":
        said = {"exif": exif, "artist": SECRET, "description": SECRET}
    if format in ("PNG", "JPEG", "WEBP", "AVIF"):
        said["xmp"] = f"<x:xmpmeta>{SECRET}</x:xmpmeta>".encode()
    if format == "JPEG":
        said["comment"] = SECRET
    if format == "PNG":
        said["pnginfo"] = PngImagePlugin.PngInfo()
        said["pnginfo"].add_text("Author", SECRET)
    content = io.BytesIO()
    Image.fromarray(PIXELS).save(content, format, **said)
    assert SECRET.encode() in content.getvalue()
    return content.getvalue()


@pytest.mark.parametrize("source", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("target", FORMATS)
def test_neither_place_nor_name_is_written(source: str, target: str) -> None:
    content = io.BytesIO()
    images.write(images.read(telling(source)), content, target)
    assert SECRET.encode() not in content.getvalue()
    with Image.open(content) as image:
        image.load()
        assert ExifTags.IFD.GPSInfo not in image.getexif()
        assert ExifTags.Base.Make not in image.getexif()
        assert not {"exif", "xmp", "XML:com.adobe.xmp", "comment", "Author"} & set(image.info)


@pytest.mark.parametrize("source", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF"])
def test_neither_place_nor_name_is_in_an_image(source: str) -> None:
    image = images.read(telling(source)).to_image()
    assert image.info == {}
    assert len(image.getexif()) == 0
