"""Gradients on the GPU, against those on the CPU."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from onnxdream import Cuda, Dreamer, Machine, Network, load
from onnxdream.gradient import gradient_graph
from onnxdream.graph import GRADIENT, IMAGE, LOSS, Builder, Graph, Tensor
from onnxdream.lowering import portable
from onnxdream.runtime import Backend, Session, lowering_for
from operator_cases import CASES, LAYER, case_graph
from rules import distinct
from running import run_graph
from small_networks import FLOAT32

pytestmark = pytest.mark.gpu

SIZE, OTHER_SIZES = (255, 317), [(224, 224), (131, 97)]

FOREIGN = {
    "inception_v3": (["mixed", "mixed_4", "mixed_7"], 128, 128),
    "alexnet_lrn": (["pool2", "pool5"], 128, 64),
    "mobilenet_v2": (["028_add", "043_add"], 127, 127.5),
    "squeezenet1_0": (["fire5/concat", "fire8/concat"], 110, 1),
}
"""Networks in the folder that ONNXDREAM_TEST_NETWORKS names: layers, mean and std."""

WAYS = {
    "fp32": (0.9999, {}),
    "fp32 in order": (0.9999, {"cuda": Cuda(deterministic=True)}),
    "fp32 channels last": (0.9999, {"cuda": Cuda(nhwc=True)}),
    "fp32 exhaustive": (0.9999, {"cuda": Cuda(search="exhaustive")}),
    "tf32": (0.98, {"precision": "tf32"}),
    "fp16": (0.99, {"precision": "fp16"}),
    "fp16 channels last": (0.99, {"precision": "fp16", "cuda": Cuda(nhwc=True)}),
}
"""For each way to run on a GPU, the least cosine with the gradient on the CPU."""


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    a, b = one.astype(np.float64).ravel(), other.astype(np.float64).ravel()
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def picture(height: int, width: int) -> np.ndarray:
    """Soft noise: as a photograph, it is much the same from one pixel to the next."""
    noise = np.random.default_rng(0).random((height // 8 + 2, width // 8 + 2, 3), np.float32)
    return np.kron(noise, np.ones((8, 8, 1), np.float32))[:height, :width]


@cache
def network(name: str) -> Network:
    if name not in FOREIGN:
        return load(name)
    path = Path(os.environ.get("ONNXDREAM_TEST_NETWORKS", ""), f"{name}.onnx")
    if not path.is_file():
        pytest.skip(f"ONNXDREAM_TEST_NETWORKS names no folder that has {path.name}")
    _, mean, std = FOREIGN[name]
    return load(path, mean=[mean] * 3, std=[std] * 3, value_range=(0, 255))


@cache
def on_cpu(name: str, layer: str | None, size: tuple[int, int]) -> tuple[float, np.ndarray]:
    with Dreamer(
        network(name), layer, machine=Machine(provider="cpu", lowering="portable")
    ) as dreamer:
        return dreamer.gradient(picture(*size))


@pytest.mark.parametrize(
    ("way", "size"),
    [(way, SIZE) for way in WAYS] + [(way, s) for way in ("fp32", "fp16") for s in OTHER_SIZES],
)
@pytest.mark.parametrize("name", ["squeezenet", "efficientnet-lite0"])
def test_embedded_networks(name, size, way):
    least, options = WAYS[way]
    with Dreamer(network(name), machine=Machine(provider="cuda", **options)) as dreamer:
        loss, gradient = dreamer.gradient(picture(*size))
    expected_loss, expected = on_cpu(name, None, size)
    assert loss == pytest.approx(expected_loss, rel=1e-4 if way.startswith("fp32") else 1e-2)
    assert cosine(gradient, expected) > least
    if way.startswith("fp32"):
        assert np.linalg.norm(gradient - expected) < 1e-2 * np.linalg.norm(expected)


@pytest.mark.parametrize(
    ("name", "layer"), [(name, layer) for name, (found, *_) in FOREIGN.items() for layer in found]
)
@pytest.mark.parametrize("way", ["fp32", "fp32 in order", "fp16"])
def test_foreign_networks(name, layer, way):
    least, options = WAYS[way]
    with Dreamer(network(name), layer, machine=Machine(provider="cuda", **options)) as dreamer:
        _, gradient = dreamer.gradient(picture(*SIZE))
    assert cosine(gradient, on_cpu(name, layer, SIZE)[1]) > least


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("case", CASES)
def test_operators(case, precision):
    image = distinct(1, 3, 32, 28)
    graph = case_graph(case)
    layers, outputs = {LAYER: 1.0}, [LOSS, GRADIENT]
    expected = run_graph(portable(gradient_graph(graph, layers)), {IMAGE: image}, outputs)[1]
    found = on_gpu(gradient_graph(graph, layers, precision == "fp16"), image, precision)
    apart = np.linalg.norm(found - expected) / np.linalg.norm(expected)
    assert apart < (1e-3 if precision == "fp32" else 2e-2)


def on_gpu(gradient: Graph, image: np.ndarray, precision: str, **cuda: bool) -> np.ndarray:
    backend = Backend("cuda", precision=precision, cuda=Cuda(**cuda))
    size = dict(zip("HW", image.shape[2:], strict=True))
    session = Session(lowering_for(backend).spell(gradient), backend, 1, size=size)
    return session.run({IMAGE: image}, [GRADIENT])[0]


@pytest.mark.parametrize("cuda", [{}, {"deterministic": True}, {"nhwc": True}], ids=str)
@pytest.mark.parametrize(
    "attributes",
    [
        {"kernel_shape": [3, 3], "strides": [2, 2]},
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1},
        {"kernel_shape": [3, 3], "strides": [1, 1], "pads": [1, 1, 1, 1]},
        {"kernel_shape": [2, 2], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
        {"kernel_shape": [3, 2], "strides": [1, 2], "dilations": [2, 1]},
    ],
    ids=str,
)
def test_the_first_maximum_takes_all(attributes, cuda):
    graph = Graph([], {}, {IMAGE: Tensor(FLOAT32, (1, 3, "H", "W"))}, {})
    b = Builder(graph, "network")
    b.call_output(b("MaxPool", IMAGE, **attributes), LAYER, Tensor(FLOAT32, None))
    gradient = gradient_graph(graph, {LAYER: 1.0})
    image = np.round(2 * distinct(1, 3, 31, 26)) / 2
    [expected] = run_graph(portable(gradient), {IMAGE: image}, [GRADIENT])
    found = on_gpu(gradient, image, "fp32", **cuda)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)
