"""Which nodes of a step run where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_cuda import Gpu
from fake_onnxruntime import CUDA
from onnxruntime.capi.onnxruntime_inference_collection import InferenceSession

from onnxdream import Dreamer, Machine
from onnxdream.graph import Graph
from onnxdream.runtime import Placed
from small_networks import CARD, convnet, dead, network_of


def small(graph: Graph | None = None, **options: Any) -> Dreamer:
    network = network_of(graph or convnet(), CARD)
    return Dreamer(network, list(network.graph.outputs), machine=Machine(threads=1, **options))


@pytest.mark.parametrize("lowering", ["portable", "auto"])
def test_on_the_cpu_all_run_there(lowering):
    with small(lowering=lowering) as dreamer:
        placed = dreamer.placement()
    assert {node.provider for node in placed} == {"cpu"}
    operators = [node.op for node in placed]
    assert operators.count("Conv") >= 3
    assert ("Jitter" in operators) == (dreamer.lowering == "accelerated")
    assert all(node.name for node in placed)


def test_a_network_without_a_way_up_has_places_too():
    with small(dead()) as dreamer:
        assert dreamer.placement()


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with small() as dreamer:
        dreamer.placement()
    assert not list(tmp_path.iterdir())


class TestCuda:
    @pytest.fixture
    def places(self, gpu: Gpu, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
        """Where ONNX Runtime says that the nodes of some operators ran; it is CUDA for others."""
        said: dict[str, str] = {}
        real = InferenceSession.end_profiling

        def end_profiling(self: Any) -> str:
            path = Path(real(self))
            events = json.loads(path.read_text())
            for event in events:
                told = event.get("args", {})
                if "provider" in told:
                    told["provider"] = said.get(told["op_name"], CUDA)
            path.write_text(json.dumps(events))
            return str(path)

        monkeypatch.setattr(InferenceSession, "end_profiling", end_profiling)
        yield said

    def test_all_may_run_there(self, places):
        with small(provider="cuda") as dreamer:
            assert {node.provider for node in dreamer.placement()} == {"cuda"}

    def test_what_falls_to_the_cpu_is_told(self, places):
        places["ScatterElements"] = "CPUExecutionProvider"
        places["MaxPool"] = "SomeOtherProvider"
        with small(provider="cuda") as dreamer:
            elsewhere = {n.op: n.provider for n in dreamer.placement() if n.provider != "cuda"}
        assert elsewhere == {"ScatterElements": "cpu", "MaxPool": "SomeOtherProvider"}

    def test_it_is_the_step_of_one_size_and_not_recorded(self, gpu, places):
        with small(provider="cuda") as dreamer:
            gpu.asked.clear()
            placed = dreamer.placement()
        assert [options["enable_cuda_graph"] for options in gpu.asked] == ["0"]
        assert not {node.op for node in placed} & {"Shape", "Size"}


def test_copies_between_devices_are_told(gpu, monkeypatch, tmp_path):
    event = {"cat": "Node", "name": "Memcpy_kernel_time", "args": {}}
    event["args"] = {"op_name": "MemcpyFromHost", "provider": CUDA}
    path = tmp_path / "profile.json"
    path.write_text(json.dumps([{"cat": "Session", "name": "model_run"}, event]))
    monkeypatch.setattr(InferenceSession, "end_profiling", lambda self: str(path))
    with small(provider="cuda") as dreamer:
        assert dreamer.placement() == [Placed("MemcpyFromHost", "Memcpy", "copy")]
