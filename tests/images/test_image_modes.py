import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageCms, ImageOps

from onnxdream import images
from onnxdream.errors import ImageFormatError


def encoded(image, format="PNG", **options):
    content = io.BytesIO()
    image.save(content, format, **options)
    return content.getvalue()


def levels(values):
    return np.rint(values * 255).astype(int)


def palette_image():
    """Index 0 is red, 1 green, 2 blue."""
    image = Image.fromarray(np.array([[0, 1], [2, 0]], np.uint8)).convert("P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    return image


@pytest.mark.parametrize(
    ("mode", "value", "rgb"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 100, (100, 100, 100)),
        ("RGB", (10, 20, 30), (10, 20, 30)),
        ("RGBX", (10, 20, 30, 40), (10, 20, 30)),
        ("CMYK", (0, 255, 255, 0), (255, 0, 0)),
        ("YCbCr", (100, 128, 128), (100, 100, 100)),
        ("HSV", (0, 255, 255), (255, 0, 0)),
        ("LAB", (128, 128, 128), (119, 119, 119)),
    ],
)
def test_every_opaque_mode_becomes_rgb(mode, value, rgb):
    picture = images.read(Image.new(mode, (3, 2), value))
    assert picture.pixels.shape == (2, 3, 3)
    assert picture.pixels.dtype == np.float32
    assert picture.pixels.flags.c_contiguous
    assert picture.alpha is None
    assert (levels(picture.pixels) == rgb).all()


def test_a_palette_becomes_its_colours():
    picture = images.read(encoded(palette_image()))
    assert picture.alpha is None
    assert levels(picture.pixels).tolist() == [
        [[255, 0, 0], [0, 255, 0]],
        [[0, 0, 255], [255, 0, 0]],
    ]


@pytest.mark.parametrize(
    ("mode", "value", "rgba"),
    [
        ("LA", (100, 51), (100, 100, 100, 51)),
        ("La", (20, 51), (100, 100, 100, 51)),
        ("RGBA", (10, 20, 30, 51), (10, 20, 30, 51)),
        ("RGBa", (10, 20, 30, 51), (50, 100, 150, 51)),
    ],
)
def test_alpha_is_kept(mode, value, rgba):
    picture = images.read(Image.new(mode, (3, 2), value))
    assert picture.alpha.shape == (2, 3)
    assert picture.opacity.dtype == np.float32
    assert picture.alpha.dtype == picture.samples.dtype == np.uint8
    assert (levels(picture.pixels) == rgba[:3]).all()
    assert (levels(picture.opacity) == rgba[3]).all()


def test_the_alpha_of_a_palette_with_alpha_is_kept():
    image = palette_image().convert("PA")
    image.putalpha(Image.new("L", (2, 2), 51))
    picture = images.read(image)
    assert (levels(picture.opacity) == 51).all()
    assert levels(picture.pixels[0]).tolist() == [[255, 0, 0], [0, 255, 0]]


@pytest.mark.parametrize(
    ("image", "transparency", "alpha"),
    [
        pytest.param(palette_image(), 1, [[255, 0], [255, 255]], id="P-index"),
        pytest.param(palette_image(), b"\x33\xff\x99", [[51, 255], [153, 51]], id="P-bytes"),
        pytest.param(Image.fromarray(np.array([[7, 8]], np.uint8)), 8, [[255, 0]], id="L"),
        pytest.param(Image.fromarray(np.array([[7, 1000]], np.uint16)), 1000, [[255, 0]], id="I16"),
        pytest.param(
            Image.fromarray(np.array([[[1, 2, 3], [1, 2, 4]]], np.uint8)),
            (1, 2, 3),
            [[0, 255]],
            id="RGB",
        ),
    ],
)
def test_the_transparent_colour_of_a_png_becomes_alpha(image, transparency, alpha):
    picture = images.read(encoded(image, transparency=transparency))
    assert levels(picture.opacity).tolist() == alpha


def test_a_transparent_colour_is_compared_in_sixteen_bits(sixteen_bit_png):
    values = np.array([[[256, 2, 3], [257, 2, 3]]], np.uint16)
    content = sixteen_bit_png(values, (b"tRNS", struct.pack(">3H", 257, 2, 3)))
    assert images.read(content).opacity.tolist() == [[1, 0]]


def test_a_left_over_note_of_transparency_is_no_alpha():
    image = Image.open(io.BytesIO(encoded(palette_image(), transparency=b"\x33\xff\x99")))
    assert images.read(image.convert("I")).alpha is None


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(Image.frombytes("I;16", (2, 1), struct.pack("<2H", 300, 65535)), id="I;16"),
        pytest.param(Image.frombytes("I;16B", (2, 1), struct.pack(">2H", 300, 65535)), id="I;16B"),
        pytest.param(Image.fromarray(np.array([[300, 65535]], np.int32)), id="I"),
    ],
)
@pytest.mark.parametrize("way", ["image", "TIFF"])
def test_sixteen_bit_grey_is_read_in_full(image, way):
    source = image if way == "image" else encoded(image, way)
    expected = np.array([[[300 / 65535] * 3, [1] * 3]], np.float32)
    np.testing.assert_array_equal(images.read(source).pixels, expected)


