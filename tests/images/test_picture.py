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


def test_with_pixels_keeps_the_rest():
    alpha = np.full((2, 3), 0.5, np.float32)
    picture = images.Picture(np.zeros((2, 3, 3), np.float32), alpha, b"profile")
    pixels = np.ones((2, 3, 3), np.float32)
    other = picture.with_pixels(pixels)
    assert other.pixels is pixels
    assert other.alpha is alpha
    assert other.icc_profile == b"profile"
    assert not picture.pixels.any()


def test_wrong_shapes_are_refused():
    with pytest.raises(ImageFormatError, match=r"\(H, W, 3\), not \(2, 3\)"):
        images.Picture(np.zeros((2, 3), np.float32))
    picture = images.Picture(np.zeros((2, 3, 3), np.float32), np.zeros((2, 3), np.float32))
    with pytest.raises(ImageFormatError, match="Alpha"):
        picture.with_pixels(np.zeros((3, 2, 3), np.float32))


def test_arrays_and_pictures_share_no_memory():
    pixels = np.zeros((2, 2, 3), np.float32)
    picture = images.read(pixels)
    pixels[:] = 1
    assert not picture.pixels.any()


def test_a_pillow_image_is_as_good_as_its_file():
    image = Image.effect_noise((5, 4), 50)
    assert np.array_equal(images.read(image).to_image(), image.convert("RGB"))
