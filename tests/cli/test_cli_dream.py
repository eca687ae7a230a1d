"""The command `dream`: what comes out, and where it goes."""

from __future__ import annotations

import io
import logging
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from small import HEIGHT, WIDTH, Program

import onnxdream.dreamer
from onnxdream.cli import main


@pytest.fixture
def own_photo(photo: Path, tmp_path: Path) -> Path:
    """A copy of the picture in a folder of its own."""
    path = tmp_path / "my.photo.jpg"
    with Image.open(photo) as image:
        image.save(path)
    return path


def kind(path: Path) -> tuple[str | None, tuple[int, int]]:
    """The format and the size of a picture."""
    with Image.open(path) as image:
        return image.format, image.size


@pytest.fixture
def no_dreams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever begins to dream fails."""
    monkeypatch.setattr(onnxdream.dreamer, "Dreamer", None)


def test_it_writes_beside_the_photograph_and_says_where(dream: Program, own_photo: Path) -> None:
    before = own_photo.read_bytes()
    code, out, err = dream(photo=own_photo)
    expected = own_photo.with_name("my.photo.dream.png")
    assert (code, out) == (0, f"{expected}\n")
    assert "octave 1/2, 31×26" in err
    assert f"octave 2/2, {WIDTH}×{HEIGHT}: 100%" in err
    assert kind(expected) == ("PNG", (WIDTH, HEIGHT))
    assert own_photo.read_bytes() == before


def test_the_default_output_is_not_overwritten(
    dream: Program, own_photo: Path, no_dreams: None
) -> None:
    existing = own_photo.with_name("my.photo.dream.png")
    existing.write_bytes(b"mine")
    code, out, err = dream(photo=own_photo)
    assert (code, out) == (1, "")
    assert err == f"onnxdream: {existing} exists already: say --force, or name a file with -o.\n"
    assert existing.read_bytes() == b"mine"


def test_the_default_output_is_overwritten_by_force(dream: Program, own_photo: Path) -> None:
    existing = own_photo.with_name("my.photo.dream.png")
    existing.write_bytes(b"mine")
    assert dream("--force", photo=own_photo).code == 0
    assert kind(existing) == ("PNG", (WIDTH, HEIGHT))


@pytest.mark.parametrize(
    ("name", "format"),
    [("out.png", "PNG"), ("out.jpg", "JPEG"), ("out.webp", "WEBP"), ("out.tiff", "TIFF")],
)
def test_a_named_output_is_overwritten(
    name: str, format: str, dream: Program, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(b"mine")
    assert dream("-o", path).out == f"{path}\n"
    assert kind(path) == (format, (WIDTH, HEIGHT))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("out.xyz", "No picture can be written as '.xyz'"),
        ("nowhere/out.png", "There is no folder"),
        ("out", "has no suffix that names a format"),
        ("photo.png/out.png", "There is no folder"),
        ("photo.png/out.png", "photo.png is a file"),
        ("link.png", "There is no folder"),
        ("loop.png", "leads back to itself"),
        ("x" * 300 + ".png", "File name too long"),
    ],
)
def test_an_impossible_output_is_refused_before_the_dream(
    name: str, reason: str, dream: Program, tmp_path: Path, no_dreams: None
) -> None:
    (tmp_path / "photo.png").touch()
    (tmp_path / "link.png").symlink_to("missing/out.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    code, out, err = dream("-o", tmp_path / name)
    assert (code, out) == (1, "")
    assert err.startswith("onnxdream: ")
    assert err.count("\n") == 1
    assert reason in err


def test_an_address_is_no_output(dream: Program, no_dreams: None) -> None:
    assert "is an address, and only files can be written" in dream("-o", "https://a.b/x.png").err


def test_an_address_is_no_photograph(dream: Program, no_dreams: None) -> None:
    assert "is an address, and only files can be read" in dream(photo="https://a.b/x.png").err


def test_a_format_that_holds_no_such_picture_is_refused_before_the_dream(
    dream: Program, tmp_path: Path, no_dreams: None
) -> None:
    Image.new("RGB", (16384, 1)).save(tmp_path / "wide.png")
    err = dream("-o", tmp_path / "out.webp", photo=tmp_path / "wide.png").err
    assert "cannot be written as WEBP; PNG holds it" in err


def test_a_write_protected_output_is_refused_before_the_dream(
    dream: Program, tmp_path: Path, no_dreams: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may write everywhere, so that permissions alone do not tell.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert "you lack the permission" in dream("-o", tmp_path / "out.png").err


def test_quiet_prints_nothing(dream: Program, tmp_path: Path) -> None:
    assert dream("-q", "-o", tmp_path / "out.png") == (0, "", "")


def test_verbose_shows_the_log_of_this_run_only(
    onnxdream: Program, photo: Path, tmp_path: Path
) -> None:
    short = [
        "dream",
        photo,
        "--network",
        "squeezenet",
        "--layer",
        "fire2",
        "--steps",
        1,
        "--octaves",
        4,
    ]
    short += ["-q", "-o", tmp_path / "out.png"]
    assert "onnxdream: Left out 3 of 4 octaves" in onnxdream(*short, "-v").err
    assert onnxdream(*short).err == ""
    assert logging.getLogger("onnxdream").handlers == []


def test_it_takes_part_in_a_pipe(
    capsysbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
    photo: Path,
    network: Path,
) -> None:
    common = ["--network", str(network), "--layer", "first", "--mean", "0,0,0", "--steps", "1"]
    written = photo.with_name("to-compare.png")
    assert main(["dream", str(photo), *common, "-o", str(written)]) == 0
    capsysbinary.readouterr()
    for output in [], ["-o", "-"]:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(photo.read_bytes())))
        assert main(["dream", "-", *common, *output]) == 0
        assert capsysbinary.readouterr().out == written.read_bytes()


def test_a_terminal_is_not_shown_a_picture(
    dream: Program, no_dreams: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, out, err = dream(photo="-")
    assert (code, out) == (2, "")
    assert "standard output is a terminal: name a file with -o" in err
