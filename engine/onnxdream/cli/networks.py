"""``onnxdream networks``: what is embedded."""

from __future__ import annotations

from argparse import Namespace

from .command import Command
from .text import preprocessing_words, rows

__all__ = ["COMMAND"]


def _run(options: Namespace) -> int:
    from ..network import DEFAULT_NETWORK, embedded, load

    for name in embedded():
        network = load(name)
        least = network.least_size([network.resolve(layer) for layer in network.default_layers])
        weights = sum(value.size for value in network.graph.constants.values())
        print(f"{name} (default)" if name == DEFAULT_NETWORK else name)
        facts = {
            "fed": preprocessing_words(network.preprocessing),
            "octaves": f"of at least {least} pixels each way",
            "layers": ", ".join(network.default_layers)
            + f" if none is named; `onnxdream layers {name}` lists them all",
            "licence": network.card.licence,
            "source": network.card.source,
            "size": f"{weights / 1e6:.1f} million weights",
        }
        for line in rows([("", *fact) for fact in facts.items()]):
            print(line)
    return 0


COMMAND = Command("List the networks that come with onnxdream", _run)
