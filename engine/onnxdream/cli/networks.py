"""``onnxdream networks``: what is embedded."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from .command import Command
from .text import feeding_words

__all__ = ["COMMAND"]


def _add_options(parser: ArgumentParser) -> None:
    del parser


def _run(options: Namespace) -> int:
    del options
    from ..network import DEFAULT_NETWORK, embedded, load

    for name in embedded():
        network = load(name)
        megabytes = sum(value.nbytes for value in network.graph.constants.values()) / 1e6
        default = " (default)" if name == DEFAULT_NETWORK else ""
        print(f"{name}{default}")
        print(f"  fed      {feeding_words(network.feeding)}")
        print(f"  layers   {', '.join(network.default_layers)}, or another that is listed by")
        print(f"           onnxdream layers {name}")
        print(f"  licence  {network.card.licence}")
        print(f"  source   {network.card.source}")
        print(f"  size     {megabytes:.1f} MB of weights")
    return 0


COMMAND = Command("List the networks that come with onnxdream", _add_options, _run)
