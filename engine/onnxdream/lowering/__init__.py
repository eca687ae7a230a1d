"""Spellings of a gradient graph for a provider, and the step around it."""

from .portable import portable
from .step import BLUR, MEAN, NEXT, PICTURE, SHIFT, STEP_SIZE, step_graph

__all__ = ["BLUR", "MEAN", "NEXT", "PICTURE", "SHIFT", "STEP_SIZE", "portable", "step_graph"]
