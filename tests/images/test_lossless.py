"""Formats of more than eight bits: 16-bit PNG, TIFF of 16 bits and of floats, NPY."""

from __future__ import annotations

import io
import logging
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageCms

from onnxdream import images
from onnxdream.errors import (
    ImageError,
    ImageFormatError,
    ImageTooLargeError,
    ImageTruncatedError,
    MissingExtraError,
)
from onnxdream.images import picture as module

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(kind=np.uint16, alpha=False, size=(9, 7), **more):
    white = 1 if kind is np.float32 else np.iinfo(kind).max
    values = (np.random.default_rng(0).random((*size, 4)) * white).astype(kind)
    return images.Picture(values[..., :3].copy(), values[..., 3].copy() if alpha else None, **more)


def written(picture, format, depth=None):
    stream = io.BytesIO()
    images.write(picture, stream, format, depth=depth)
    return stream.getvalue()


def same(one, other):
    assert one.samples.dtype == other.samples.dtype
    np.testing.assert_array_equal(one.channels(), other.channels())


def needs(format, depth):
    if format == "TIFF" and depth > 8:
        pytest.importorskip("tifffile")


# What a picture is, how it is written, and what comes back.
KEPT = [
    (np.uint8, "PNG", 8),
    (np.uint16, "PNG", 16),
    (np.uint8, "TIFF", 8),
    (np.uint16, "TIFF", 16),
    (np.float32, "TIFF", 32),
    (np.float32, "NPY", 32),
]


@pytest.mark.parametrize(("kind", "format", "depth"), KEPT)
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("size", [(9, 7), (1, 1), (1, 8), (8, 1)])
def test_nothing_is_lost(kind, format, depth, alpha, size):
    needs(format, depth)
    original = picture(kind, alpha, size)
    content = written(original, format)
    assert content == written(original, format, depth)
    same(images.read(content), original)


@pytest.mark.parametrize(("kind", "format", "depth"), KEPT[:5])
def test_the_profile_is_kept(kind, format, depth):
    needs(format, depth)
    assert images.read(written(picture(kind, icc_profile=SRGB), format)).icc_profile == SRGB


@pytest.mark.parametrize(
    ("kind", "format", "depth"),
    [(np.float32, "PNG", 16), (np.uint8, "NPY", 32), (np.uint16, "NPY", 32)],
)
def test_another_depth_is_taken_and_told_where_the_own_is_not_held(kind, format, depth, caplog):
    caplog.set_level(logging.INFO, "onnxdream")
    original = picture(kind, alpha=True)
    same(images.read(written(original, format)), original.in_depth(depth))
    assert f"{format} holds {depth} bits a sample, of a picture of {original.depth}" in caplog.text


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF", "BMP", "PPM"])
@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_of_a_deep_picture_others_keep_eight_bits(format, kind, caplog):
    caplog.set_level(logging.INFO, "onnxdream")
    original = picture(kind)
    assert written(original, format) == written(original.in_depth(8), format)
    assert f"{format} holds 8 bits" in caplog.text


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_a_depth_can_be_asked_for(format, depth, kind):
    needs(format, depth)
    original = picture(kind, alpha=True)
    same(images.read(written(original, format, depth)), original.in_depth(depth))


@pytest.mark.parametrize(
    ("format", "depth", "held"),
    [("PNG", 32, "8 or 16"), ("JPEG", 16, "8"), ("NPY", 8, "32"), ("TIFF", 12, "8 or 16 or 32")],
)
def test_a_depth_that_a_format_does_not_hold_is_refused(format, depth, held, tmp_path):
    with pytest.raises(ImageFormatError, match=f"{format} holds {held} bits .* not {depth}"):
        written(picture(), format, depth)
    with pytest.raises(ImageFormatError, match=f"{format} holds {held}"):
        images.check_target(tmp_path / "picture", format, depth=depth)


