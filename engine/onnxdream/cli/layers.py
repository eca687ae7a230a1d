"""``onnxdream layers``: what of a network can be made larger."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from .command import Command
from .options import add_preprocessing_options, load_network
from .text import preprocessing_words, rows

__all__ = ["COMMAND"]

_GOOD, _BLOCKED = "*", "!"


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("network", metavar="NETWORK", help="an embedded network or an ONNX file")
    add_preprocessing_options(parser)


def _run(options: Namespace) -> int:
    from ..autodiff import unsupported
    from ..graph import IMAGE

    network = load_network(options, options.network)
    table = [("", "number", "layer", "alias", "channels", "stride")]
    blocks: dict[str, None] = {}
    for layer in network.layers:
        before = unsupported(network.graph, layer.name, IMAGE)
        blocks |= dict.fromkeys(map(str, before))
        mark = _BLOCKED if before else _GOOD if layer.suggested else ""
        sizes = (str(layer.channels or ""), str(layer.stride or ""))
        table.append((mark, f"@{layer.number}", layer.name, layer.alias, *sizes))
    print(f"{network.name} is fed {preprocessing_words(network.preprocessing)}.")
    for line in rows(table):
        print(line)
    if any(layer.suggested for layer in network.layers):
        print(f"{_GOOD} makes good dreams")
    if blocks:
        print(f"{_BLOCKED} cannot be dreamed: no gradient is known of {', '.join(blocks)}")
    return 0


COMMAND = Command("List the layers of a network", _run, _add_options)
