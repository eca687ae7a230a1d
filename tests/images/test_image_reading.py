import io
import os
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

from onnxdream import images
from onnxdream.errors import (
    ImageError,
    ImageFormatError,
    ImageNotFoundError,
    ImageTooLargeError,
    ImageTruncatedError,
    OutOfMemoryError,
)

PIXELS = np.arange(600, dtype=np.uint8).reshape(10, 20, 3)


def encoded(format, pixels=PIXELS):
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, format)
    return content.getvalue()


PNG = encoded("PNG")


def pixels(source):
    return np.asarray(images.read(source).to_image())


class Pipe(io.RawIOBase):
    """A stream that can be read once, and not sought."""

    def __init__(self, content):
        self.content = io.BytesIO(content)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self.content.readinto(buffer)


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_is_read(kind, tmp_path):
    path = tmp_path / "no suffix at all"
    path.write_bytes(PNG)
    assert np.array_equal(pixels(kind(path)), PIXELS)


@pytest.mark.parametrize(
    "source",
    [
        PNG,
        io.BytesIO(PNG),
        Pipe(PNG),
        io.BufferedReader(Pipe(PNG)),
        Image.fromarray(PIXELS),
        PIXELS,
    ],
    ids=["bytes", "stream", "pipe", "buffered", "image", "array"],
)
def test_other_sources_are_read(source):
    assert np.array_equal(pixels(source), PIXELS)


def test_a_stream_is_read_from_where_it_stands():
    stream = io.BytesIO(b"before" + PNG)
    stream.seek(6)
    assert np.array_equal(pixels(stream), PIXELS)
    with pytest.raises(ImageFormatError, match="is empty from where it stands"):
        images.read(stream)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_read_in_full_depth(tmp_path, sixteen_bit_png):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    values = np.array([[[1, 300, 65535]]], np.uint16)
    content = sixteen_bit_png(values)
    threading.Thread(target=path.write_bytes, args=(content,), daemon=True).start()
    expected = np.float32(values) / np.float32(65535)
    np.testing.assert_array_equal(images.read(path).pixels, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 3), (2, 3, 4)])
def test_float_arrays_are_read(dtype, shape):
    values = np.linspace(0, 1, np.prod(shape), dtype=dtype).reshape(shape)
    picture = images.read(values)
    colour = values[..., :3] if values.ndim == 3 else np.dstack([values] * 3)
    np.testing.assert_array_equal(picture.pixels, colour.astype(np.float32))
    assert picture.pixels.dtype == np.float32
    assert picture.pixels.flags.c_contiguous
    if shape[-1] == 4:
        np.testing.assert_array_equal(picture.alpha, values[..., 3].astype(np.float32))
    else:
        assert picture.alpha is None


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 3), np.uint16),
        np.zeros((2, 3), np.float16),
        np.zeros((2, 3), bool),
        np.zeros((2, 3), object),
        np.zeros(3, np.uint8),
        np.zeros((2, 3, 1), np.uint8),
        np.zeros((2, 3, 5), np.uint8),
        np.zeros((1, 2, 3, 3), np.uint8),
        np.zeros((0, 3, 3), np.uint8),
        np.float32(0.5).reshape(()),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_other_arrays_are_refused_with_what_is_accepted(array):
    with pytest.raises(ImageFormatError, match=r"uint8 of shape \(H, W\), .* float32"):
        images.read(array)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -0.01, 1.01, 255])
def test_floats_out_of_range_are_refused(value):
    array = np.full((2, 2, 3), 0.5, np.float32)
    array[1, 1, 2] = value
    with pytest.raises(ImageFormatError, match="0 to 1"):
        images.read(array)


@pytest.mark.parametrize("source", [None, 5, [[0]], bytearray(PNG)])
def test_other_things_are_refused_with_what_is_accepted(source):
    with pytest.raises(ImageFormatError, match="a path, bytes, a binary stream"):
        images.read(source)


def test_a_text_stream_is_refused():
    with pytest.raises(ImageFormatError, match="binary mode"):
        images.read(io.StringIO("text"))


def test_a_stream_that_fails_or_is_closed():
    stream = io.BytesIO(PNG)
    stream.close()
    with pytest.raises(ImageError, match="The stream cannot be read"):
        images.read(stream)


def test_a_missing_file(tmp_path):
    with pytest.raises(ImageNotFoundError, match=r"There is no picture .*absent\.jpg"):
        images.read(tmp_path / "absent.jpg")


def test_a_folder(tmp_path):
    with pytest.raises(ImageError, match="is a folder"):
        images.read(tmp_path)


def test_a_file_that_must_not_be_read(tmp_path, monkeypatch):
    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(ImageError, match="Permission denied"):
        images.read(tmp_path / "secret.png")


def test_a_path_that_is_none():
    with pytest.raises(ImageError, match="cannot be opened"):
        images.read("nul\0.png")


