"""Packages that only some uses need, imported when they are."""

from __future__ import annotations

import importlib
from typing import Any

from .errors import MissingExtraError

__all__ = ["need"]

_INSTALL = {
    "torch": "Install onnxdream[export]",
    "torchvision": "Install torchvision, of the release and build that match the installed torch",
    "timm": "Install timm, and torchvision of the release and build that match the installed torch",
    "tifffile": "Install onnxdream[tiff]",
    "pillow_heif": "Install onnxdream[heif]",
}


def need(package: str) -> Any:
    """The module of an optional package.

    Parameters
    ----------
    package : {"torch", "torchvision", "timm", "tifffile", "pillow_heif"}
        The package.

    Raises
    ------
    MissingExtraError
        If it is not installed, or cannot be imported.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"{error.name} is not installed. {_INSTALL[package]}.") from error
    # A torchvision built for another torch fails with a RuntimeError, and a
    # torch without its libraries with an OSError.
    except (ImportError, RuntimeError, OSError) as error:
        raise MissingExtraError(
            f"{package} is installed but cannot be imported: {error}. {_INSTALL[package]}."
        ) from error
