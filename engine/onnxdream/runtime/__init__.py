"""Running graphs: providers, sessions, and the Stepper that the Dreamer climbs with.

This is the only part of onnxdream that imports onnxruntime.
"""

from .cores import usable_cores
from .providers import PROVIDERS, Backend, backend_version, choose
from .session import Session
from .stepper import Climb, Stepper

__all__ = [
    "PROVIDERS",
    "Backend",
    "Climb",
    "Session",
    "Stepper",
    "backend_version",
    "choose",
    "usable_cores",
]
