"""Words in a picture's file, in every format that holds them."""

from __future__ import annotations

import io
import json
import logging
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, PngImagePlugin

from onnxdream import images
from onnxdream.errors import ImageError, ImageFormatError, ImageNotFoundError

TEXTS = {"onnxdream": '{"recipe": "Füße, 夢, \\u0000"}', "parameters": "a line: Füße"}
SAMPLES = np.arange(72, dtype=np.uint8).reshape(4, 6, 3) * 3

EVERY = [
    ("PNG", 8),
    ("PNG", 16),
    ("TIFF", 8),
    ("TIFF", 16),
    ("TIFF", 32),
    ("JPEG", 8),
    ("WEBP", 8),
    ("AVIF", 8),
]


def written(texts, format="PNG", depth=None, alpha=None, profile=None):
    stream = io.BytesIO()
    picture = images.Picture(SAMPLES, alpha, profile, texts)
    images.write(picture, stream, format, depth=depth)
    return stream.getvalue()


@pytest.mark.parametrize(("format", "depth"), EVERY)
@pytest.mark.parametrize("alpha", [None, np.full((4, 6), 51, np.uint8)], ids=["opaque", "alpha"])
def test_texts_come_back(format, depth, alpha, tmp_path):
    if depth > 8 and format == "TIFF":
        pytest.importorskip("tifffile")
    content = written(TEXTS, format, depth, alpha)
    assert images.read_texts(content) == TEXTS
    path = tmp_path / "picture"
    path.write_bytes(content)
    assert images.read_texts(path) == images.read_texts(str(path)) == TEXTS


@pytest.mark.parametrize(("format", "depth"), EVERY)
def test_a_picture_without_texts_has_none(format, depth):
    if depth > 8 and format == "TIFF":
        pytest.importorskip("tifffile")
    assert not set(images.read_texts(written({}, format, depth))) & set(TEXTS)


words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)


@pytest.mark.parametrize(("format", "depth"), [("PNG", 8), ("PNG", 16), ("TIFF", 8), ("JPEG", 8)])
@given(text=words)
def test_any_text_comes_back(format, depth, text):
    assert images.read_texts(written({"onnxdream": text}, format, depth))["onnxdream"] == text


@pytest.mark.parametrize("format", ["BMP", "PPM", "NPY"])
def test_formats_without_room_say_so(format, caplog):
    caplog.set_level(logging.INFO, "onnxdream")
    assert images.read_texts(written(TEXTS, format)) == {}
    assert "no texts" in caplog.text


def commented(comment):
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    stream = io.BytesIO()
    Image.fromarray(SAMPLES).save(stream, "JPEG", exif=exif.tobytes())
    return stream.getvalue()


ASCII = b"ASCII\0\0\0"


@pytest.mark.parametrize(
    "comment",
    [
        b"",
        b"ASCII",
        ASCII,
        ASCII + b"a camera wrote this",
        ASCII + b'{"onnxdream": ',
        ASCII + b"[1, 2]",
        ASCII + b'"text"',
        ASCII + b"\xff\xfe{}",
        ASCII + b"[" * 60_000,
        ASCII + b'{"onnxdream": 5, "other": null}',
        b"UNICODE\0{}",
        b'JIS\0\0\0\0\0{"onnxdream": "x"}',
    ],
    ids=lambda comment: repr(comment[:24]),
)
def test_a_comment_that_is_none_of_ours_is_left_alone(comment):
    assert images.read_texts(commented(comment)) == {}


def test_of_a_comment_what_is_text_is_kept():
    content = commented(ASCII + json.dumps({"a": "b", "c": 1}).encode())
    assert images.read_texts(content) == {"a": "b"}


def test_what_is_longer_than_any_recipe_is_left_alone():
    long = "x" * ((1 << 20) - 100)
    info = PngImagePlugin.PngInfo()
    info.add_text("long", long)
    info.add_text("short", "y")
    stream = io.BytesIO()
    Image.fromarray(SAMPLES).save(stream, "PNG", pnginfo=info)
    assert set(images.read_texts(stream.getvalue())) == {"long", "short"}


def test_no_more_texts_are_read_than_anybody_writes():
    assert len(images.read_texts(written({f"key{n}": "x" for n in range(100)}))) == 64


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def test_a_bomb_of_a_text_is_refused():
    content = written({})
    bomb = chunk(b"zTXt", b"onnxdream\0\0" + zlib.compress(b"x" * (1 << 26)))
    at = content.index(b"IDAT") - 4
    with pytest.raises(ImageFormatError, match="is damaged"):
        images.read_texts(content[:at] + bomb + content[at:])


def test_texts_behind_the_pixels_are_found():
    content = written({})
    at = content.index(b"IEND") - 4
    content = content[:at] + chunk(b"tEXt", b"onnxdream\0late") + content[at:]
    assert images.read_texts(content) == {"onnxdream": "late"}


def test_what_cannot_be_read_is_an_error_of_ours(tmp_path):
    with pytest.raises(ImageNotFoundError):
        images.read_texts(tmp_path / "absent.png")
    with pytest.raises(ImageError, match="cannot be opened"):
        images.read_texts(tmp_path)
    with pytest.raises(ImageFormatError, match="is no picture"):
        images.read_texts(b"no picture")


@given(data=st.data(), format=st.sampled_from(["PNG", "TIFF", "JPEG", "WEBP"]))
def test_damaged_bytes_give_texts_or_an_error_of_ours(data, format):
    content = bytearray(written(TEXTS, format))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    length = data.draw(st.integers(0, len(content)))
    try:
        found = images.read_texts(bytes(content[:length]))
    except ImageError as error:
        assert str(error).startswith("The byte string")
    else:
        assert all(isinstance(v, str) for each in found.items() for v in each)
