import io
import os
import queue
import stat
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from onnxdream import images
from onnxdream.errors import ImageError, ImageFormatError, RecipeError

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LEVELS = np.arange(72, dtype=np.uint8).reshape(4, 6, 3) * 3
PICTURE = images.read(LEVELS)
CLEAR = images.read(np.dstack([LEVELS, np.full((4, 6), 51, np.uint8)]))

posix = pytest.mark.skipif(os.name != "posix", reason="permission bits and pipes of POSIX")


def bytes_of(target):
    with Image.open(target) as image:
        return np.asarray(image)


@pytest.mark.parametrize("suffix", ["png", "PNG", "tif", "tiff", "bmp", "ppm"])
@pytest.mark.parametrize("kind", [str, Path])
def test_exact_formats_keep_every_bit(suffix, kind, tmp_path):
    path = tmp_path / f"picture.{suffix}"
    images.write(PICTURE, kind(path))
    assert np.array_equal(bytes_of(path), LEVELS)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("suffix", "format"),
    [(".jpg", "JPEG"), (".jpeg", "JPEG"), (".JPG", "JPEG"), (".webp", "WEBP"), (".tif", "TIFF")],
)
def test_the_suffix_says_the_format(suffix, format, tmp_path):
    path = tmp_path / f"picture{suffix}"
    images.write(PICTURE, path)
    with Image.open(path) as image:
        assert image.format == format


@pytest.mark.parametrize(
    ("given", "format"), [("jpg", "JPEG"), ("JPEG", "JPEG"), (".webp", "WEBP"), ("Tiff", "TIFF")]
)
def test_a_named_format_wins_over_the_suffix(given, format, tmp_path):
    path = tmp_path / "picture.png"
    images.write(PICTURE, path, format=given)
    with Image.open(path) as image:
        assert image.format == format


def test_a_stream_gets_png(tmp_path):
    stream = io.BytesIO()
    images.write(PICTURE, stream)
    images.write(PICTURE, tmp_path / "picture", format="png")
    assert stream.getvalue() == (tmp_path / "picture").read_bytes()
    assert stream.getvalue().startswith(b"\x89PNG")


