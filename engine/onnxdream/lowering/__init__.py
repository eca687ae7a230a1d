"""Spellings of a graph for a provider."""

from .accelerated import BLOCKED_DOMAIN, accelerated
from .portable import on_device, portable

__all__ = ["BLOCKED_DOMAIN", "accelerated", "on_device", "portable"]
