"""Options that say where a network runs, and how."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from .text import amount

if TYPE_CHECKING:
    from ..runtime import Machine

__all__ = ["add_machine_options", "chosen_machine", "given_machine"]


def add_machine_options(parser: ArgumentParser) -> None:
    """Add an option for each field of a `Machine`."""
    group = parser.add_argument_group("machine")
    group.add_argument(
        "--provider",
        default="auto",
        metavar="auto|cpu|cuda",
        help="where to dream (default: auto, which is cuda where ONNX Runtime has it)",
    )
    group.add_argument(
        "--device", type=int, default=0, metavar="N", help="which GPU, from 0 (default: 0)"
    )
    group.add_argument(
        "--threads",
        type=int,
        metavar="N",
        help="on how many threads, where that is the CPU (default: the cores that it may use)",
    )
    group.add_argument(
        "--lowering",
        default="auto",
        metavar="auto|accelerated|portable",
        help="how the network's gradient is spelled (default: auto, the fastest that works here)",
    )
    group.add_argument(
        "--precision",
        default="fp32",
        metavar="fp32|tf32|fp16",
        help="of weights and activations; tf32 is for GPUs only, and fp16 is slow on a CPU "
        "(default: fp32)",
    )
    group.add_argument(
        "--memory",
        type=amount,
        metavar="2GB",
        help="the most memory that a dream may take (default: what this process may still use)",
    )
    group.add_argument(
        "--max-pixels",
        type=int,
        metavar="N",
        help="the most pixels that a picture may have (default: 178956970)",
    )
    gpu = parser.add_argument_group("GPU")
    gpu.add_argument(
        "--no-cuda-graphs",
        dest="cuda_graphs",
        action="store_false",
        help="launch every operator of every step, rather than replay a step that was recorded",
    )
    gpu.add_argument(
        "--gpu-memory",
        type=int,
        metavar="MIB",
        help="the most memory that an octave takes for weights and activations "
        "(default: as much as it needs)",
    )
    gpu.add_argument(
        "--deterministic",
        action="store_true",
        help="the same bytes from the same recipe on a GPU, too; slower",
    )


def chosen_machine(options: Namespace) -> Machine:
    """Return the machine that the command line chooses."""
    from ..runtime import Cuda, Machine

    return Machine(
        provider=options.provider,
        device=options.device,
        threads=options.threads,
        lowering=options.lowering,
        precision=options.precision,
        memory=options.memory,
        max_pixels=options.max_pixels,
        cuda=Cuda(
            graphs=options.cuda_graphs,
            memory=options.gpu_memory,
            deterministic=options.deterministic,
        ),
    )


def given_machine(options: Namespace) -> dict[str, Any]:
    """Return the fields of a machine that the command line itself sets."""
    from ..runtime import Machine

    usual, chosen = Machine(), chosen_machine(options)
    names = [field.name for field in fields(Machine)]
    return {n: getattr(chosen, n) for n in names if getattr(chosen, n) != getattr(usual, n)}
