"""Spellings of a gradient graph for a provider, and the step around it."""

from .accelerated import BLOCKED_DOMAIN, accelerated
from .portable import on_device, portable
from .step import BLUR, MEAN, NEXT, PICTURE, SHIFT, STEP_SIZE, step_graph

__all__ = [
    "BLOCKED_DOMAIN",
    "BLUR",
    "MEAN",
    "NEXT",
    "PICTURE",
    "SHIFT",
    "STEP_SIZE",
    "accelerated",
    "on_device",
    "portable",
    "step_graph",
]
