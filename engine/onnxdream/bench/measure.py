"""One case, measured in this process.

Three things are timed in turns, so that a change of the machine's pace meets
them all:

=========== ================================================================
``step``    a whole step, as a dream takes it
``network`` the gradient graph alone, its image and its outputs on the device
``kernels`` a step around a network that does nothing: jitter, normalize,
            un-jitter, blur and ascend, and what it takes to call them
=========== ================================================================

What a step takes beyond the other two is the rest: that the picture has left
the caches while the network ran, say. It lies near zero, on either side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter, sleep

import numpy as np

from .. import kernels
from ..gradient import gradient_graph
from ..graph import FLOAT, GRADIENT, IMAGE, LOSS, Graph, Node
from ..network import load
from ..preprocessing import Preprocessing
from ..recipe import Recipe
from ..runtime import Backend, Cuda, Machine, Session, Stepper, choose, lowering_for
from ..step import parts_of, values_of
from . import workload
from .gpu import device_memory
from .memory import peak_memory
from .report import Result
from .workload import Case, Effort

__all__ = ["measure"]

_TURN = 4
"""How often each thing is timed before the next has its turn."""

_PAUSE = 0.02
"""Seconds before a turn, in which the threads of the one before go to sleep."""

_SETTLING = 0.01
"""Seconds at the beginning of a turn that do not count: its threads wake, each on a core
of its own."""

_DECIMALS = 7

_MOST_STEPS = 400


def measure(case: Case, effort: Effort) -> Result:
    """Measure a case in this process.

    The peak of the memory is that of the whole life of the process, so it
    means something in a fresh process only.

    Parameters
    ----------
    case : Case
        What to measure.
    effort : Effort
        For how long.

    Raises
    ------
    BackendError
        If ONNX Runtime or the provider is missing, or fails.
    """
    random = np.random.default_rng(workload.SEED)
    picture = random.random((case.size, case.size, 3), np.float32)
    shifts = random.integers(-workload.JITTER, workload.JITTER + 1, (64, 2)).tolist()
    network = load(case.network)
    layers = {network.resolve(case.layer): 1.0}
    gradient = gradient_graph(network.graph, layers, half=case.precision == "fp16")
    cuda = Cuda(graphs=case.graphs)
    backend = choose(Machine(case.provider, case.device, precision=case.precision, cuda=cuda))
    lowering = lowering_for(backend, case.lowering)
    recipe = Recipe(blur=workload.BLUR)
    parts = parts_of(recipe)

    def steps(graph: Graph) -> Callable[[], object]:
        stepper = Stepper(graph, network.preprocessing, lowering, backend, case.threads, parts)
        ascent = stepper.ascent(picture, values_of(recipe, parts))
        turn = iter(range(10**9))
        return lambda: ascent.step(shifts[next(turn) % len(shifts)], workload.STEP_SIZE)

    used = None if case.provider == "cpu" else device_memory(case.device)
    step = steps(gradient)
    _repeat(step, effort.warm_up)
    # Read here, the peaks are those of a dream: what follows is loaded besides.
    peak = peak_memory()
    grown = None if used is None else _growth(used, device_memory(case.device))

    session = lowering.load(gradient, backend, case.threads).at(case.size, case.size)
    runs = {
        "step": step,
        "network": _bound(session, backend, _fed(picture, network.preprocessing)),
        "kernels": steps(_nothing(gradient)),
    }
    for run in runs.values():
        _repeat(run, effort.warm_up)
    return Result(case, peak, grown, **_timed(runs, effort))


def _nothing(gradient: Graph) -> Graph:
    """A gradient graph that computes nothing, whose gradient is its image."""
    nodes = [
        Node("Identity", [IMAGE], [GRADIENT]),
        Node("Size", [IMAGE], ["size"]),
        Node("Cast", ["size"], [LOSS], {"to": FLOAT}),
    ]
    return Graph(nodes, {}, {IMAGE: gradient.inputs[IMAGE]}, dict(gradient.outputs))


def _fed(picture: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
    """What a step feeds to the network."""
    mean, std, bgr = preprocessing.unit_mean, preprocessing.unit_std, preprocessing.bgr
    return kernels.jitter_normalize(picture, 0, 0, mean, std, bgr)


def _bound(session: Session, backend: Backend, image: np.ndarray) -> Callable[[], object]:
    """What runs a gradient graph on an image that has been brought to the device."""
    binding = session.inner.io_binding()
    binding.bind_cpu_input(IMAGE, image)
    for output in (LOSS, GRADIENT):
        binding.bind_output(output, backend.provider, backend.device)
    return lambda: session.inner.run_with_iobinding(binding)


def _repeat(run: Callable[[], object], times: int) -> None:
    for _ in range(times):
        run()


def _timed(
    runs: Mapping[str, Callable[[], object]], effort: Effort
) -> dict[str, tuple[float, ...]]:
    """Seconds that each run took, time after time."""
    samples: dict[str, list[float]] = {name: [] for name in runs}
    steps = samples["step"]
    while len(steps) < effort.steps or (sum(steps) < effort.seconds and len(steps) < _MOST_STEPS):
        for name, run in runs.items():
            sleep(_PAUSE)
            _settle(run)
            for _ in range(_TURN):
                start = perf_counter()
                run()
                samples[name].append(round(perf_counter() - start, _DECIMALS))
    return {name: tuple(found) for name, found in samples.items()}


def _settle(run: Callable[[], object]) -> None:
    """Run at least twice."""
    run()
    start = perf_counter()
    run()
    while perf_counter() - start < _SETTLING:
        run()


def _growth(before: int, after: int | None) -> int | None:
    return None if after is None else max(0, after - before)
