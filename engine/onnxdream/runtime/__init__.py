"""Running graphs: providers, sessions, and the Stepper that the Dreamer ascends with.

This is the only part of onnxdream that imports onnxruntime.
"""

from .ascent import Ascent
from .cores import usable_cores
from .cuda import Cuda
from .machine import LOWERINGS, PRECISIONS, PROVIDERS, Machine
from .memory import usable_memory
from .placement import Placed, placement
from .providers import Backend, backend_version, choose
from .session import Session, settled
from .sessions import Sessions
from .spelling import PORTABLE, Lowering, accelerated_lowering, lowering_for
from .stepper import Stepper

__all__ = [
    "LOWERINGS",
    "PORTABLE",
    "PRECISIONS",
    "PROVIDERS",
    "Ascent",
    "Backend",
    "Cuda",
    "Lowering",
    "Machine",
    "Placed",
    "Session",
    "Sessions",
    "Stepper",
    "accelerated_lowering",
    "backend_version",
    "choose",
    "lowering_for",
    "placement",
    "settled",
    "usable_cores",
    "usable_memory",
]
