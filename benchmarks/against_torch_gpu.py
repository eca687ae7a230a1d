"""A whole step against PyTorch on the same GPU.

Both sides keep the picture on the device, and take the same steps from it:
jitter, normalize, the network's loss and its gradient, un-jitter, blur, ascend.
Only the shift goes in and the loss comes out. Before a time is taken, the first
step of every side is compared with that of PyTorch's eager mode in float32::

    python benchmarks/against_torch_gpu.py --json FILE
    python benchmarks/against_torch_gpu.py --provider cpu --quick   # to see that it runs

What takes PyTorch's compiler longest is begun last, and left out when the time
that ``--minutes`` allows is over.
"""

from __future__ import annotations

import itertools
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from onnxdream import Machine, Recipe, kernels
from onnxdream.bench.files import save
from onnxdream.bench.report import as_json
from onnxdream.errors import OnnxdreamError
from onnxdream.gradient import gradient_graph
from onnxdream.runtime import Cuda, Stepper, choose, lowering_for, settled, usable_cores
from onnxdream.step import values_of
from parts import machine, median
from subjects import Subject, subjects
from torch_from_graph import torch_module

NETWORKS = ("squeezenet", "efficientnet-lite0", "googlenet", "inception_v3", "resnet50")
SIZES, QUICK_SIZES = (512, 1024), (128,)
ROUNDS, QUICK_ROUNDS = 12, 2
STEPS = 5
"""How many steps a turn times together."""

BLUR, STEP_SIZE, JITTER = 0.7, 1.5, 32

LEAST_COSINE = {"fp32": 0.999, "tf32": 0.95, "fp16": 0.95}
"""With the reference's step. What is rounded decides at every kink, in PyTorch as here."""

LOSS_SCALE = 2.0**10
"""Keeps PyTorch's gradients in float16 above what it rounds to zero."""


class Side(Protocol):
    """One way to take steps."""

    def step(self, shift: tuple[int, int]) -> float:
        """Take a step and return the loss before it."""
        ...

    def picture(self) -> np.ndarray:
        """Return the picture as it is now."""
        ...


class Ours:
    """Steps by onnxdream."""

    def __init__(
        self, subject: Subject, start: np.ndarray, provider: str, precision: str, graphs: bool
    ) -> None:
        backend = settled(choose(Machine(provider, precision=precision, cuda=Cuda(graphs=graphs))))
        half = precision == "fp16"
        gradient = gradient_graph(subject.network.graph, {subject.tensor: 1.0}, half=half)
        preprocessing, lowering = subject.network.preprocessing, lowering_for(backend)
        stepper = Stepper(gradient, preprocessing, lowering, backend, usable_cores(), ["blur"])
        self._ascent = stepper.ascent(start, values_of(Recipe(blur=BLUR), ["blur"]))
        self.picture = self._ascent.picture

    def step(self, shift: tuple[int, int]) -> float:
        return self._ascent.step(shift, STEP_SIZE)


@dataclass(frozen=True)
class Mode:
    """A way to run PyTorch."""

    channels_last: bool = False
    compiled: bool = False
    graph: bool = False


MODES = {
    "eager": Mode(),
    "channels-last": Mode(channels_last=True),
    "channels-last, CUDA graph": Mode(channels_last=True, graph=True),
    "compile": Mode(channels_last=True, compiled=True),
    "compile, CUDA graph": Mode(channels_last=True, compiled=True, graph=True),
}