def test_sixteen_bit_grey_png_is_read_in_full():
    grey = np.array([[0, 1, 300, 65535]], np.uint16)
    picture = images.read(encoded(Image.fromarray(grey)))
    np.testing.assert_array_equal(picture.pixels[..., 1], np.float32(grey) / np.float32(65535))


def shapes(*channels):
    return hnp.array_shapes(min_dims=2, max_dims=2, max_side=9).map(lambda side: side + channels)


@given(values=hnp.arrays(np.uint16, shapes(3)))
def test_sixteen_bit_colour_is_read_in_full(sixteen_bit_file, values):
    pixels = images.read(sixteen_bit_file(values)).pixels
    np.testing.assert_array_equal(pixels, np.float32(values) / np.float32(65535))


@given(values=hnp.arrays(np.uint16, shapes(4)))
def test_sixteen_bit_alpha_is_read_in_full(sixteen_bit_png, values):
    picture = images.read(sixteen_bit_png(values))
    read = np.dstack([picture.pixels, picture.opacity])
    np.testing.assert_array_equal(read, np.float32(values) / np.float32(65535))


@pytest.mark.parametrize("white", [1, 255])
def test_float_grey_is_of_one_of_two_ranges(white, caplog):
    caplog.set_level("INFO", "onnxdream")
    grey = np.array([[0, 0.25, 1]], np.float32)
    picture = images.read(encoded(Image.fromarray(grey * white), "TIFF"))
    np.testing.assert_allclose(picture.pixels[..., 2], grey, rtol=1e-6)
    assert ("taken as 0 to 255" in caplog.text) == (white == 255)


@pytest.mark.parametrize(
    "numbers",
    [
        np.array([[-1, 5]], np.int32),
        np.array([[0, 65536]], np.int32),
        np.array([[-0.1, 0.5]], np.float32),
        np.array([[0, 255.1]], np.float32),
        np.array([[np.nan, 0.5]], np.float32),
        np.array([[np.inf, 0.5]], np.float32),
    ],
    ids=str,
)
def test_numbers_of_no_known_range_are_refused(numbers):
    with pytest.raises(ImageFormatError, match="holds numbers from"):
        images.read(Image.fromarray(numbers))


def test_an_image_without_pixels_is_refused():
    with pytest.raises(ImageFormatError, match="no pixels"):
        images.read(Image.new("RGB", (0, 5)))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1)])
@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "I;16"])
def test_pictures_of_one_row_or_column(size, mode):
    assert images.read(encoded(Image.new(mode, size))).pixels.shape == (*size[::-1], 3)


def test_of_an_animation_the_first_frame_is_read():
    frames = [Image.new("RGB", (2, 2), colour) for colour in ("red", "blue")]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (levels(images.read(content).pixels) == (255, 0, 0)).all()


