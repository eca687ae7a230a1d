"""What is left: the time of the convolutions alone, and the machine's GEMM peak.

The time of a gradient graph's convolutions is what ONNX Runtime's profile says,
summed over a run. The peak is the fastest float32 product of two matrices, of which
ONNX Runtime knows one beforehand, as it knows a convolution's weights; the convolutions'
arithmetic divided by it is a time that no direct convolution beats by much. 3x3
convolutions by minimal filtering do: they take fewer products::

    python benchmarks/floor.py --json FILE
"""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import numpy as np
import onnxruntime

from onnxdream.graph import GRADIENT, IMAGE, LOSS, Graph, Node, Tensor, cut, infer
from onnxdream.runtime import Machine, Session, choose, lowering_for
from parts import THREADS, lowerings, main, median
from subjects import TITLES, Subject, subjects

SIZE, RUNS, WARM_UP = 512, 12, 3
QUICK_SIZE, QUICK_RUNS = 224, 2

CONVOLUTIONS = {"Conv", "ConvTranspose", "FusedConv"} | {
    "DepthwiseGrad",
    "ExpandedDepthwise",
    "ExpandedDepthwiseGrad",
    "Pointwise",
    "PointwiseGrad",
    "Winograd",
    "WinogradGrad",
}
"""The operators that convolve, those of ONNX Runtime and ours; some gate and add up besides."""

SIDE, PRODUCTS = 1024, 200
"""Of the matrices; how often they are multiplied, for the fastest is what counts."""


def measure(quick: bool) -> dict[str, Any]:
    size, runs = (QUICK_SIZE, QUICK_RUNS) if quick else (SIZE, RUNS)
    peak = gemm_peak(QUICK_RUNS if quick else PRODUCTS)
    print(f"float32 GEMM: {peak / 1e9:.0f} GFLOP/s")
    found = []
    for subject in subjects(TITLES):
        operations = floating_point_operations(subject, size)
        profiles = {name: profile(subject, size, name, runs) for name in lowerings()}
        found.append({"title": subject.title, "operations": operations, "profiles": profiles})
        print(f"{subject.title}, {size}×{size}: {1e3 * operations / peak:.1f} ms at the GEMM peak")
        for name, spent in profiles.items():
            print(
                f"  {name:12} {spent['convolutions']:.1f} ms of {spent['all']:.1f} in convolutions"
            )
    return {"size": size, "threads": THREADS, "gemm_peak": peak, "networks": found}


def profile(subject: Subject, size: int, lowering: str, runs: int) -> dict[str, Any]:
    """Milliseconds in all operators, in the convolutions and in each, in the median run."""
    backend, image = choose(Machine("cpu")), subject.image(size)
    with profiling() as folder:
        sessions = lowering_for(backend, lowering).load(subject.gradient, backend, THREADS)
        session = sessions.at(size, size)
        for _ in range(WARM_UP + runs):
            session.run({IMAGE: image}, [LOSS, GRADIENT])
        events = json.loads((folder / session.inner.end_profiling()).read_text())
    spans = [(e["ts"], e["ts"] + e["dur"]) for e in events if e["name"] == "model_run"]
    spent: dict[str, list[float]] = defaultdict(lambda: [0.0] * len(spans))
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            [run] = [n for n, (start, end) in enumerate(spans) if start <= event["ts"] <= end]
            spent[event["args"]["op_name"]][run] += event["dur"] / 1e3
    times = {operator: round(median(found[WARM_UP:]), 3) for operator, found in spent.items()}
    return {
        "all": round(sum(times.values()), 3),
        "convolutions": round(sum(times.get(operator, 0) for operator in CONVOLUTIONS), 3),
        "operators": dict(sorted(times.items(), key=lambda item: -item[1])),
    }


@contextmanager
def profiling() -> Iterator[Path]:
    """Within it, sessions are loaded as they always are, but write profiles to a folder."""
    with TemporaryDirectory() as folder:

        class Options(onnxruntime.SessionOptions):
            def __init__(self) -> None:
                super().__init__()
                self.enable_profiling = True
                self.profile_file_prefix = str(Path(folder) / "profile")

        with mock.patch.object(onnxruntime, "SessionOptions", Options):
            yield Path(folder)


def floating_point_operations(subject: Subject, size: int) -> int:
    """Of the convolutions by their definition, forward and back, which cost the same."""
    graph = subject.network.graph
    part = cut(graph, {subject.tensor: graph.inputs[IMAGE]})
    shapes = infer(part, size, size)
    convolutions = [node for node in part.nodes if node.op == "Conv"]
    forward = sum(
        2 * math.prod(shapes[node.outputs[0]]) * math.prod(shapes[node.inputs[1]][1:])
        for node in convolutions
    )
    return 2 * forward


def gemm_peak(products: int) -> float:
    """Floating-point operations a second in the fastest product of two matrices."""
    a, b = np.random.default_rng(0).random((2, SIDE, SIDE), np.float32)
    matrix = Tensor(a.dtype, (SIDE, SIDE))
    graph = Graph([Node("MatMul", ["a", "b"], ["c"])], {"b": b}, {"a": matrix}, {"c": matrix})
    session = Session(graph, choose(Machine("cpu")), THREADS)
    return 2 * SIDE**3 / fastest(lambda: session.run({"a": a}, ["c"]), products)


def fastest(run: Callable[[], object], times: int) -> float:
    """The least seconds that it took."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return min(taken)


if __name__ == "__main__":
    main(measure)
