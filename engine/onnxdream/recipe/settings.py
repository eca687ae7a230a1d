"""The settings as keyword arguments, for type checkers; see `Recipe` for what they mean."""

from __future__ import annotations

from typing import Literal, TypedDict

from ..preprocessing import Preprocessing
from .record import Layers

__all__ = ["Settings"]


class Settings(TypedDict, total=False):
    """What a call changes of a recipe; see `Recipe`."""

    network: str | None
    preprocessing: Preprocessing | None
    layers: Layers
    size: int | Literal["full"]
    octaves: int | Literal["auto"]
    octave_scale: float
    steps: int
    step_size: float
    jitter: int
    blur: float
    resize: Literal["bilinear", "bicubic", "area"]
    strength: float
    target_rms: float | None
    seed: int
