"""``onnxdream presets``: recipes with a name."""

from __future__ import annotations

from argparse import Namespace

from ..recipe import DEFAULT_PRESET, PRESETS
from .command import Command
from .text import rows

__all__ = ["COMMAND"]


def _run(options: Namespace) -> int:
    table = []
    for name, preset in PRESETS.items():
        layers = ", ".join(
            layer if weight == 1 else f"{layer}={weight:g}"
            for layer, weight in preset.recipe.layers.items()
        )
        mark = "(default)" if name == DEFAULT_PRESET else ""
        table.append((name, mark, preset.shows, f"{preset.recipe.network}: {layers}"))
    for line in rows(table):
        print(line)
    return 0


COMMAND = Command("List the presets, and what each shows", _run)