COUNTED = np.arange(6, dtype=np.uint8).reshape(2, 3)


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, [[0, 1, 2], [3, 4, 5]]),
        (2, [[2, 1, 0], [5, 4, 3]]),
        (3, [[5, 4, 3], [2, 1, 0]]),
        (4, [[3, 4, 5], [0, 1, 2]]),
        (5, [[0, 3], [1, 4], [2, 5]]),
        (6, [[3, 0], [4, 1], [5, 2]]),
        (7, [[5, 2], [4, 1], [3, 0]]),
        (8, [[2, 5], [1, 4], [0, 3]]),
        (9, [[0, 1, 2], [3, 4, 5]]),
    ],
)
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_the_exif_orientation_is_applied(format, orientation, upright):
    image = Image.fromarray(np.dstack([COUNTED] * 3 + [COUNTED + 50]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    source = Image.open(io.BytesIO(encoded(image, format, exif=exif)))
    by_pillow = np.asarray(ImageOps.exif_transpose(source))
    picture = images.read(encoded(image, format, exif=exif))
    assert levels(picture.pixels[..., 0]).tolist() == upright == by_pillow[..., 0].tolist()
    assert (levels(picture.opacity) - 50).tolist() == upright
    assert picture.pixels.flags.c_contiguous


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0no TIFF at all", b"Exif\0\0MM\0*\0\0\0\x08\0\x05\1\x12"]
)
def test_damaged_exif_data_does_not_spoil_a_picture(exif):
    picture = images.read(encoded(Image.fromarray(COUNTED), exif=exif))
    assert levels(picture.pixels[..., 0]).tolist() == COUNTED.tolist()


def test_a_given_image_is_not_changed():
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.open(io.BytesIO(encoded(Image.fromarray(COUNTED), exif=exif)))
    images.read(image)
    assert np.array_equal(image, COUNTED)
    assert image.getexif()[0x0112] == 6


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(
    "image", [Image.new("RGB", (2, 2)), Image.new("L", (2, 2)), palette_image()]
)
def test_an_rgb_profile_is_kept(image):
    picture = images.read(encoded(image, icc_profile=SRGB))
    assert picture.icc_profile == SRGB
    assert picture.to_image().info["icc_profile"] == SRGB


def test_a_picture_without_a_profile_stays_without():
    picture = images.read(Image.new("RGB", (2, 2)))
    assert picture.icc_profile is None
    assert "icc_profile" not in picture.to_image().info


def linear_to_srgb(values):
    """IEC 61966-2-1."""
    return np.where(values <= 0.0031308, 12.92 * values, 1.055 * values ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize(
    ("values", "white"),
    [
        (np.array([[0, 3, 64, 128, 255]], np.uint8), 255),
        (np.array([[0, 771, 16448, 32896, 65535]], np.uint16), 65535),
    ],
    ids=["L", "I;16"],
)
def test_grey_of_a_profile_becomes_srgb(values, white, linear_grey):
    picture = images.read(encoded(Image.fromarray(values), icc_profile=linear_grey))
    assert picture.icc_profile is None
    expected = np.dstack([linear_to_srgb(values / white)] * 3)
    np.testing.assert_allclose(picture.pixels, expected, atol=1 / 255)


def test_sixteen_bit_grey_of_a_profile_keeps_its_depth(linear_grey):
    values = np.arange(0, 65536, 8, dtype=np.uint16)[np.newaxis]
    picture = images.read(encoded(Image.fromarray(values), icc_profile=linear_grey))
    assert np.unique(picture.pixels).size > 2000


def test_grey_with_alpha_of_a_profile_becomes_srgb(linear_grey):
    image = Image.new("LA", (2, 2), (64, 51))
    picture = images.read(encoded(image, icc_profile=linear_grey))
    np.testing.assert_allclose(picture.pixels, linear_to_srgb(64 / 255), atol=1 / 255)
    assert (levels(picture.opacity) == 51).all()


def test_cmyk_of_a_profile_becomes_srgb(colourless_cmyk):
    image = Image.new("CMYK", (2, 2), (255, 0, 0, 0))
    picture = images.read(encoded(image, "TIFF", icc_profile=colourless_cmyk))
    assert picture.icc_profile is None
    # L* 60 is a luminance of 0.2812 (CIE 15, 8.2.1).
    np.testing.assert_allclose(picture.pixels, linear_to_srgb(0.2812), atol=1.5 / 255)


def test_cmyk_without_a_profile_is_read_plainly():
    picture = images.read(encoded(Image.new("CMYK", (2, 2), (255, 0, 0, 0)), "TIFF"))
    assert (levels(picture.pixels) == (0, 255, 255)).all()


def test_a_damaged_profile_is_told_and_left_out(colourless_cmyk, caplog):
    image = Image.new("CMYK", (2, 2), (255, 0, 0, 0))
    picture = images.read(encoded(image, "TIFF", icc_profile=colourless_cmyk[:150]))
    assert (levels(picture.pixels) == (0, 255, 255)).all()
    assert picture.icc_profile is None
    assert "profile could not be used" in caplog.text


def test_a_damaged_grey_profile_is_told_and_left_out(linear_grey, caplog):
    picture = images.read(encoded(Image.new("L", (2, 2), 64), icc_profile=linear_grey[:150]))
    assert (levels(picture.pixels) == 64).all()
    assert picture.icc_profile is None
    assert "profile could not be used" in caplog.text


def test_a_profile_of_another_space_is_told_and_left_out(colourless_cmyk, caplog):
    picture = images.read(encoded(Image.new("RGB", (2, 2), "red"), icc_profile=colourless_cmyk))
    assert (levels(picture.pixels) == (255, 0, 0)).all()
    assert picture.icc_profile is None
    assert "CMYK" in caplog.text


def test_lab_is_srgb_afterwards_whatever_the_profile():
    image = Image.new("LAB", (2, 2), (128, 128, 128))
    image.info["icc_profile"] = SRGB
    assert images.read(image).icc_profile is None


def test_without_colour_management_a_picture_is_read_all_the_same(linear_grey, monkeypatch, caplog):
    def missing(*_, **__):
        raise ImportError("The _imagingcms C module is not installed")

    monkeypatch.setattr(ImageCms, "profileToProfile", missing)
    picture = images.read(encoded(Image.new("L", (2, 2), 64), icc_profile=linear_grey))
    assert (levels(picture.pixels) == 64).all()
    assert "profile could not be used" in caplog.text
