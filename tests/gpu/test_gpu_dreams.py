"""Whole dreams on the GPU: where they run, how they are recorded, who else may dream."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import onnxruntime
import pytest

from onnxdream import Cuda, Dreamer, Machine, load
from onnxdream.errors import BackendError
from onnxdream.gradient import gradient_graph
from onnxdream.runtime import Backend, Stepper, lowering_for
from steps import PARTS, blurred

pytestmark = pytest.mark.gpu

NETWORKS = ["squeezenet", "efficientnet-lite0"]

QUICK = {"octaves": 2, "steps": 4}


def picture(height: int = 192, width: int = 256, seed: int = 0) -> np.ndarray:
    return 0.25 + 0.5 * np.random.default_rng(seed).random((height, width, 3), np.float32)


def dreamt(dreamer: Dreamer, seed: int = 0, **settings: Any) -> np.ndarray:
    return dreamer.dream_array(picture(seed=seed), **QUICK | settings)


def apart(found: np.ndarray, expected: np.ndarray, start: np.ndarray) -> float:
    """How far two dreams end from each other, as a part of the way."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected - start))


@pytest.mark.parametrize("options", [{}, {"deterministic": True}, {"nhwc": True}], ids=str)
@pytest.mark.parametrize("precision", ["fp32", "tf32", "fp16"])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_node_runs_on_the_gpu(name, precision, options):
    with Dreamer(
        name, machine=Machine(provider="cuda", precision=precision, cuda=Cuda(**options))
    ) as dreamer:
        assert not [node for node in dreamer.placement() if node.provider != "cuda"]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_is_that_of_the_cpu(name):
    ends = []
    for provider in ("cpu", "cuda"):
        with Dreamer(name, machine=Machine(provider=provider)) as dreamer:
            ends.append(dreamt(dreamer, octaves=1, steps=1))
    assert apart(ends[1], ends[0], picture()) < 2e-2


@pytest.mark.parametrize("precision", ["fp32", "tf32", "fp16"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_objective_rises(name, precision):
    losses: list[float] = []
    with Dreamer(name, machine=Machine(provider="cuda", precision=precision)) as dreamer:
        dreamt(dreamer, octaves=1, steps=8, progress=lambda told: losses.append(told.loss))
    assert losses[-1] > 1.5 * losses[0]


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_is_recorded_and_replayed(name, precision, caplog):
    ends = []
    with caplog.at_level(logging.INFO, "onnxdream.runtime"):
        for graphs in (False, True):
            cuda = Cuda(graphs=graphs)
            with Dreamer(
                name, machine=Machine(provider="cuda", precision=precision, cuda=cuda)
            ) as dreamer:
                ends.append(dreamt(dreamer, octaves=1, steps=1))
                again = dreamt(dreamer, octaves=1, steps=1)
                other = dreamt(dreamer, octaves=1, steps=1, jitter=3)
            assert apart(again, ends[-1], picture()) < 1e-2
            assert apart(other, ends[-1], picture()) > 1e-2
    assert not [text for text in caplog.messages if "CUDA graphs" in text]
    assert apart(ends[1], ends[0], picture()) < 1e-2


@pytest.mark.parametrize("graphs", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_deterministic_dreams_have_the_same_bytes(name, graphs):
    ends = set()
    for _ in range(2):
        cuda = Cuda(deterministic=True, graphs=graphs)
        with Dreamer(name, machine=Machine(provider="cuda", cuda=cuda)) as dreamer:
            ends |= {dreamt(dreamer).tobytes(), dreamt(dreamer).tobytes()}
    assert len(ends) == 1


@pytest.mark.parametrize("graphs", [False, True])
def test_threads_share_a_dreamer(graphs):
    cuda = Cuda(graphs=graphs, deterministic=True)
    with Dreamer("squeezenet", machine=Machine(provider="cuda", cuda=cuda)) as dreamer:
        alone = [dreamt(dreamer, seed) for seed in range(4)]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda seed: dreamt(dreamer, seed), range(4)))
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one, other)


def test_dreamers_share_a_gpu():
    cuda = Cuda(memory=2000)
    dreamers = [Dreamer(name, machine=Machine(provider="cuda", cuda=cuda)) for name in NETWORKS * 2]
    with ThreadPoolExecutor(len(dreamers)) as pool:
        ends = list(pool.map(dreamt, dreamers))
    assert len(ends) == len(dreamers)
    for dreamer in dreamers:
        dreamer.close()


def test_too_little_memory_is_told():
    with (
        Dreamer("squeezenet", machine=Machine(provider="cuda", cuda=Cuda(memory=1))) as dreamer,
        pytest.raises(BackendError),
    ):
        dreamt(dreamer)


@pytest.mark.parametrize("graphs", [False, True])
def test_an_ascent_may_begin_on_the_device(graphs):
    network = load("squeezenet")
    backend = Backend("cuda", cuda=Cuda(graphs=graphs))
    gradient = gradient_graph(network.graph, network.weights(None))
    stepper = Stepper(gradient, network.preprocessing, lowering_for(backend), backend, 1, PARTS)
    start = picture()
    ends = []
    for value in (start, onnxruntime.OrtValue.ortvalue_from_numpy(start, "cuda", 0)):
        with stepper.ascent(value, blurred(0.7)) as ascent:
            ascent.step((3, -5), 1.5)
            ends.append(ascent.picture())
    assert apart(ends[1], ends[0], start) < 1e-2
