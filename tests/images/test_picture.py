import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from onnxdream import images
from onnxdream.errors import ImageFormatError

SIDES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)
EIGHT_BIT = st.builds(lambda side, more: side + more, SIDES, st.sampled_from([(), (3,), (4,)]))


@given(hnp.arrays(np.uint8, EIGHT_BIT))
def test_eight_bits_come_back_to_the_bit(values):
    expected = values if values.ndim == 3 else np.dstack([values] * 3)
    image = images.read(values).to_image()
    assert np.array_equal(image, expected)
    file = io.BytesIO()
    image.save(file, "PNG")
    assert np.array_equal(images.read(file.getvalue()).to_image(), expected)


def test_every_level_comes_back():
    values = np.arange(256, dtype=np.uint8)[np.newaxis]
    assert np.array_equal(images.read(values).to_image().getchannel("R"), values)


@pytest.mark.parametrize("alpha", [None, np.ones((2, 3), np.float32)])
def test_to_image_has_alpha_when_the_picture_has(alpha):
    image = images.Picture(np.zeros((2, 3, 3), np.float32), alpha).to_image()
    assert image.mode == ("RGB" if alpha is None else "RGBA")
    assert image.size == (3, 2)


def test_to_image_rounds_and_clips():
    pixels = np.array([[[-0.5, 100.4 / 255, 100.6 / 255], [1.5, 0, 1]]], np.float32)
    expected = [[[0, 100, 101], [255, 0, 255]]]
    assert np.asarray(images.Picture(pixels).to_image()).tolist() == expected


def test_with_samples_keeps_the_rest():
    alpha = np.full((2, 3), 0.5, np.float32)
    picture = images.Picture(np.zeros((2, 3, 3), np.float32), alpha, b"profile", {"key": "text"})
    samples = np.ones((2, 3, 3), np.float32)
    other = picture.with_samples(samples)
    assert other.samples is samples
    assert other.pixels is samples
    assert other.alpha is alpha
    assert other.icc_profile == b"profile"
    assert other.texts == {"key": "text"}
    assert not picture.samples.any()


def test_wrong_shapes_are_refused():
    with pytest.raises(ImageFormatError, match=r"\(H, W, 3\), not \(2, 3\)"):
        images.Picture(np.zeros((2, 3), np.float32))
    picture = images.Picture(np.zeros((2, 3, 3), np.float32), np.zeros((2, 3), np.float32))
    with pytest.raises(ImageFormatError, match="Alpha"):
        picture.with_samples(np.zeros((3, 2, 3), np.float32))


def test_wrong_types_are_refused():
    samples = np.zeros((2, 3, 3), np.uint8)
    for wrong in (np.zeros((2, 3, 3)), np.zeros((2, 3, 3), np.int16), [[0]], None):
        with pytest.raises(ImageFormatError, match="uint8, uint16 or float32"):
            images.Picture(wrong)
    with pytest.raises(ImageFormatError, match="Alpha is of uint16, but the samples are of uint8"):
        images.Picture(samples, np.zeros((2, 3), np.uint16))
    with pytest.raises(ImageFormatError, match="have 16 bits, and not 8"):
        images.Picture(samples).with_samples(samples.astype(np.uint16))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_pixels_are_floats_and_samples_stay_what_they_are(kind):
    white = 1 if kind is np.float32 else np.iinfo(kind).max
    samples = np.random.default_rng(0).uniform(0, white, (5, 4, 3)).astype(kind)
    picture = images.Picture(samples, samples[..., 0])
    assert picture.samples is samples
    assert (picture.depth, picture.height, picture.width) == (8 * samples.itemsize, 5, 4)
    expected = samples / np.float32(white)
    assert picture.pixels.dtype == picture.opacity.dtype == np.float32
    np.testing.assert_array_equal(picture.pixels, expected)
    np.testing.assert_array_equal(picture.opacity, expected[..., 0])
    np.testing.assert_array_equal(picture.rows(1, 3), expected[1:3])


@pytest.mark.parametrize(("depth", "deeper"), [(8, 16), (8, 32), (16, 32)])
def test_a_deeper_picture_holds_every_level(depth, deeper):
    kind = {8: np.uint8, 16: np.uint16}[depth]
    levels = np.arange(256 ** (depth // 8)).astype(kind)
    levels = np.dstack([levels.reshape(16, -1)] * 3)
    picture = images.Picture(levels, levels[..., 0])
    back = picture.in_depth(deeper).in_depth(depth)
    assert picture.in_depth(deeper).depth == deeper
    assert np.array_equal(back.samples, levels)
    assert np.array_equal(back.alpha, levels[..., 0])


def test_eight_bits_of_sixteen_are_the_nearest():
    levels = np.array([[[0, 128, 129], [385, 386, 65535]]], np.uint16)
    assert images.Picture(levels).in_depth(8).samples.tolist() == [[[0, 0, 1], [1, 2, 255]]]


@given(hnp.arrays(np.uint8, (3, 2, 3)))
def test_the_hash_is_that_of_the_samples(samples):
    picture = images.Picture(samples)
    assert picture.sha256() == images.Picture(samples.copy(order="F")).sha256()
    other = samples.copy()
    other[0, 0, 0] ^= 1
    assert picture.sha256() != picture.with_samples(other).sha256()
    assert picture.sha256() != picture.in_depth(16).sha256()


def test_arrays_and_pictures_share_no_memory():
    pixels = np.zeros((2, 2, 3), np.float32)
    picture = images.read(pixels)
    pixels[:] = 1
    assert not picture.pixels.any()


def test_a_pillow_image_is_as_good_as_its_file():
    image = Image.effect_noise((5, 4), 50)
    assert np.array_equal(images.read(image).to_image(), image.convert("RGB"))