class Torch:
    """The same steps by PyTorch."""

    def __init__(
        self, subject: Subject, start: np.ndarray, device: str, precision: str, mode: Mode
    ) -> None:
        self._half = precision == "fp16"
        self._tf32 = precision == "tf32"
        dtype = torch.float16 if self._half else torch.float32
        layout = torch.channels_last if mode.channels_last else torch.contiguous_format
        module: torch.nn.Module = torch_module(
            subject.network.graph, subject.tensor, start.shape[0]
        )
        module = module.to(device, dtype, memory_format=layout)
        self._network = torch.compile(module) if mode.compiled else module
        self._dtype, self._layout = dtype, layout
        preprocessing = subject.network.preprocessing
        self._order = [2, 1, 0] if preprocessing.bgr else [0, 1, 2]
        self._mean, self._std = (
            torch.tensor(v, device=device).view(1, 3, 1, 1)
            for v in (preprocessing.unit_mean, preprocessing.unit_std)
        )
        self._taps = torch.tensor(kernels.gaussian(BLUR), device=device).view(1, 1, -1, 1)
        self._picture = torch.tensor(start, device=device)
        self._shift = torch.zeros(2, dtype=torch.int64, device=device)
        self._loss = torch.zeros((), device=device)
        self._replay: Callable[[], None] = self._advance
        if mode.graph:
            self._replay = self._recorded()

    def step(self, shift: tuple[int, int]) -> float:
        self._shift.copy_(torch.tensor(shift))
        with self._precision():
            self._replay()
        return self._loss.item()

    def picture(self) -> np.ndarray:
        return self._picture.cpu().numpy().copy()

    def _recorded(self) -> Callable[[], None]:
        """The step as a CUDA graph."""
        start = self._picture.clone()
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside), self._precision():
            for _ in range(3):
                self._advance()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph), self._precision():
            self._advance()
        self._picture.copy_(start)
        return graph.replay

    def _advance(self) -> None:
        """One step, from buffers to the same buffers."""
        picture = self._picture
        image = self._rolled(picture, -self._shift).permute(2, 0, 1)[None, self._order]
        image = ((image - self._mean) / self._std).to(self._dtype, memory_format=self._layout)
        image = image.detach().requires_grad_()
        loss = self._network(image).float().square().mean()
        scale = LOSS_SCALE if self._half else 1.0
        [gradient] = torch.autograd.grad(loss * scale, image)
        with torch.no_grad():
            slope = (gradient.float() / self._std / scale)[0, self._order].permute(1, 2, 0)
            slope = self._blurred(self._rolled(slope, self._shift))
            moved = picture + slope * (STEP_SIZE / 255 / slope.abs().mean())
            picture.copy_(moved.clamp_(0, 1))
            self._loss.copy_(loss.detach())

    def _rolled(self, picture: torch.Tensor, offset: torch.Tensor) -> torch.Tensor:
        for axis in (0, 1):
            extent = picture.shape[axis]
            places = torch.arange(extent, device=picture.device) + offset[axis]
            picture = picture.index_select(axis, places % extent)
        return picture

    def _blurred(self, slope: torch.Tensor) -> torch.Tensor:
        radius = self._taps.numel() // 2
        planes = slope.permute(2, 0, 1)[:, None]
        planes = torch.nn.functional.pad(planes, [radius] * 4, mode="replicate")
        planes = torch.nn.functional.conv2d(planes, self._taps)
        planes = torch.nn.functional.conv2d(planes, self._taps.transpose(2, 3))
        return planes[:, 0].permute(1, 2, 0)

    def _precision(self) -> Any:
        return torch.backends.cudnn.flags(
            enabled=True, benchmark=True, allow_tf32=self._tf32 or self._half
        )


def sides(
    subject: Subject, start: np.ndarray, provider: str, compiled: bool
) -> Iterator[tuple[str, str, Callable[[], Side]]]:
    """Yield each side's precision and name, and what makes it."""
    gpu = provider == "cuda"
    for precision in ("fp32", "tf32", "fp16") if gpu else ("fp32", "fp16"):
        for graphs in (False, True) if gpu else (False,):
            name = "onnxdream, CUDA graph" if graphs else "onnxdream"
            if not compiled:
                ours = (subject, start, provider, precision, graphs)
                yield precision, name, lambda ours=ours: Ours(*ours)
        for name, mode in MODES.items():
            wanted = mode.compiled == compiled and (gpu or not (mode.graph or mode.compiled))
            # float32 without TF32 is nobody's choice where time counts.
            if wanted and not (compiled and precision == "fp32"):
                theirs = (subject, start, provider, precision, mode)
                yield precision, f"PyTorch {name}", lambda theirs=theirs: Torch(*theirs)


