"""``onnxdream doctor``: what is installed, and what runs where."""

from __future__ import annotations

import platform
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator

from ..errors import OnnxdreamError, ProviderError
from .command import Command
from .machine import add_machine_options, chosen_machine
from .options import add_network_options, add_preprocessing_options, chosen_layers, load_network
from .text import rows

__all__ = ["COMMAND"]


def _onnxdream() -> str:
    from .. import __version__

    return __version__


def _python() -> str:
    return f"{platform.python_version()} on {platform.platform()}"


def _installed(package: str) -> Callable[[], str]:
    def version() -> str:
        from importlib.metadata import version

        return version(package)

    return version


def _onnxruntime() -> str:
    from ..runtime import backend_version

    return backend_version()


def _providers() -> str:
    from ..runtime import PROVIDERS, Machine, choose, settled

    found = {}
    for provider in PROVIDERS:
        try:
            backend = choose(Machine(provider))
        except ProviderError:
            found[provider] = f"{provider} absent"
        else:
            found[provider] = settled(backend).provider
    auto = settled(choose(Machine())).provider
    return ", ".join((found | {auto: f"{auto} (auto)"}).values())


def _lowering() -> str:
    from ..operators import VARIANT
    from ..runtime import Machine, choose, lowering_for, settled

    name = lowering_for(settled(choose(Machine()))).name
    return f"{name} ({VARIANT})" if name == "accelerated" else name


def _threads() -> str:
    from ..runtime import usable_cores

    return str(usable_cores())


def _kernels() -> str:
    from ..kernels import IMPLEMENTATION

    return {"compiled": "compiled", "numpy": "NumPy twin, slower"}[IMPLEMENTATION]


CHECKS: dict[str, Callable[[], str]] = {
    "onnxdream": _onnxdream,
    "python": _python,
    "numpy": _installed("numpy"),
    "pillow": _installed("pillow"),
    "onnx": _installed("onnx"),
    "onnxruntime": _onnxruntime,
    "providers": _providers,
    "lowering": _lowering,
    "threads": _threads,
    "kernels": _kernels,
}
"""What is looked at, in this order, and how."""

_ANY_TIME = ("command", "parser", "verbose")


def _add_options(parser: ArgumentParser) -> None:
    add_network_options(
        parser, "none; with one, the nodes of its step that run elsewhere are listed"
    )
    add_preprocessing_options(parser)
    add_machine_options(parser)


def _run(options: Namespace) -> int:
    if options.network is None and _given(options):
        options.parser.error("these options are about the step of a network: add --network")
    failed = False
    found = []
    for name, check in CHECKS.items():
        try:
            found.append((name, check()))
        except OnnxdreamError as error:
            failed = True
            found.append((name, f"PROBLEM: {' '.join(str(error).split())}"))
    for line in rows(found):
        print(line)
    if options.network is not None:
        print()
        for line in _placement(options):
            print(line)
    return int(failed)


def _given(options: Namespace) -> bool:
    """Whether any option was given that is not about the program itself."""
    values = {name: value for name, value in vars(options).items() if name not in _ANY_TIME}
    return any(value != options.parser.get_default(name) for name, value in values.items())


def _placement(options: Namespace) -> Iterator[str]:
    """Say where the nodes of a step run that do not run where it was asked for."""
    from ..dreamer import Dreamer

    network = load_network(options, options.network)
    layers = chosen_layers(network, options) or None
    with Dreamer(network, layers, machine=chosen_machine(options)) as dreamer:
        placed = dreamer.placement()
        elsewhere = [node for node in placed if node.provider != dreamer.provider]
        step = f"A step of {network.name} ({', '.join(dreamer.layers)}) on {dreamer.provider}"
    if not elsewhere:
        yield f"{step}: all {len(placed)} nodes run there."
        return
    yield f"{step}: {len(elsewhere)} of {len(placed)} nodes do not run there."
    yield from rows([("", node.provider, node.op, node.name) for node in elsewhere])


COMMAND = Command("Show versions, and what runs where", _run, _add_options)
