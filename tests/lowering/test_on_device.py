"""The spelling for a device: what is left to run there once the sizes are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from onnxdream import load
from onnxdream.gradient import gradient_graph
from onnxdream.graph import Builder, Graph, Tensor, to_model
from onnxdream.lowering import on_device, portable
from onnxdream.step import SHIFT, step_graph
from rules import distinct
from running import quiet_options, run_graph
from small_networks import FLOAT32

SIZES = [(224, 224), (97, 131)]

SHAPES = {"ConstantOfShape", "NonZero", "Range", "Shape", "Size"}
"""ONNX Runtime runs them, and what depends on them, on the CPU."""


def optimized(graph: Graph, height: int, width: int, path: Path) -> onnx.GraphProto:
    """What ONNX Runtime makes of a step, whatever the provider, for pictures of one size."""
    options = quiet_options()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    for symbol, extent in {"H": height, "W": width, "taps": 7}.items():
        options.add_free_dimension_override_by_name(symbol, extent)
    content = to_model(graph).SerializeToString()
    onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return onnx.load(path).graph


@pytest.mark.parametrize("in_order", [False, True])
@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", ["squeezenet", "efficientnet-lite0"])
class TestStep:
    @pytest.fixture
    def step(self, name, size, half, in_order, tmp_path) -> onnx.GraphProto:
        network = load(name)
        gradient = gradient_graph(network.graph, network.weights(None), half=half)
        spelled = on_device(step_graph(gradient, network.preprocessing), in_order)
        return optimized(spelled, *size, tmp_path / "step.onnx")

    def test_no_shape_is_left_to_compute(self, step):
        assert not {node.op_type for node in step.node} & SHAPES

    def test_whole_numbers_are_computed_of_the_shift_alone(self, step):
        """Bounds, pads and target shapes are constants: they are read on the CPU."""
        constants = {tensor.name for tensor in step.initializer} | {""}
        on_cpu = {"Reshape": [1], "Slice": [1, 2, 3, 4], "Pad": [1, 3], "Squeeze": [1]}
        on_cpu |= {"Unsqueeze": [1], "Split": [1], "Expand": [1]}
        moved = {SHIFT}
        for node in step.node:
            if node.op_type in ("Neg", "Slice", "Add", "Mod") and moved & set(node.input):
                moved.update(node.output)
            for place in on_cpu.get(node.op_type, []):
                if place < len(node.input):
                    assert node.input[place] in constants, node.name
        gathers = [node for node in step.node if node.op_type == "Gather"]
        assert sum(node.input[1] in moved for node in gathers) == 4
        assert all(node.input[1] in moved | constants for node in gathers)


def pool_graph(**attributes: object) -> Graph:
    graph = Graph([], {}, {"image": Tensor(FLOAT32, (1, 3, "H", "W"))}, {})
    b = Builder(graph, "network")
    b.call_output(b("MaxPool", "image", **attributes), "layer", Tensor(FLOAT32, None))
    return graph


class TestMaxPool:
    def test_sums_in_order_are_those_of_the_scatter(self):
        graph = pool_graph(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 0, 1, 1], ceil_mode=1)
        gradient = gradient_graph(graph, {"layer": 1.0})
        image = distinct(1, 3, 31, 26)
        image = np.round(image * 4) / 4
        expected, found = (
            run_graph(spelled, {"image": image}, ["gradient"])[0]
            for spelled in (portable(gradient), on_device(gradient, in_order=True))
        )
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-12)

    def test_they_make_do_without_indices(self):
        gradient = gradient_graph(pool_graph(kernel_shape=[2, 2]), {"layer": 1.0})
        nodes = on_device(gradient, in_order=True).nodes
        assert [len(node.outputs) for node in nodes if node.op == "MaxPool"] == [1]
        assert not {"ScatterElements"} & {node.op for node in nodes}

    def test_strides_that_differ_take_the_scatter(self):
        graph = pool_graph(kernel_shape=[2, 2], strides=[2, 1])
        nodes = on_device(gradient_graph(graph, {"layer": 1.0}), in_order=True).nodes
        assert "ScatterElements" in {node.op for node in nodes}
