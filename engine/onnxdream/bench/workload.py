"""What is measured: the same cases everywhere, so that machines can be compared.

A change to anything in this module that changes what is run, or of the layers
and weights of the embedded networks, makes a new `WORKLOAD`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from msgspec import Struct

from ..errors import BenchmarkError
from ..network import load
from ..runtime import Machine, choose, lowering_for, settled, usable_cores
from .reading import Line, Natural, Positive, Threads

__all__ = [
    "FULL",
    "NETWORKS",
    "QUICK",
    "SIZES",
    "WORKLOAD",
    "Case",
    "Effort",
    "plan",
]

WORKLOAD = 1
"""The version of the workload; figures of different versions are of different work."""

NETWORKS = {"squeezenet": "fire7", "efficientnet-lite0": "block9"}
"""The networks, each with the layer that is amplified."""

SIZES = (224, 512, 1024)
"""The heights, and widths, of the pictures, in pixels."""

BLUR = 0.7
"""σ of the gradient blur, in pixels."""

JITTER = 32
"""The largest roll, in pixels."""

STEP_SIZE = 1.5
"""How far the mean pixel moves in a step, in 8-bit grey levels."""

SEED = 0
"""Of the picture, uniform noise, and of the jitter."""


class Effort(Struct, frozen=True):
    """How long a case is measured.

    Parameters
    ----------
    sizes : tuple of int
        Which sizes, if none are named.
    warm_up : int
        How many steps come before the first that is timed.
    steps : int
        How many steps are timed at least.
    seconds : float
        How long they take together at least, if there are not too many of them.
    """

    sizes: tuple[int, ...]
    warm_up: int
    steps: int
    seconds: float


FULL = Effort(SIZES, 4, 20, 1.0)
"""What figures are quoted from."""

QUICK = Effort(SIZES[:2], 2, 8, 0.2)
"""The same work, less of it: under a minute on two cores."""


class Case(Struct, frozen=True):
    """One row of a benchmark.

    Parameters
    ----------
    network, layer : str
        What dreams, and what of it is amplified.
    size : int
        Height and width of the picture, in pixels.
    provider : {"cpu", "cuda"}
        Where it runs.
    device : int
        On which of several GPUs, from 0.
    lowering : {"accelerated", "portable"}
        How the gradient graph is spelled.
    threads : int
        On how many threads, where that is the CPU.
    precision : {"fp32", "tf32", "fp16"}
        Of the weights and activations.
    graphs : bool
        Whether the steps are recorded and replayed as CUDA graphs, if they can be.
    """

    network: Line
    layer: Line
    size: Positive
    provider: Line
    device: Natural
    lowering: Line
    threads: Threads
    precision: Line = "fp32"
    graphs: bool = False

    @property
    def work(self) -> tuple[str, str, int]:
        """What is computed."""
        return self.network, self.layer, self.size

    @property
    def place(self) -> str:
        """Where it is computed, ``"cuda:1"`` say."""
        return f"{self.provider}:{self.device}" if self.device else self.provider

    @property
    def way(self) -> str:
        """How and where it is computed, in words."""
        words = [self.place, self.lowering, self.precision]
        if self.graphs:
            words.append("CUDA graphs")
        if self.provider == "cpu":
            words.append(f"{self.threads} thread" + "s" * (self.threads > 1))
        return ", ".join(words)

    def __str__(self) -> str:
        return f"{self.network} → {self.layer}, {self.size}×{self.size}, {self.way}"


def plan(
    *,
    networks: Sequence[str] | None = None,
    sizes: Sequence[int] = SIZES,
    provider: str = "auto",
    device: int = 0,
    lowerings: Sequence[str] = ("auto",),
    threads: Sequence[int] | None = None,
    precisions: Sequence[str] = ("fp32",),
    graphs: Sequence[bool] = (True,),
) -> list[Case]:
    """List the cases to measure.

    Parameters
    ----------
    networks : sequence of str, optional
        Some of `NETWORKS`; all if not given.
    sizes : sequence of int
        Heights, and widths, of the pictures, in pixels.
    provider : {"auto", "cpu", "cuda"}
        Where to run.
    device : int
        On which of several GPUs, from 0.
    lowerings : sequence of {"auto", "accelerated", "portable"}
        How to spell the gradient graph.
    threads : sequence of int, optional
        On how many threads, where that is the CPU; if not given, as many as
        there are cores that this process may use. Elsewhere it is one case
        whatever is given.
    precisions : sequence of {"fp32", "tf32", "fp16"}
        Of the weights and activations.
    graphs : sequence of bool
        Whether steps are recorded and replayed as CUDA graphs. On the CPU it is
        one case whatever is given.

    Raises
    ------
    BenchmarkError
        If a network is not part of the workload, a size is too small for it,
        or a number of threads is impossible.
    BackendError
        If ONNX Runtime, the provider or the lowering is missing, or does not
        know a precision.
    RecipeError
        If there is no such precision.
    """
    chosen = list(NETWORKS) if networks is None else list(dict.fromkeys(networks))
    counts = [usable_cores()] if threads is None else list(dict.fromkeys(threads))
    if any(count < 1 for count in counts):
        raise BenchmarkError("A benchmark runs on at least one thread.")
    _check_sizes(chosen, sizes)
    backends = [
        settled(choose(Machine(provider, device, precision=name)))
        for name in dict.fromkeys(precisions)
    ]
    ways = {
        (lowering_for(backend, Machine(lowering=name).lowering).name, backend.precision): None
        for backend in backends
        for name in lowerings
    }
    where = backends[0].provider, backends[0].device
    if where[0] == "cpu":
        graphs = [False]
    else:
        counts = counts[:1]
    found = product(chosen, dict.fromkeys(sizes), ways, counts, dict.fromkeys(graphs))
    return [
        Case(name, NETWORKS[name], size, *where, spelled, count, precision, recorded)
        for name, size, (spelled, precision), count, recorded in found
    ]


def _check_sizes(networks: Sequence[str], sizes: Sequence[int]) -> None:
    for name in networks:
        if name not in NETWORKS:
            known = ", ".join(NETWORKS)
            raise BenchmarkError(f"{name!r} is not part of the benchmark, which measures {known}.")
        network = load(name)
        least = network.least_size([network.resolve(NETWORKS[name])])
        if any(size < least for size in sizes):
            raise BenchmarkError(f"{name} needs pictures of at least {least}×{least} pixels.")
