"""Run models and graphs in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import onnxruntime
from onnx import ModelProto

from onnxdream.graph import Graph, to_model
from onnxdream.lowering import on_device, portable
from onnxdream.runtime import accelerated_lowering

__all__ = ["LOWERINGS", "Lowering", "run_graph", "run_model", "session_of"]

_FATAL_ONLY = 4


def quiet_options() -> onnxruntime.SessionOptions:
    """Session options that keep ONNX Runtime off the terminal: its errors are raised, too."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL_ONLY
    options.intra_op_num_threads = 1
    return options


def session_of(
    model: ModelProto, options: Callable[[], onnxruntime.SessionOptions] = quiet_options
) -> onnxruntime.InferenceSession:
    """A session of a model on the CPU."""
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options(), providers=["CPUExecutionProvider"]
    )


def run_model(
    model: ModelProto, feeds: Mapping[str, np.ndarray], outputs: Sequence[str] | None = None
) -> list[np.ndarray]:
    """Some outputs of a model, or all of them."""
    return session_of(model).run(outputs, dict(feeds))


def run_graph(
    graph: Graph, feeds: Mapping[str, np.ndarray], outputs: Sequence[str] | None = None
) -> list[np.ndarray]:
    """Some outputs of a graph of standard operators, or all of them."""
    return run_model(to_model(graph), feeds, outputs)


@dataclass(frozen=True)
class Lowering:
    """A way of spelling a gradient graph, and of running it."""

    name: str
    spell: Callable[[Graph], Graph]
    options: Callable[[], onnxruntime.SessionOptions] = quiet_options

    def session(self, graph: Graph) -> onnxruntime.InferenceSession:
        """A session of a graph that still has operators of the domain ``onnxdream``."""
        return session_of(to_model(self.spell(graph)), self.options)

    def run(
        self,
        graph: Graph,
        feeds: Mapping[str, np.ndarray],
        outputs: Sequence[str] | None = None,
    ) -> list[np.ndarray]:
        """Some outputs of such a graph, or all of them."""
        return self.session(graph).run(outputs, dict(feeds))


def _lowerings() -> list[Lowering]:
    """The spellings that work on this machine."""
    found = [
        Lowering("portable", portable),
        Lowering("on a device", partial(on_device, in_order=True)),
    ]
    accelerated = accelerated_lowering()
    if accelerated is not None:

        def options() -> onnxruntime.SessionOptions:
            with_library = quiet_options()
            with_library.register_custom_ops_library(accelerated.library)
            return with_library

        found.append(Lowering("accelerated", accelerated.spell, options))
    return found


LOWERINGS = {lowering.name: lowering for lowering in _lowerings()}
"""Every gradient is tested in each of these spellings."""