def measure(provider: str, quick: bool, minutes: float) -> dict[str, Any]:
    deadline = time.monotonic() + 60 * minutes
    sizes, rounds = (QUICK_SIZES, QUICK_ROUNDS) if quick else (SIZES, ROUNDS)
    found: dict[tuple[str, int], dict[str, Any]] = {}
    chosen = list(subjects(NETWORKS[:2] if quick else NETWORKS))
    for compiled, subject, size in itertools.product((False, True), chosen, sizes):
        case = found.setdefault(
            (subject.title, size), {"title": subject.title, "size": size, "sides": []}
        )
        random = np.random.default_rng(0)
        start = 0.25 + 0.5 * random.random((size, size, 3), np.float32)
        shifts = random.integers(-JITTER, JITTER + 1, (64, 2)).tolist()
        reference = first_step(Torch(subject, start, provider, "fp32", MODES["eager"]), start)
        for precision, name, make in sides(subject, start, provider, compiled):
            result: dict[str, Any] = {"precision": precision, "name": name}
            case["sides"].append(result)
            if time.monotonic() > deadline:
                result["left_out"] = "the time was over"
                continue
            result |= timed(make, start, reference, precision, shifts, rounds)
            shown = result.get("left_out") or (
                f"{1e3 * median(result['seconds']):8.2f} ms, cosine {result['cosine']:.5f}"
            )
            print(f"{subject.title}, {size}: {precision} {name:32} {shown}", flush=True)
        torch.compiler.reset()
    return {"provider": provider, "cases": list(found.values())}


def timed(
    make: Callable[[], Side],
    start: np.ndarray,
    reference: np.ndarray,
    precision: str,
    shifts: list[list[int]],
    rounds: int,
) -> dict[str, Any]:
    """Seconds a step, turn after turn, or why there are none."""
    try:
        side = make()
        cosine = alike(first_step(side, start), reference)
    except (OnnxdreamError, RuntimeError) as error:
        # Whatever one side lacks, the others are worth measuring.
        return {"left_out": " ".join(f"{type(error).__name__}: {error}".split())[:500]}
    if not cosine >= LEAST_COSINE[precision]:
        return {"left_out": f"its first step is wrong: the cosine is {cosine}"}
    turns = itertools.cycle(shifts)
    seconds = []
    for _ in range(rounds):
        side.step(next(turns))
        began = time.perf_counter()
        for _ in range(STEPS):
            side.step(next(turns))
        seconds.append(round((time.perf_counter() - began) / STEPS, 7))
    return {"cosine": cosine, "seconds": seconds}


def first_step(side: Side, start: np.ndarray) -> np.ndarray:
    """How the first step moves the picture."""
    side.step((5, -3))
    return side.picture() - start


def alike(found: np.ndarray, expected: np.ndarray) -> float:
    a, b = found.ravel().astype(np.float64), expected.ravel().astype(np.float64)
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def main() -> None:
    parser = ArgumentParser()
    parser.add_argument("--provider", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--quick", action="store_true", help="less of everything; not for quoting")
    parser.add_argument(
        "--minutes", type=float, default=30, help="begin nothing after (%(default)s)"
    )
    parser.add_argument("--json", metavar="FILE", help="where every sample is written")
    options = parser.parse_args()
    if options.provider == "cuda" and not torch.cuda.is_available():
        sys.exit("PyTorch sees no GPU here.")
    found = measure(options.provider, options.quick, options.minutes)
    content = {"quick": options.quick, "machine": machine("torch"), **found}
    if options.json:
        save(as_json(content).encode(), options.json)


if __name__ == "__main__":
    main()
