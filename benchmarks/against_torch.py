"""Forward + input gradient against PyTorch on the same CPU.

Every side computes the loss of one image and its gradient with respect to the
image, again and again, in turns. Before a time is taken, each gradient is
compared with that of PyTorch's eager mode::

    python benchmarks/against_torch.py --json FILE
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from onnxdream.graph import GRADIENT, IMAGE, LOSS
from onnxdream.runtime import Machine, choose, lowering_for
from parts import THREADS, lowerings, main, median
from subjects import TITLES, Subject, subjects
from torch_from_graph import torch_module

SIZE, ROUNDS, WARM_UP = 512, 15, 2
QUICK_SIZE, QUICK_ROUNDS = 224, 3

PAUSE = 0.02
"""Seconds between turns, in which the threads of the side before go to sleep."""

Run = Callable[[], tuple[float, np.ndarray]]
"""Computes the loss and the gradient."""


class Mode(NamedTuple):
    """A way to run PyTorch, and how close its gradient must come to the reference."""

    channels_last: bool = True
    compiled: bool = False
    bfloat16: bool = False
    least_cosine: float = 0.9999


REFERENCE = "PyTorch eager"

MODES = {
    REFERENCE: Mode(channels_last=False),
    "PyTorch channels-last": Mode(),
    "PyTorch compile": Mode(compiled=True),
    "PyTorch bfloat16": Mode(bfloat16=True, least_cosine=0.9),
}
"""PyTorch compiles faster code, and computes faster in bfloat16, where channels are last."""


def measure(quick: bool) -> dict[str, Any]:
    torch.set_num_threads(THREADS)
    size, rounds = (QUICK_SIZE, QUICK_ROUNDS) if quick else (SIZE, ROUNDS)
    found = []
    for subject in subjects(TITLES):
        image = subject.image(size)
        modes = {name: mode for name, mode in MODES.items() if not (quick and mode.compiled)}
        sides = {f"onnxdream {name}": our_run(subject, image, name) for name in lowerings()}
        sides |= {name: torch_run(subject, image, mode) for name, mode in modes.items()}
        cosines = agreement(subject.title, sides)
        samples = timed(sides, rounds)
        found.append({"title": subject.title, "cosines": cosines, "seconds": samples})
        print(f"{subject.title}, {size}×{size}:")
        for name, seconds in samples.items():
            print(f"  {name:24} {1e3 * median(seconds):7.1f} ms, cosine {cosines[name]:.6f}")
        torch.compiler.reset()
    return {"size": size, "threads": THREADS, "networks": found}


def our_run(subject: Subject, image: np.ndarray, lowering: str) -> Run:
    """The gradient graph in one lowering."""
    backend = choose(Machine("cpu"))
    sessions = lowering_for(backend, lowering).load(subject.gradient, backend, THREADS)
    session = sessions.at(*image.shape[2:])

    def run() -> tuple[float, np.ndarray]:
        loss, gradient = session.run({IMAGE: image}, [LOSS, GRADIENT])
        return float(loss), gradient

    return run


def torch_run(subject: Subject, image: np.ndarray, mode: Mode) -> Run:
    """The same by PyTorch."""
    module: torch.nn.Module = torch_module(subject.network.graph, subject.tensor, image.shape[-1])
    tensor = torch.tensor(image)
    if mode.channels_last:
        module = module.to(memory_format=torch.channels_last)
        tensor = tensor.to(memory_format=torch.channels_last)
    forward = torch.compile(module) if mode.compiled else module
    tensor.requires_grad_()

    def run() -> tuple[float, np.ndarray]:
        with torch.autocast("cpu", torch.bfloat16, enabled=mode.bfloat16):
            activation = forward(tensor)
        loss = activation.float().square().mean()
        [gradient] = torch.autograd.grad(loss, tensor)
        return loss.item(), gradient.numpy()

    return run


def agreement(title: str, sides: Mapping[str, Run]) -> dict[str, float]:
    """The cosine of each gradient with the reference, if they are close enough."""
    for run in sides.values():
        for _ in range(WARM_UP - 1):
            run()
    expected = sides[REFERENCE]()[1].ravel().astype(np.float64)
    cosines = {}
    for name, run in sides.items():
        found = run()[1].ravel().astype(np.float64)
        cosines[name] = float(found @ expected / np.linalg.norm(found) / np.linalg.norm(expected))
        least = MODES.get(name, Mode()).least_cosine
        if not cosines[name] >= least:
            sys.exit(f"{title}: the gradient of {name} is wrong, its cosine is {cosines[name]}.")
    return cosines


def timed(sides: Mapping[str, Run], rounds: int) -> dict[str, list[float]]:
    """Seconds that each side took, round after round.

    A turn begins with a run that does not count: it wakes the side's threads
    and brings its weights back into the caches.
    """
    samples: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, run in sides.items():
            time.sleep(PAUSE)
            run()
            start = time.perf_counter()
            run()
            samples[name].append(round(time.perf_counter() - start, 6))
    return samples


if __name__ == "__main__":
    main(measure, "torch")