@pytest.mark.parametrize("use", [lambda path: images.write(PICTURE, path), images.check_target])
@pytest.mark.parametrize("name", ["picture", ".png", "picture."])
def test_a_path_without_a_suffix_must_be_given_a_format(use, name, tmp_path):
    with pytest.raises(ImageFormatError, match=r"no suffix .* \.png, say, or name the format"):
        use(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_stream_gets_a_named_format():
    stream = io.BytesIO(b"before")
    stream.seek(6)
    images.write(PICTURE, stream, format="JPEG")
    assert stream.getvalue().startswith(b"before\xff\xd8")


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_quality_is_heeded(format):
    noise = images.read(np.random.default_rng(0).random((32, 32, 3), np.float32))
    sizes = []
    for quality in (10, 60, 100):
        stream = io.BytesIO()
        images.write(noise, stream, format, quality)
        sizes.append(len(stream.getvalue()))
    assert sizes == sorted(set(sizes))


def test_jpeg_keeps_fine_colour(tmp_path):
    path = tmp_path / "stripes.jpg"
    stripes = np.zeros((16, 16, 3), np.uint8)
    stripes[:, ::2, 0] = stripes[:, 1::2, 2] = 255
    images.write(images.read(stripes), path)
    assert np.abs(bytes_of(path) - stripes.astype(int)).max() < 40


@pytest.mark.parametrize("quality", [0, 101, -5])
def test_an_impossible_quality_is_refused(quality):
    with pytest.raises(RecipeError, match="from 1 to 100"):
        images.write(PICTURE, io.BytesIO(), "JPEG", quality)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_alpha_is_written(format):
    stream = io.BytesIO()
    images.write(CLEAR, stream, format)
    stream.seek(0)
    assert (bytes_of(stream)[..., 3] == 51).all()


@pytest.mark.parametrize("format", ["JPEG", "BMP", "PPM"])
def test_alpha_is_put_on_white_where_there_is_none(format, caplog):
    caplog.set_level("INFO", "onnxdream")
    stream = io.BytesIO()
    images.write(CLEAR, stream, format, quality=100)
    stream.seek(0)
    expected = LEVELS * 0.2 + 255 * 0.8
    assert np.abs(bytes_of(stream) - expected).max() <= (3 if format == "JPEG" else 0.5)
    assert "put on white" in caplog.text


def test_opaque_pixels_are_not_touched_by_white():
    opaque = images.read(np.dstack([LEVELS, np.full((4, 6), 255, np.uint8)]))
    stream = io.BytesIO()
    images.write(opaque, stream, "PPM")
    stream.seek(0)
    assert np.array_equal(bytes_of(stream), LEVELS)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_the_profile_is_embedded(format):
    stream = io.BytesIO()
    images.write(images.Picture(PICTURE.pixels, icc_profile=SRGB), stream, format)
    assert images.read(stream.getvalue()).icc_profile == SRGB


def swapped_primaries():
    """The profile of a device whose red is sRGB's green, and the other way round."""
    content = bytearray(SRGB)
    entries = [content[132 + 12 * i : 144 + 12 * i] for i in range(content[131])]
    for i, entry in enumerate(entries):
        name = {b"rXYZ": b"gXYZ", b"gXYZ": b"rXYZ"}.get(bytes(entry[:4]), bytes(entry[:4]))
        content[132 + 12 * i : 136 + 12 * i] = name
    return bytes(content)


def test_colours_become_srgb_where_no_profile_can_be_embedded():
    red = np.zeros((2, 2, 3), np.float32)
    red[..., 0] = 1
    stream = io.BytesIO()
    images.write(images.Picture(red, icc_profile=swapped_primaries()), stream, "PPM")
    stream.seek(0)
    assert np.abs(bytes_of(stream) - [0, 255.0, 0]).max() <= 2


@pytest.mark.parametrize("name", ["picture.gif", "picture.txt", "picture.mp4"])
def test_an_unknown_suffix_names_those_that_work(name, tmp_path):
    with pytest.raises(ImageFormatError, match="PNG, JPEG, WebP"):
        images.write(PICTURE, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_picture_too_wide_for_its_format(tmp_path):
    wide = images.Picture(np.zeros((1, 70000, 3), np.float32))
    with pytest.raises(ImageFormatError, match="cannot be written as WEBP; PNG holds it"):
        images.write(wide, tmp_path / "wide.webp")
    assert not list(tmp_path.iterdir())


def test_a_format_that_pillow_was_built_without(tmp_path, monkeypatch):
    monkeypatch.delitem(Image.SAVE, "WEBP", raising=False)
    monkeypatch.setattr(Image, "init", lambda: False)
    with pytest.raises(ImageFormatError, match="cannot be written as WEBP"):
        images.write(PICTURE, tmp_path / "picture.webp")


def test_a_missing_folder(tmp_path):
    with pytest.raises(ImageError, match=r"There is no folder .*absent; make it first"):
        images.write(PICTURE, tmp_path / "absent" / "picture.png")


def test_a_folder_is_no_target(tmp_path):
    with pytest.raises(ImageError, match="is a folder"):
        images.write(PICTURE, tmp_path, format="PNG")


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("text")
    with pytest.raises(ImageError, match="cannot be written"):
        images.write(PICTURE, tmp_path / "file" / "picture.png")


@pytest.mark.parametrize("target", [None, 5, io.StringIO()])
def test_other_targets_are_refused(target):
    with pytest.raises(ImageError, match="stream"):
        images.write(PICTURE, target)


def test_a_write_protected_file_is_left_alone(tmp_path, monkeypatch):
    path = tmp_path / "picture.png"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ImageError, match="write-protected"):
        images.write(PICTURE, path)
    assert path.read_bytes() == b"old"


def raiser(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize(
    ("owner", "name", "error", "expected"),
    [
        (Image.Image, "save", OSError("encoder"), ImageFormatError),
        (os, "fsync", OSError(28, "No space left on device"), ImageError),
        (os, "fsync", KeyboardInterrupt(), KeyboardInterrupt),
        (Path, "replace", OSError("replace"), ImageError),
    ],
    ids=["encoding", "disk full", "interrupted", "moving"],
)
@pytest.mark.parametrize("old", [b"the old picture", None], ids=["old", "new"])
def test_a_cut_run_leaves_the_old_file(owner, name, error, expected, old, tmp_path, monkeypatch):
    path = tmp_path / "picture.png"
    if old is not None:
        path.write_bytes(old)
    monkeypatch.setattr(owner, name, raiser(error))
    with pytest.raises(expected):
        images.write(PICTURE, path)
    assert [each.read_bytes() for each in tmp_path.iterdir()] == ([] if old is None else [old])


@posix
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_bits_of_the_umask(umask, mode, tmp_path):
    before = os.umask(umask)
    try:
        images.write(PICTURE, tmp_path / "picture.png")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "picture.png").stat().st_mode) == mode


@posix
@pytest.mark.parametrize("mode", [0o600, 0o666, 0o755])
def test_an_old_file_keeps_its_bits(mode, tmp_path):
    path = tmp_path / "picture.png"
    path.touch()
    path.chmod(mode)
    images.write(PICTURE, path)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert np.array_equal(bytes_of(path), LEVELS)


@posix
def test_a_symbolic_link_is_followed(tmp_path):
    (tmp_path / "folder").mkdir()
    link, path = tmp_path / "link.png", tmp_path / "folder" / "picture.png"
    link.symlink_to(path)
    for _ in range(2):
        images.write(PICTURE, link)
        assert link.is_symlink()
        assert list((tmp_path / "folder").iterdir()) == [path]


@posix
def test_a_named_pipe_is_written_to_and_not_replaced(tmp_path):
    path = tmp_path / "pipe.png"
    os.mkfifo(path)
    received = queue.Queue()
    threading.Thread(target=lambda: received.put(path.read_bytes()), daemon=True).start()
    images.write(PICTURE, path)
    assert np.array_equal(bytes_of(io.BytesIO(received.get(timeout=10))), LEVELS)
    assert stat.S_ISFIFO(path.stat().st_mode)
