"""Half precision as a GPU has it, on the CPU.

ONNX Runtime's CPU has few kernels for float16. It computes in float32 instead,
and leaves out the roundings in between, so that its results tell little about
a GPU's. Here every tensor of float16 is rounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime
from onnx import shape_inference

from onnxdream.graph import FLOAT, HALF, Builder, Graph, Node, to_model
from running import quiet_options, session_of

__all__ = ["rounded", "run_rounded"]

_MOVES = {"Concat", "Gather", "Identity", "Reshape", "Slice", "Split", "Squeeze", "Transpose"}
"""They make no number that was not there before."""


def rounded(graph: Graph) -> Graph:
    """A graph that computes in float32 and rounds to float16 whatever `graph` has in float16.

    Parameters
    ----------
    graph : Graph
        A graph of standard operators; what goes in and comes out is float32.
    """
    inferred = shape_inference.infer_shapes(to_model(graph), strict_mode=True).graph
    halves = {v.name for v in inferred.value_info if v.type.tensor_type.elem_type == HALF}
    constants = {
        name: value.astype(np.float32) if value.dtype == np.float16 else value
        for name, value in graph.constants.items()
    }
    made = Graph([], constants, dict(graph.inputs), dict(graph.outputs))
    b = Builder(made, "rounded")
    b.reserve(graph.names())
    for node in graph.copy().nodes:
        if node.op == "Cast" and node.attributes["to"] == HALF:
            node.attributes["to"] = FLOAT
        for name, value in node.attributes.items():
            if isinstance(value, np.ndarray) and value.dtype == np.float16:
                node.attributes[name] = value.astype(np.float32)
        raw = {name: b.name("raw") for name in node.outputs if name in halves}
        if node.op in _MOVES:
            raw.clear()
        node.outputs = [raw.get(name, name) for name in node.outputs]
        made.nodes.append(node)
        for name, exact in raw.items():
            # Two casts in a row would be taken for none.
            kept = b("Identity", b("Cast", exact, to=HALF))
            made.nodes.append(Node("Cast", [kept], [name], {"to": FLOAT}))
    return made


def run_rounded(
    graph: Graph, feeds: Mapping[str, np.ndarray], outputs: Sequence[str]
) -> list[np.ndarray]:
    """Run a graph with every tensor of float16 rounded."""
    return session_of(to_model(rounded(graph)), _literal_options).run(outputs, dict(feeds))


def _literal_options() -> onnxruntime.SessionOptions:
    """Session options with which a graph runs as it is spelled."""
    options = quiet_options()
    options.intra_op_num_threads = 2
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return options