@given(
    values=hnp.arrays(
        np.uint16, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12).map(lambda s: (*s, 4))
    ),
    alpha=st.booleans(),
    strip=st.integers(1, 40),
)
def test_a_png_of_sixteen_bits_is_read_by_others(values, alpha, strip):
    cv2 = pytest.importorskip("cv2")
    original = images.Picture(values[..., :3].copy(), values[..., 3].copy() if alpha else None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_STRIP_PIXELS", strip)
        content = written(original, "PNG")
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        assert image.mode == ("RGBA" if alpha else "RGB")
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    ordered = decoded[..., [2, 1, 0, 3] if alpha else [2, 1, 0]]
    assert decoded.dtype == np.uint16
    np.testing.assert_array_equal(ordered, original.channels())


def tiff(values, **options):
    stream = io.BytesIO()
    pytest.importorskip("tifffile").imwrite(stream, values, photometric="rgb", **options)
    return stream.getvalue()


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_tiffs_of_others_are_read_in_full(kind, compression, byteorder, planes):
    original = picture(kind, size=(30, 20))
    values = original.samples if planes == "contig" else np.moveaxis(original.samples, 2, 0)
    options = {"compression": compression, "byteorder": byteorder, "planarconfig": planes}
    same(images.read(tiff(values, **options)), original)


def test_the_orientation_and_the_profile_of_a_float_tiff_are_heeded():
    original = picture(np.float32)
    turned = [(274, "H", 1, 6, True)]
    read = images.read(tiff(original.samples, extratags=turned, iccprofile=SRGB))
    np.testing.assert_array_equal(read.samples, np.rot90(original.samples, -1))
    assert read.icc_profile == SRGB


def test_a_float_tiff_is_measured_before_it_is_decoded(monkeypatch):
    content = tiff(picture(np.float32, size=(20, 30)).samples)
    page = pytest.importorskip("tifffile").TiffPage
    monkeypatch.setattr(page, "asarray", lambda *_, **__: pytest.fail("was decoded"))
    with pytest.raises(ImageTooLargeError, match="30 × 20 pixels, more than 599"):
        images.read(content, max_pixels=599)


def test_colours_that_are_multiplied_by_alpha_are_refused():
    values = picture(np.float32, alpha=True).channels()
    with pytest.raises(ImageFormatError, match="straight alpha"):
        images.read(tiff(values, extrasamples=("assocalpha",)))


@pytest.mark.parametrize("low", [-0.5, np.nan])
def test_floats_of_no_known_range_are_refused(low):
    values = picture(np.float32).samples
    values[0, 0, 0] = low
    with pytest.raises(ImageFormatError, match="holds numbers from"):
        images.read(tiff(values))


def test_a_cut_float_tiff_is_an_error_of_ours():
    content = tiff(picture(np.float32, size=(40, 40)).samples)
    for length in (len(content) // 2, 200, 40):
        with pytest.raises(ImageError):
            images.read(content[:length])


def without(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)


def test_without_tifffile_the_extra_is_named(monkeypatch, tmp_path):
    content = tiff(picture(np.float32).samples)
    without("tifffile", monkeypatch)
    with pytest.raises(ImageFormatError, match=r"needs onnxdream\[tiff\]"):
        images.read(content)
    for use in (
        lambda: written(picture(np.float32), "TIFF"),
        lambda: images.check_target(tmp_path / "a.tif", like=picture(np.uint16)),
    ):
        with pytest.raises(MissingExtraError, match=r"Install onnxdream\[tiff\]"):
            use()
    images.check_target(tmp_path / "a.tif")
    written(picture(np.float32), "TIFF", depth=8)


def npy(array, **options):
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f8", "u1"])
@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 3), (5, 4, 4)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_files_of_numpy_are_read(kind, shape, order, tmp_path):
    white = 255 if kind == "u1" else 1
    array = (np.random.default_rng(0).random(shape) * white).astype(kind, order=order)
    path = tmp_path / "array.npy"
    path.write_bytes(npy(array))
    same(images.read(path), images.read(array.astype(array.dtype.newbyteorder("="))))


@pytest.mark.parametrize(
    "array",
    [np.zeros((2, 3), np.uint16), np.zeros(5, np.uint8), np.zeros((0, 4, 3), np.float32)],
    ids=str,
)
def test_files_of_numpy_that_hold_no_picture_are_refused(array):
    with pytest.raises(ImageFormatError, match="is no picture: uint8 of shape"):
        images.read(npy(array))


def test_objects_in_a_file_of_numpy_are_not_made():
    with pytest.raises(ImageFormatError, match="is no picture"):
        images.read(npy(np.array([[print]], object), allow_pickle=True))


def header(shape, kind="<f4"):
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text = text.ljust(117) + b"\n"
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    ("shape", "error"),
    [
        ((60_000, 60_000, 3), ImageTooLargeError),
        ((1, 300_000, 3), ImageTooLargeError),
        ((10_000, 10_000, 3), ImageTruncatedError),
    ],
)
def test_what_a_header_declares_is_checked_before_memory_is_taken(shape, error, monkeypatch):
    monkeypatch.setattr(np, "load", lambda *_, **__: pytest.fail("was loaded"))
    with pytest.raises(error):
        images.read(header(shape) + bytes(100))


@given(data=st.data())
def test_damaged_files_of_numpy_give_a_picture_or_an_error_of_ours(data):
    content = bytearray(npy(np.full((4, 5, 3), 0.5, np.float32)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(6, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        images.read(bytes(content[: data.draw(st.integers(0, len(content)))]))
    except ImageError as error:
        assert str(error).startswith("The byte string")


def heic(samples, **options):
    heif = pytest.importorskip("pillow_heif")
    stream = io.BytesIO()
    heif.from_bytes("RGB", samples.shape[1::-1], samples.tobytes()).save(stream, **options)
    return stream.getvalue()


def test_heic_is_read_where_pillow_heif_is():
    samples = np.full((64, 48, 3), (200, 100, 50), np.uint8)
    read = images.read(heic(samples, quality=90))
    assert read.samples.shape == samples.shape
    assert np.abs(read.samples.astype(int) - samples).max() <= 4


def test_heic_without_pillow_heif_names_the_extra(monkeypatch):
    without("pillow_heif", monkeypatch)
    head = (24).to_bytes(4, "big") + b"ftypmif1" + bytes(4) + b"mif1heic"
    with pytest.raises(MissingExtraError, match=r"Install onnxdream\[heif\]"):
        images.read(head + bytes(100))


def test_avif_needs_no_extra(monkeypatch):
    without("pillow_heif", monkeypatch)
    images.read(written(picture(np.uint8), "AVIF"))


@pytest.mark.parametrize("format", ["PNG", "TIFF", "NPY"])
def test_the_limit_can_be_lowered_and_raised(format, monkeypatch):
    content = written(picture(np.uint8, size=(20, 30)), format)
    sources = [content, np.zeros((20, 30, 3), np.uint8), Image.new("RGB", (30, 20))]
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 200)
    for source in sources:
        assert images.read(source, max_pixels=600).height == 20
        with pytest.raises(ImageTooLargeError, match="30 × 20 pixels, more than 599"):
            images.read(source, max_pixels=599)
    assert Image.MAX_IMAGE_PIXELS == 200


@pytest.mark.parametrize("value", [0, -5, True, 1.5, "many"])
def test_an_impossible_limit_is_refused(value):
    with pytest.raises(ValueError, match="max_pixels"):
        images.read(np.zeros((2, 2, 3), np.uint8), max_pixels=value)
