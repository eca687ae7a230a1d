"""Where a network runs, and how: the options, and what `doctor` says of a step."""

from __future__ import annotations

from pathlib import Path

import pytest
from small import Program

from onnxdream import Cuda, Machine, loaded
from onnxdream.errors import ProviderError
from onnxdream.runtime import Placed


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Machine]:
    """What the library was asked to choose, which it then refuses."""
    calls: list[Machine] = []

    def choose(machine: Machine) -> None:
        calls.append(machine)
        raise ProviderError("There is no such GPU here.")

    monkeypatch.setattr(loaded, "choose", choose)
    return calls


OPTIONS = [
    ([], Machine()),
    (["--provider", "cuda", "--device", 1], Machine("cuda", 1)),
    (["--threads", 3], Machine(threads=3)),
    (["--lowering", "portable"], Machine(lowering="portable")),
    (["--precision", "tf32"], Machine(precision="tf32")),
    (["--memory", "2GB"], Machine(memory=2_000_000_000)),
    (["--memory", "1.5 GiB"], Machine(memory=3 << 29)),
    (["--max-pixels", 2000], Machine(max_pixels=2000)),
    (["--no-cuda-graphs"], Machine(cuda=Cuda(graphs=False))),
    (["--gpu-memory", 2000], Machine(cuda=Cuda(memory=2000))),
    (["--deterministic"], Machine(cuda=Cuda(deterministic=True))),
]


@pytest.mark.parametrize(("options", "expected"), OPTIONS, ids=lambda value: str(value))
class TestOptions:
    def test_of_a_dream(self, dream: Program, tmp_path, asked, options, expected) -> None:
        assert dream("-o", tmp_path / "out.png", *options).code == 1
        assert asked == [expected]

    def test_of_the_doctor(self, onnxdream: Program, network, asked, options, expected) -> None:
        fed = ["--mean", "0,0,0", "--layer", "second"]
        assert onnxdream("doctor", "--network", network, *fed, *options).code == 1
        assert asked == [expected]


def test_the_precision_changes_the_picture(onnxdream: Program, photo: Path, tmp_path: Path) -> None:
    quick = ["--network", "squeezenet", "--octaves", 1, "--steps", 1, "--lowering", "portable"]
    pictures = []
    for precision in ("fp32", "fp16"):
        path = tmp_path / f"{precision}.png"
        assert onnxdream("dream", photo, "-o", path, *quick, "--precision", precision).code == 0
        pictures.append(path.read_bytes())
    assert pictures[0] != pictures[1]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--precision", "fp8"], "choose one of fp32, tf32, fp16"),
        (["--precision", "tf32", "--provider", "cpu"], "the CPU does not know it"),
        (["--gpu-memory", 0], "memory in MiB must be"),
        (["--precision", "fp16", "--lowering", "accelerated"], "not in fp16"),
    ],
)
def test_what_is_impossible_is_said_in_one_line(
    dream: Program, tmp_path: Path, options: list[object], reason: str
) -> None:
    code, out, err = dream("-o", tmp_path / "out.png", *options)
    assert (code, out) == (1, "")
    assert err.startswith("onnxdream: ")
    assert err.count("\n") == 1
    assert reason in err


class TestPlacement:
    def said(self, onnxdream: Program, network: Path, *options: object) -> list[str]:
        fed = ["--network", network, "--mean", "0,0,0", "--layer", "second"]
        code, out, err = onnxdream("doctor", *fed, *options)
        assert (code, err) == (0, "")
        report, _, placement = out.partition("\n\n")
        assert "onnxruntime" in report
        return placement.splitlines()

    def test_all_run_where_they_should(self, onnxdream: Program, network: Path) -> None:
        [line] = self.said(onnxdream, network)
        assert line.startswith("A step of small (second) on cpu: all ")
        assert line.endswith(" nodes run there.")

    def test_each_that_does_not_is_listed(
        self, onnxdream: Program, network: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        placed = [
            Placed("Conv", "first", "cpu"),
            Placed("ScatterElements", "second", "elsewhere"),
            Placed("MemcpyToHost", "Memcpy_1", "copy"),
        ]
        monkeypatch.setattr(loaded, "placement", lambda *_: placed)
        head, *lines = self.said(onnxdream, network)
        assert head.endswith("on cpu: 2 of 3 nodes do not run there.")
        assert [line.split() for line in lines] == [
            ["elsewhere", "ScatterElements", "second"],
            ["copy", "MemcpyToHost", "Memcpy_1"],
        ]

    def test_without_a_network_there_is_no_step(self, onnxdream: Program) -> None:
        assert "A step" not in onnxdream("doctor").out
