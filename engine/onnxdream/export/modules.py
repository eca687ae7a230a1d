"""What the modules of a PyTorch network return."""

from __future__ import annotations

import difflib
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ..errors import ExportError, LayerNotFoundError

__all__ = ["Tapped", "find_values"]

log = logging.getLogger(__name__)


class Tapped(nn.Module):
    """A network that returns what some of its modules return, and runs no further.

    Parameters
    ----------
    network : nn.Module
        The network.
    names : sequence of str
        Modules that are applied once, as ``named_modules`` names them.
    """

    def __init__(self, network: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.network = network
        self.names = list(names)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """What the modules return for an image, in the order of the names."""
        found: dict[str, Tensor] = {}

        def keep(name: str, output: object) -> None:
            assert isinstance(output, Tensor)
            # What follows may change the tensor in place, as ReLUs like to do.
            found[name] = output.clone()
            if len(found) == len(self.names):
                raise _EnoughError

        modules = dict(self.network.named_modules(remove_duplicate=False))
        try:
            with _listening({name: modules[name] for name in self.names}, keep):
                self.network(image)
        except _EnoughError:
            pass
        return tuple(found[name] for name in self.names)


class _EnoughError(Exception):
    """Ends a run that has made all that is wanted."""


@contextmanager
def _listening(
    modules: Mapping[str, nn.Module], hear: Callable[[str, object], None]
) -> Iterator[None]:
    """Within it, `hear` is told each module's name and what it returns."""

    def listen(name: str, module: nn.Module) -> torch.utils.hooks.RemovableHandle:
        return module.register_forward_hook(lambda _, __, output: hear(name, output))

    handles = [listen(name, module) for name, module in modules.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def find_values(network: nn.Module, wanted: Sequence[str], image: Tensor) -> dict[str, list[str]]:
    """The values that modules return, up to the last one that is wanted.

    Modules that are applied more than once name no value, and neither do
    convolutions that nobody asked for: a normalization that follows one can
    be folded into it only where nothing else looks at what is between.

    Parameters
    ----------
    network : nn.Module
        The network, in evaluation mode.
    wanted : sequence of str
        Names of modules.
    image : Tensor of float32, shape (1, 3, H, W)
        The network is run on it once.

    Returns
    -------
    dict of str to list of str
        For each value the names of all modules that return it, under one of
        them, a wanted one if there is one.

    Raises
    ------
    LayerNotFoundError
        If a name is no module's; the message names the closest ones.
    ExportError
        If the network does not run, or a wanted module is applied never, more
        than once, or returns something else than one tensor of numbers.
    """
    modules = dict(network.named_modules(remove_duplicate=False))
    del modules[""]
    _check_names(wanted, list(modules))
    heard = _run(network, modules, wanted, image)
    times = Counter(name for name, _, _ in heard)
    for name in wanted:
        _check_times(name, times[name])
    values: dict[tuple[int, int], list[str]] = {}
    last = max(place for place, (name, _, _) in enumerate(heard) if name in wanted)
    keys = {}
    for place, (name, output, version) in enumerate(heard):
        if times[name] > 1:
            continue
        if not isinstance(output, Tensor) or not output.is_floating_point():
            _check_unwanted(name, wanted, output)
            continue
        keys[name] = key = (id(output), version)
        if key in values or place <= last:
            values.setdefault(key, []).append(name)
    return values
