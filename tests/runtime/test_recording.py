"""CUDA graphs: steps that are recorded once and replayed, on a GPU that the CPU plays."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import pytest
from fake_cuda import Gpu

from onnxdream.errors import BackendError, GradientError
from onnxdream.gradient import gradient_graph
from onnxdream.graph import Graph
from onnxdream.runtime import Backend, Cuda, Stepper, lowering_for
from small_networks import CARD, convnet, dead, network_of
from steps import PARTS, blurred

UNRECORDED = "-1"


def stepper(cuda: Cuda | None = None, graph: Graph | None = None) -> Stepper:
    network = network_of(graph or convnet(), CARD)
    (layer,) = network.graph.outputs
    backend = Backend("cuda", cuda=cuda or Cuda())
    gradient = gradient_graph(network.graph, {layer: 1.0})
    return Stepper(gradient, network.preprocessing, lowering_for(backend), backend, 1, PARTS)


def picture(height: int = 40, width: int = 52, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, 3), np.float32)


def ascended(on: Stepper, start: np.ndarray, steps: int = 5, blur: float = 0.7) -> np.ndarray:
    with on.ascent(start, blurred(blur)) as ascent:
        for step in range(steps):
            ascent.step((step, -step), 1.5)
        return ascent.picture()


@pytest.fixture
def expected(gpu: Gpu) -> np.ndarray:
    """Where a ascent without recordings ends."""
    found = ascended(stepper(Cuda(graphs=False)), picture())
    assert {number for _, number in gpu.runs} == {None}
    assert [options["enable_cuda_graph"] for options in gpu.asked] == ["0"]
    gpu.runs.clear()
    gpu.asked.clear()
    return found


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.INFO, "onnxdream.runtime"):
        yield caplog


class TestRecorded:
    def test_an_ascent_ends_where_it_ends_without(self, gpu, expected, log):
        assert np.array_equal(ascended(stepper(), picture()), expected)
        assert [options["enable_cuda_graph"] for options in gpu.asked] == ["1"]
        assert not log.messages

    def test_each_turn_has_a_recording_and_a_rehearsal(self, gpu):
        ascended(stepper(), picture(), steps=5)
        numbers = [number for _, number in gpu.runs]
        first, second = numbers[1], numbers[3]
        assert numbers[:4] == [UNRECORDED, first, UNRECORDED, second]
        assert numbers[4:] == [first, second, first, second, first]
        assert len({first, second, UNRECORDED, "0"}) == 4

    def test_the_next_ascent_of_that_size_replays_it(self, gpu):
        stepping = stepper()
        first = ascended(stepping, picture())
        gpu.runs.clear()
        second = ascended(stepping, picture(seed=1))
        assert len({number for _, number in gpu.runs}) == 2
        assert UNRECORDED not in {number for _, number in gpu.runs}
        assert not np.array_equal(first, second)
        assert np.array_equal(ascended(stepping, picture()), first)

    def test_a_size_and_a_blur_have_recordings_of_their_own(self, gpu):
        stepping = stepper()
        for start, blur in ((picture(), 0.7), (picture(44, 52), 0.7), (picture(), 2.0)):
            ascended(stepping, start, blur=blur)
        assert len(gpu.asked) == 3
        assert len({number for _, number in gpu.runs} - {UNRECORDED}) == 6

    def test_blurs_of_one_length_share_one(self, gpu):
        stepping = stepper()
        ends = [ascended(stepping, picture(), blur=blur) for blur in (0.70, 0.71, 0.70)]
        assert len(gpu.asked) == 1
        assert np.array_equal(ends[0], ends[2])
        assert not np.array_equal(ends[0], ends[1])

    def test_ascents_at_once_have_their_own_and_run_in_turns(self, gpu):
        stepping = stepper()
        alone = [ascended(stepping, picture(seed=seed)) for seed in range(6)]
        with ThreadPoolExecutor(3) as pool:
            together = list(pool.map(lambda seed: ascended(stepping, picture(seed=seed)), range(6)))
        assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))

    def test_an_ascent_that_failed_hands_its_buffers_on(self, gpu):
        stepping = stepper(graph=dead())
        for _ in range(2):
            with pytest.raises(GradientError), stepping.ascent(picture(), blurred(0.7)) as ascent:
                ascent.step((0, 0), 1.5)
        assert len({number for _, number in gpu.runs} - {UNRECORDED}) == 2

    def test_it_may_begin_on_the_device(self, gpu):
        start = onnxruntime.OrtValue.ortvalue_from_numpy(picture())
        stepping = stepper()
        expected = ascended(stepping, picture())
        assert np.array_equal(ascended(stepping, start), expected)
        assert np.array_equal(start.numpy(), picture())


class TestNotRecorded:
    """Where a step cannot be recorded it runs as it is, and the log says so once."""

    def test_it_cannot_be_loaded(self, gpu, expected, log):
        gpu.cannot_load = lambda told: (
            "not all nodes are on CUDA" if told["enable_cuda_graph"] == "1" else None
        )
        stepping = stepper()
        assert np.array_equal(ascended(stepping, picture()), expected)
        ascended(stepping, picture(44, 52))
        assert [options["enable_cuda_graph"] for options in gpu.asked] == ["1", "0", "0"]
        [said] = log.messages
        assert "without CUDA graphs" in said
        assert "not all nodes are on CUDA" in said

    def test_it_fails_when_it_is_recorded(self, gpu, expected, log):
        gpu.cannot_run = lambda number: (
            None if number in (None, UNRECORDED) else "operation not permitted when capturing"
        )
        stepping = stepper()
        assert np.array_equal(ascended(stepping, picture()), expected)
        assert np.array_equal(ascended(stepping, picture()), expected)
        assert [options["enable_cuda_graph"] for options in gpu.asked] == ["1", "0"]
        [said] = log.messages
        assert "not permitted when capturing" in said

    def test_a_replay_differs(self, gpu, expected, log, monkeypatch):
        real = onnxruntime.OrtValue.numpy
        wrong: list[bool] = []
        gpu.replayed = lambda: wrong.append(True)
        monkeypatch.setattr(
            onnxruntime.OrtValue, "numpy", lambda self: real(self) * (1.1 if wrong else 1)
        )
        stepping = stepper()
        stepping.ascent(picture(), blurred(0.7))
        wrong.clear()
        assert np.array_equal(ascended(stepping, picture()), expected)
        [said] = log.messages
        assert "differs" in said

    def test_it_fails_for_another_reason(self, gpu):
        gpu.cannot_load = lambda told: "CUDA failure 2: out of memory ; GPU=0 ; line=7 ;"
        with pytest.raises(BackendError, match="CUDA says: out of memory"):
            ascended(stepper(), picture())

    def test_it_is_not_asked_for(self, gpu, expected):
        ascended(stepper(Cuda(graphs=False)), picture(44, 52))
        assert [options["enable_cuda_graph"] for options in gpu.asked] == ["0"]
