"""The commands that only tell: `networks`, `layers`, `doctor`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from small import Program, save_network

from onnxdream import __version__, embedded, load
from onnxdream.runtime import LOWERINGS


def test_networks_tells_all_about_each(onnxdream: Program) -> None:
    code, out, err = onnxdream("networks")
    assert (code, err) == (0, "")
    assert sum(line.endswith("(default)") for line in out.splitlines()) == 1
    for name in embedded():
        card = load(name).card
        assert f"{name}" in out
        assert card.licence in out
        assert card.source in out
        assert ", ".join(card.default_layers) in out


def test_layers_lists_each_and_stars_the_good_ones(onnxdream: Program) -> None:
    code, out, err = onnxdream("layers", "squeezenet")
    assert (code, err) == (0, "")
    network = load("squeezenet")
    lines = out.splitlines()
    for layer in network.layers:
        [line] = [line for line in lines if f" @{layer.number} " in line]
        assert layer.name in line.split()
        assert line.startswith("*") == layer.suggested
    assert sum(line.startswith("*  @") for line in lines) == len(network.default_layers)
    assert "* makes good dreams" in lines
    assert not any(line.startswith("!") for line in lines)


def test_layers_of_a_file_is_told_how_it_is_fed(onnxdream: Program, network: Path) -> None:
    fed = ["--mean", "1,2,3", "--std", "4,5,6", "--channels", "BGR", "--value-range=-1,255"]
    code, out, err = onnxdream("layers", network, *fed)
    assert (code, err) == (0, "")
    assert out.startswith("small is fed BGR of -1 to 255, minus (1, 2, 3), divided by (4, 5, 6).")
    assert "second=0.5" in out
    assert "*" not in out


def test_layers_warns_where_nobody_says_how_it_is_fed(onnxdream: Program, network: Path) -> None:
    assert "does not say how it is fed" in onnxdream("layers", network).err


def test_layers_marks_what_cannot_be_dreamed(onnxdream: Program, tmp_path: Path) -> None:
    path = save_network(tmp_path / "odd.onnx", last="Hardmax")
    lines = onnxdream("layers", path, "--channels", "RGB").out.splitlines()
    assert [line.split()[2] for line in lines if line.startswith("!  @")] == ["second"]
    assert "Hardmax" in lines[-1]
    assert "the last" in lines[-1]


def test_doctor_tells_what_runs(onnxdream: Program) -> None:
    code, out, err = onnxdream("doctor")
    assert (code, err) == (0, "")
    found = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert found["onnxdream"] == __version__
    assert found["python"].startswith(sys.version.split()[0])
    assert found["numpy"] == np.__version__
    assert found["onnx"] == onnx.__version__
    assert found["onnxruntime"] == onnxruntime.__version__
    assert "(auto)" in found["providers"]
    assert found["lowering"].split()[0] in LOWERINGS
    assert int(found["threads"]) >= 1
    assert found["kernels"] in ("compiled", "NumPy twin, slower")


def test_doctor_finds_that_the_backend_is_absent(
    onnxdream: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    code, out, _ = onnxdream("doctor")
    assert code == 1
    [line] = [line for line in out.splitlines() if line.startswith("onnxruntime")]
    assert "PROBLEM" in line
    assert "onnxdream[cpu]" in line
    assert f"onnx         {onnx.__version__}" in out.splitlines()


@pytest.mark.parametrize(
    "options",
    [["--provider", "cuda"], ["--layer", "fire5"], ["--mean", "1,2,3"], ["--gpu-memory", 9]],
    ids=str,
)
def test_doctor_asks_for_the_network_that_options_are_about(
    onnxdream: Program, options: list[object]
) -> None:
    code, out, err = onnxdream("doctor", *options)
    assert (code, out) == (2, "")
    assert "add --network" in err
    assert onnxdream("doctor", "--verbose").code == 0


def test_version(onnxdream: Program) -> None:
    assert onnxdream("--version") == (0, f"onnxdream {__version__}\n", "")
