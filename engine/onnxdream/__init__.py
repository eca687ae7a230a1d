"""DeepDream as a deployable engine.

The names below are loaded when they are first used, so that ``import
onnxdream`` costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
"""What type checkers take for true; importing it would take as long as all the rest."""

if TYPE_CHECKING:
    from . import errors, images
    from .dreamer import Dreamer, dream
    from .errors import OnnxdreamError
    from .network import Layer, Network, embedded, load
    from .preprocessing import Preprocessing
    from .progress import Progress
    from .provenance import read_recipe
    from .recipe import PRESETS, Recipe
    from .runtime.cuda import Cuda
    from .runtime.machine import Machine

__version__ = "0.1.0"

__all__ = [
    "PRESETS",
    "Cuda",
    "Dreamer",
    "Layer",
    "Machine",
    "Network",
    "OnnxdreamError",
    "Preprocessing",
    "Progress",
    "Recipe",
    "__version__",
    "dream",
    "embedded",
    "errors",
    "images",
    "load",
    "read_recipe",
]

_HOMES = {
    "PRESETS": "recipe",
    "Cuda": "runtime.cuda",
    "Dreamer": "dreamer",
    "Preprocessing": "preprocessing",
    "Layer": "network",
    "Machine": "runtime.machine",
    "Network": "network",
    "OnnxdreamError": "errors",
    "Progress": "progress",
    "Recipe": "recipe",
    "dream": "dreamer",
    "embedded": "network",
    "load": "network",
    "read_recipe": "provenance",
}


_ROOMS = ("errors", "images")
"""Modules that are public as a whole."""


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
