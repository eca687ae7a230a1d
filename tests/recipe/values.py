"""What each setting of a recipe may be."""

from __future__ import annotations

from typing import Any

__all__ = ["LIMITS", "OTHER", "WHOLE", "WORDS"]

LIMITS: dict[str, tuple[float, float]] = {
    "size": (16, 1_000_000),
    "octaves": (1, 64),
    "octave_scale": (1.01, 16),
    "steps": (1, 100_000),
    "step_size": (1e-6, 255),
    "jitter": (0, 100_000),
    "blur": (0, 100),
    "strength": (0, 100),
    "target_rms": (0.01, 255),
    "seed": (0, 2**63 - 1),
}
"""The numbers, with their limits."""

WHOLE = ("size", "octaves", "steps", "jitter", "seed")
"""Those of them that are whole."""

WORDS = {"size": "full", "octaves": "auto"}
"""Those of them that may also be a word."""

OTHER: dict[str, Any] = {
    "network": "squeezenet",
    "layers": {"fire5": 0.5},
    "size": "full",
    "octaves": 3,
    "octave_scale": 1.25,
    "steps": 3,
    "step_size": 2.5,
    "jitter": 2,
    "blur": 0.0,
    "resize": "area",
    "target_rms": 3.5,
    "seed": 7,
}
"""Values that are no defaults."""
