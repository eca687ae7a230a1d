"""Where PyTorch networks come from."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..errors import ExportError
from ..extras import need
from ..preprocessing import Preprocessing

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Source", "open_source"]


@dataclass(frozen=True)
class Source:
    """A network and what its source says of it.

    Parameters
    ----------
    network : torch.nn.Module
        The network.
    title : str
        Its name.
    preprocessing : Preprocessing
        How a picture is fed to it, as far as the source says.
    origin : str
        Where its weights come from.
    licence : str
        Under which licence, or "" where the source does not say.
    """

    network: nn.Module
    title: str
    preprocessing: Preprocessing
    origin: str
    licence: str = ""


def open_source(name: str, weights: str | None = None) -> Source:
    """Make a network that torchvision, timm or a Python file defines.

    Parameters
    ----------
    name : str
        ``"torchvision:googlenet"``, ``"timm:efficientnet_lite0"``, or
        ``"path/to/file.py:factory"``, where ``factory()`` returns the network.
        The file is run.
    weights : str, optional
        Which trained weights torchvision or timm is to fetch: ``"DEFAULT"``, or
        the name that one of them gives to others, such as ``"IMAGENET1K_V1"`` or
        ``"a1_in1k"``. Random weights if not given. A factory sees to its own.

    Returns
    -------
    Source
        The network and what is known of it.

    Raises
    ------
    MissingExtraError
        If torch, torchvision or timm cannot be imported.
    ExportError
        If there is no such network or weights, or the file or its factory fails.
    """
    need("torch")
    library, colon, rest = name.rpartition(":")
    if not colon:
        raise ExportError(
            f"{name!r} does not say where the network comes from. Write torchvision:NAME, "
            "timm:NAME or path/to/file.py:factory."
        )
    if library in _LIBRARIES:
        package = need(library)
        try:
            return _LIBRARIES[library](package, rest, weights)
        except Exception as error:
            wanted = f"{rest!r} with the weights {weights!r}" if weights else repr(rest)
            raise ExportError(f"{library} gave no {wanted}: {_described(error)}") from error
    if weights is not None:
        raise ExportError(f"The factory of {name!r} sees to its weights itself: name none.")
    return _from_file(Path(library), rest)


def _from_torchvision(torchvision: Any, name: str, weights: str | None) -> Source:
    origin = f"torchvision {torchvision.__version__}: {name}"
    if weights is None:
        network = torchvision.models.get_model(name, weights=None)
        return Source(network, name, Preprocessing(), f"{origin}, random weights")
    chosen = torchvision.models.get_model_weights(name)[weights]
    network = torchvision.models.get_model(name, weights=chosen)
    transforms = chosen.transforms()
    preprocessing = Preprocessing(transforms.mean, transforms.std)
    if getattr(network, "transform_input", False):
        # GoogLeNet and Inception v3 turn this normalization into their own,
        # which costs less where pictures are normalized anyway.
        network.transform_input = False
        preprocessing = Preprocessing((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    return Source(network, name, preprocessing, f"{origin}, {chosen}")


def _from_timm(timm: Any, name: str, weights: str | None) -> Source:
    tagged = name if weights in (None, "DEFAULT") else f"{name}.{weights}"
    network = timm.create_model(tagged, pretrained=weights is not None)
    said = network.pretrained_cfg
    preprocessing = Preprocessing(said["mean"], said["std"])
    origin = f"timm {timm.__version__}: {tagged}"
    if weights is None:
        return Source(network, name, preprocessing, f"{origin}, random weights")
    return Source(network, name, preprocessing, f"{origin}, {said['tag']}", said.get("license", ""))


_LIBRARIES: dict[str, Callable[[Any, str, str | None], Source]] = {
    "torchvision": _from_torchvision,
    "timm": _from_timm,
}


def _from_file(file: Path, factory: str) -> Source:
    from torch import nn

    with _beside(file):
        try:
            defined = vars(_run(file))
            network = defined[factory]() if factory in defined else None
        except Exception as error:
            raise ExportError(f"{file}:{factory} failed: {_described(error)}") from error
    if factory not in defined:
        raise ExportError(f"{file} defines no {factory!r}.")
    if not isinstance(network, nn.Module):
        raise ExportError(
            f"{file}:{factory} returned a {type(network).__name__}, and no torch.nn.Module."
        )
    return Source(network, factory, Preprocessing(), f"{file.name}:{factory}")


def _run(file: Path) -> ModuleType:
    """The module that a file defines."""
    # A name of its own: a file called torch.py must not take the place of torch.
    spec = importlib.util.spec_from_file_location(f"_onnxdream_source_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and the like look for the module that they are defined in.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def _beside(file: Path) -> Iterator[None]:
    """Within it, a file can import its neighbours, as when Python runs it."""
    folder = str(file.resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
