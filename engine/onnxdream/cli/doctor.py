"""``onnxdream doctor``: what is installed, and what runs where."""

from __future__ import annotations

import platform
from argparse import Namespace
from collections.abc import Callable

from ..errors import OnnxdreamError, ProviderError
from .command import Command
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
    from ..runtime import PROVIDERS, choose

    auto = choose().provider
    found = []
    for provider in PROVIDERS:
        try:
            choose(provider)
        except ProviderError:
            found.append(f"{provider} absent")
        else:
            found.append(f"{provider} (auto)" if provider == auto else provider)
    return ", ".join(found)


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
    "threads": _threads,
    "kernels": _kernels,
}
"""What is looked at, in this order, and how."""


def _run(options: Namespace) -> int:
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
    return int(failed)


COMMAND = Command("Show versions, providers, threads and kernels", _run)
