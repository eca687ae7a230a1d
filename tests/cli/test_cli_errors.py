"""Whatever is wrong is said in one line."""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small import Program, save_network

import onnxdream.dreamer


def bomb(path: Path) -> Path:
    """A PNG of more pixels than there is memory, in a few bytes."""
    content = b"\x89PNG\r\n\x1a\n"
    for kind, body in (
        (b"IHDR", struct.pack(">IIBBBBB", 2**30, 2**30, 8, 2, 0, 0, 0)),
        (b"IDAT", b""),
    ):
        content += struct.pack(">I", len(body)) + kind + body
        content += struct.pack(">I", zlib.crc32(kind + body))
    path.write_bytes(content)
    return path


def text(path: Path) -> Path:
    path.write_text("no picture and no network")
    return path


def truncated(path: Path) -> Path:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path, "PNG")
    path.write_bytes(path.read_bytes()[:4000])
    return path


BAD_PHOTOS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: path, "There is no picture"),
    "a folder without any": (lambda path: path.parent, "There is no picture in"),
    "no picture": (text, "is no picture"),
    "truncated": (truncated, "ends too early"),
    "a bomb": (bomb, "too large|more than"),
}

BAD_NETWORKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a near miss": (lambda path: "squeezenett", "did you mean squeezenet"),
    "missing": (lambda path: path, "no file"),
    "corrupt": (text, "."),
    "unsupported": (lambda path: save_network(path, last="Hardmax"), "Hardmax"),
}

BAD_OPTIONS: list[tuple[Sequence[object], str]] = [
    (["--layer", "secnd"], "closest are second"),
    (["--layer", "secnd=2"], "closest are second"),
    (["--layer", "second=lots"], "The weight of 'second' must be a number, but is 'lots'"),
    (["--layer", "second=nan"], "'second' must be from"),
    (["--network", ""], "network must be a name"),
    (["--layer", "second=-1"], "nothing to amplify"),
    (["--octaves", 0], "octaves must be"),
    (["--octave-scale", 0.5], "octave_scale must be"),
    (["--steps", 0], "steps must be"),
    (["--step-size", "nan"], "step_size must be"),
    (["--jitter", -1], "jitter must be"),
    (["--blur", -1], "blur must be"),
    (["--seed", -1], "seed must be"),
    (["--threads", 0], "threads must be"),
    (["--std", "1,0,1"], "std must be"),
    (["--mean", "nan,0,0"], "mean must be"),
    (["--value-range", "1,0"], "value_range must"),
    (["--provider", "abacus"], "no provider 'abacus'"),
    (["--lowering", "abacus"], "no lowering 'abacus'"),
]

BAD_COMMAND_LINES: list[list[str]] = [
    [],
    ["sleep"],
    ["dream"],
    ["dream", "photo.png", "--octaves", "many"],
    ["dream", "photo.png", "--resize", "nicely"],
    ["dream", "photo.png", "--preset", "nightmare"],
    ["dream", "photo.png", "--mean", "1,2"],
    ["dream", "photo.png", "--mean", "a,b,c"],
    ["dream", "photo.png", "--value-range", "1"],
    ["layers"],
]


def assert_one_line(answer: tuple[int, str, str], reason: str) -> None:
    code, out, err = answer
    assert (code, out) == (1, "")
    assert err.startswith("onnxdream: ")
    assert err.count("\n") == 1
    assert any(words in err for words in reason.split("|"))


@pytest.mark.parametrize("kind", BAD_PHOTOS)
def test_a_bad_photograph(kind: str, dream: Program, tmp_path: Path) -> None:
    make, reason = BAD_PHOTOS[kind]
    photo = make(tmp_path / "photo.png")
    assert_one_line(dream("-o", tmp_path / "out.png", photo=photo), reason)
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("kind", BAD_NETWORKS)
def test_a_bad_network(kind: str, dream: Program, tmp_path: Path) -> None:
    make, reason = BAD_NETWORKS[kind]
    network = make(tmp_path / "network.onnx")
    assert_one_line(dream("-o", tmp_path / "out.png", network=network), reason)


@pytest.mark.parametrize(("options", "reason"), BAD_OPTIONS, ids=lambda value: str(value))
def test_an_impossible_setting(
    options: Sequence[object], reason: str, dream: Program, tmp_path: Path
) -> None:
    assert_one_line(dream("-o", tmp_path / "out.png", *options), reason)


@pytest.mark.parametrize(
    "arguments", BAD_COMMAND_LINES, ids=lambda value: " ".join(map(str, value))
)
def test_a_wrong_command_line(arguments: list[str], onnxdream: Program) -> None:
    code, out, err = onnxdream(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("usage: onnxdream")


def test_a_picture_without_a_way_up(dream: Program, tmp_path: Path) -> None:
    # So far from zero the sigmoids are flat.
    answer = dream("-q", "-o", tmp_path / "out.png", "--mean", "1e6,1e6,1e6")
    assert_one_line(answer, "The gradient is zero")


def test_no_backend(dream: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert_one_line(dream("-o", tmp_path / "out.png"), "onnxdream[cpu]")


def test_no_memory(dream: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **settings: object) -> None:
        raise MemoryError

    monkeypatch.setattr(onnxdream.dreamer, "Dreamer", full)
    assert_one_line(dream("-o", tmp_path / "out.png"), "not enough memory")


def test_no_memory_to_load_a_library(
    dream: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **settings: object) -> None:
        raise ImportError("libtiff.so.6: failed to map segment from shared object")

    monkeypatch.setattr(onnxdream.dreamer, "Dreamer", full)
    assert_one_line(dream("-o", tmp_path / "out.png"), "not enough memory")


def test_an_error_of_several_lines_is_put_in_one(
    dream: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **settings: object) -> None:
        raise onnxdream.OnnxdreamError("first\n  second")

    monkeypatch.setattr(onnxdream.dreamer, "Dreamer", fail)
    assert dream("-o", tmp_path / "out.png").err == "onnxdream: first second\n"


def test_a_bug_is_not_hidden(
    dream: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxdream.dreamer, "Dreamer", None)
    with pytest.raises(TypeError):
        dream("-o", tmp_path / "out.png")
