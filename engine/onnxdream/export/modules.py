"""What the modules of a PyTorch network return."""

from __future__ import annotations

import difflib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ..errors import ExportError, LayerNotFoundError

__all__ = ["Tapped", "find_values"]

log = logging.getLogger(__name__)


class Tapped(nn.Module):  # type: ignore[misc]
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
        # The exporter puts the whole of a module into the mode of its outside.
        self.eval()

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """What the modules return for an image, in the order of the names."""
        found: dict[str, Tensor] = {}

        def keep(name: str, output: Tensor) -> None:
            # What follows may change the tensor in place, as many a ReLU does.
            found[name] = output.clone()
            if len(found) == len(self.names):
                raise _EnoughError

        try:
            with _listening(self.network, self.names, keep):
                self.network(image)
        except _EnoughError:
            pass
        return tuple(found[name] for name in self.names)


class _EnoughError(Exception):
    """Ends a run that has made all that is wanted."""


@contextmanager
def _listening(
    network: nn.Module, names: Iterable[str], hear: Callable[[str, Tensor], None]
) -> Iterator[None]:
    """Within it, `hear` is told what modules return, each time that they do."""

    def listen(name: str) -> torch.utils.hooks.RemovableHandle:
        module = network.get_submodule(name)
        return module.register_forward_hook(lambda _, __, output: hear(name, output))

    handles = [listen(name) for name in names]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def find_values(network: nn.Module, wanted: Sequence[str], image: Tensor) -> dict[str, list[str]]:
    """The values that modules return, up to the last one that is wanted.

    Modules that are applied more than once name no value. Nor do convolutions
    that nobody asked for: a normalization that follows one can be folded into
    it only where nothing else looks at what is between.

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
        For each value all modules that return it, under one of them: a wanted
        one, if there is one.

    Raises
    ------
    LayerNotFoundError
        If a name is no module's; the message names the closest ones.
    ExportError
        If the network does not run, or a wanted module is not applied, is
        applied more than once, or returns something else than a tensor.
    """
    modules = dict(network.named_modules(remove_duplicate=False))
    del modules[""]
    _check_names(wanted, modules)
    times, groups = _run(network, modules, wanted, image)
    for name in wanted:
        _check_value(name, times[name], any(name in group for group in groups))
    last = max(place for place, group in enumerate(groups) if not group.isdisjoint(wanted))
    values = {}
    for group in groups[: last + 1]:
        names = sorted((name for name in group if times[name] == 1), key=len)
        asked = [name for name in wanted if name in names]
        convolved = any(isinstance(modules[name], nn.modules.conv._ConvNd) for name in group)
        if asked or (names and not convolved):
            values[(asked or names)[0]] = names
    return values


def _run(
    network: nn.Module, names: Iterable[str], wanted: Sequence[str], image: Tensor
) -> tuple[Counter[str], list[set[str]]]:
    """How often each module is applied, and which of them return the same value."""
    times: Counter[str] = Counter()
    groups: dict[tuple[int, int], set[str]] = {}
    alive = []

    def hear(name: str, output: Tensor) -> None:
        times[name] += 1
        if isinstance(output, Tensor) and output.is_floating_point():
            # An operator that works in place makes another value of the same tensor.
            groups.setdefault((id(output), output._version), set()).add(name)
            alive.append(output)

    height, width = image.shape[2:]
    try:
        with torch.no_grad(), _listening(network, names, hear):
            network(image)
    except Exception as error:
        if not all(times[name] for name in wanted):
            raise ExportError(
                f"The network does not run on an image of {width}×{height}: {error} "
                "Is the least size larger?"
            ) from error
        log.info("Behind its layers the network stops at %d×%d: %s", width, height, error)
    return times, list(groups.values())


def _check_names(wanted: Sequence[str], modules: Iterable[str]) -> None:
    known = list(modules)
    for name in wanted:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=3, cutoff=0.3)
            raise LayerNotFoundError(
                f"The network has no module {name!r}. "
                + (f"The closest are {', '.join(close)}. " if close else "")
                + f"At its top it has {', '.join(m for m in known if '.' not in m)}."
            )


def _check_value(name: str, times: int, is_tensor: bool) -> None:
    if times == 0:
        raise ExportError(f"The module {name!r} is not applied to an image in evaluation mode.")
    if times > 1:
        raise ExportError(
            f"The module {name!r} is applied {times} times, so that its name means as many "
            "values. Name a module that is applied once, such as one that it is part of."
        )
    if not is_tensor:
        raise ExportError(
            f"The module {name!r} does not return a tensor of numbers. Name one that it has."
        )