@pytest.mark.parametrize("content", [b"", b"GIF", b"not a picture", bytes(1000)])
def test_no_picture(content, tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    with pytest.raises(ImageFormatError, match=r"picture\.png is no picture"):
        images.read(path)


def test_a_damaged_picture():
    content = bytearray(PNG)
    content[content.index(b"IDAT") + 8] ^= 0xFF
    with pytest.raises(ImageFormatError, match="is damaged"):
        images.read(bytes(content))


def test_a_program_in_postscript_is_not_run():
    with pytest.raises(ImageFormatError, match="PostScript"):
        images.read(encoded("EPS"))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_a_truncated_picture(format):
    content = encoded(format, np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8))
    with pytest.raises(ImageTruncatedError, match="ends too early"):
        images.read(content[: len(content) * 2 // 3])


def png_header(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b""))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def test_a_decompression_bomb():
    with pytest.raises(ImageTooLargeError, match="too large"):
        images.read(png_header(60000, 60000))


def test_the_limit_is_held_before_anything_is_decoded(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: pytest.fail("was decoded"))
    side = int(images.MAX_PIXELS**0.5) + 1
    with pytest.raises(ImageTooLargeError, match=f"{side} × {side} pixels"):
        images.read(png_header(side, side))


def test_the_limit_holds_for_images_that_are_not_yet_decoded(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    image = Image.open(io.BytesIO(png_header(60000, 60000)))
    with pytest.raises(ImageTooLargeError, match="60000 × 60000"):
        images.read(image)


@pytest.mark.parametrize("size", [(26, images.MAX_SIDE + 1), (images.MAX_SIDE + 1, 1)])
def test_a_side_that_no_picture_has_is_refused_before_anything_is_decoded(size, monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: pytest.fail("was decoded"))
    array = np.broadcast_to(np.uint8(0), (size[1], size[0], 3))
    for source in png_header(*size), Image.open(io.BytesIO(png_header(*size))), array:
        with pytest.raises(ImageTooLargeError, match=f"more than {images.MAX_SIDE} one way"):
            images.read(source)


def test_no_memory_is_an_error_of_ours(monkeypatch):
    def exhausted(_):
        raise MemoryError

    monkeypatch.setattr(ImageFile.ImageFile, "load", exhausted)
    with pytest.raises(OutOfMemoryError, match="not enough memory; shrink it first"):
        images.read(PNG)


def test_pillow_warnings_stay_inside(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", PIXELS[..., 0].size - 1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert np.array_equal(pixels(PNG), PIXELS)
    assert not caught


def test_nothing_is_printed_of_damage():
    content = bytearray(encoded("TIFF"))
    # The entry of the samples a pixel.
    at = content.index(struct.pack("<HHI", 277, 3, 1)) + 8
    content[at] = 178
    code = f"""
from onnxdream import images
try:
    images.read({bytes(content)!r})
except images.reading.ImageError:
    print("refused", end="")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"refused", b"")


def test_threads_leave_the_warning_filters_as_they_were(monkeypatch):
    first_is_in, second_is_in, first_is_done = (threading.Event() for _ in range(3))

    def open_overlapping(file, open=Image.open):
        if not first_is_in.is_set():
            first_is_in.set()
            second_is_in.wait(0.2)
        else:
            second_is_in.set()
            first_is_done.wait(10)
        return open(file)

    monkeypatch.setattr(Image, "open", open_overlapping)
    before = list(warnings.filters)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(images.read, PNG)
        first.add_done_callback(lambda _: first_is_done.set())
        first_is_in.wait(10)
        second = pool.submit(images.read, PNG)
    assert np.array_equal(first.result().pixels, second.result().pixels)
    assert warnings.filters == before


@given(data=st.data(), format=st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "BMP"]))
def test_damaged_bytes_give_a_picture_or_an_error_of_ours(data, format):
    content = bytearray(encoded(format))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    length = data.draw(st.integers(0, len(content)))
    try:
        picture = images.read(bytes(content[:length]))
    except ImageError as error:
        assert str(error).startswith("The byte string")
    else:
        assert picture.pixels.min() >= 0
        assert picture.pixels.max() <= 1


class TestDamagedTiffs:
    """What libtiff and Pillow make of a TIFF whose tags are damaged."""

    @pytest.fixture
    def compressed(self) -> bytes:
        content = io.BytesIO()
        noise = np.random.default_rng(0).integers(0, 256, (40, 52, 3), np.uint8)
        Image.fromarray(noise).save(content, "TIFF", compression="tiff_adobe_deflate")
        return content.getvalue()

    def test_libtiff_prints_nothing(self, compressed, capfd):
        broken = compressed[:200] + bytes(300) + compressed[500:]
        with pytest.raises(ImageError):
            images.read(broken)
        assert capfd.readouterr() == ("", "")

    @pytest.mark.parametrize("profile", ["a text", 7])
    def test_a_profile_is_bytes_or_nothing(self, profile):
        image = Image.new("RGB", (4, 4), (9, 8, 7))
        image.info["icc_profile"] = profile
        assert images.read(image).icc_profile is None
