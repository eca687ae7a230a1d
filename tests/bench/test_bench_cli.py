"""``onnxdream bench``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from reports import report, result

from onnxdream import bench
from onnxdream.cli import bench as command
from onnxdream.cli import main

SMALL = "--quick --networks squeezenet --sizes 64 --provider cpu --lowering portable --threads 1"


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]):
    def run(*arguments: object) -> tuple[int, str, str]:
        code = main(["bench", *map(str, arguments)])
        return (code, *capsys.readouterr())

    return run


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two files that --json wrote."""
    found = [tmp_path / "a.json", tmp_path / "b.json"]
    for path, step in zip(found, (0.06, 0.02), strict=True):
        bench.write(report(result(step=step)), path)
    return found


def test_it_measures_shows_and_keeps(answer, tmp_path):
    file = tmp_path / "bench.json"
    code, out, err = answer(*SMALL.split(), "--json", file)
    assert code == 0
    assert out.splitlines()[1].split()[:6] == ["squeezenet", "cpu", "portable", "fp32", "1", "64"]
    assert "workload 1, quick" in out
    assert "0/1" in err
    assert "1/1" in err
    kept = bench.read(file)
    assert kept.quick
    assert [str(one.case) for one in kept.results] == [
        "squeezenet → fire7, 64×64, cpu, portable, fp32, 1 thread"
    ]


def test_it_compares(answer, files):
    code, out, err = answer("--compare", *files)
    assert (code, err) == (0, "")
    assert out.splitlines()[1].split()[-1] == "3.00"
    assert "#2 is b.json: cpu" in out


def test_files_of_one_name_are_told_apart(answer, files, tmp_path):
    (tmp_path / "b").mkdir()
    other = files[1].rename(tmp_path / "b" / "a.json")
    code, out, _ = answer("--compare", files[0], other, files[0])
    assert code == 0
    for number, name in enumerate(["a.json", "a.json (2)", "a.json (3)"], 1):
        assert f"#{number} is {name}: cpu" in out
    assert str(tmp_path) not in out


def test_a_comparison_is_drawn(answer, files, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib, the extra plot, is not installed")
    code, _, _ = answer("--compare", *files, "--plot", tmp_path / "plot.svg")
    assert code == 0
    assert (tmp_path / "plot.svg").stat().st_size > 1000


@pytest.fixture
def unmeasured(monkeypatch):
    def measured(options: object) -> None:
        pytest.fail("it began to measure")

    monkeypatch.setattr(command, "_measured", measured)


@pytest.mark.usefixtures("unmeasured")
class TestRefusedBeforehand:
    """What is wrong is said before anybody waits for a benchmark."""

    def test_a_plot_without_matplotlib(self, answer, monkeypatch, tmp_path):
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        monkeypatch.delitem(sys.modules, "matplotlib.figure", raising=False)
        code, out, err = answer("--plot", tmp_path / "plot.svg")
        assert (code, out) == (1, "")
        assert "onnxdream[plot]" in err

    @pytest.mark.parametrize("option", ["--json", "--plot"])
    def test_a_file_in_no_folder(self, answer, option, monkeypatch, tmp_path):
        code, out, err = answer(option, tmp_path / "none" / "file.svg")
        assert (code, out) == (1, "")
        assert "There is no folder" in err

    def test_a_file_to_compare_that_is_none(self, answer, files):
        files[1].write_text(json.dumps({"kind": "a diary"}))
        code, out, err = answer("--compare", *files)
        assert (code, out) == (1, "")
        assert err == "onnxdream: b.json is no result of `onnxdream bench`.\n"

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--sizes", "large"],
            ["--sizes", "224,"],
            ["--threads", "1;2"],
            ["--compare"],
            ["--compare", "a.json", "--json", "b.json"],
        ],
        ids=" ".join,
    )
    def test_a_wrong_command_line(self, answer, arguments):
        code, out, err = answer(*arguments)
        assert (code, out) == (2, "")
        assert err.startswith("usage: onnxdream bench")


def test_an_impossible_case_is_one_line(answer):
    code, out, err = answer("--networks", "alexnet")
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert "squeezenet" in err
