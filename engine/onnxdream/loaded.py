"""A network on a machine: its graphs and sessions, each loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

from .demand import activation_bytes
from .errors import BackendError
from .gradient import gradient_graph
from .graph import Graph
from .network import Network
from .recipe import Recipe
from .runtime import (
    Machine,
    Placed,
    Session,
    Sessions,
    Stepper,
    choose,
    lowering_for,
    placement,
    settled,
    usable_cores,
)

__all__ = ["Loaded"]

_Layers = tuple[str, ...]


class Loaded:
    """What is loaded of a network; several threads may ask for it at once.

    Parameters
    ----------
    network : Network
        The network.
    machine : Machine
        Where it runs, and how.

    Raises
    ------
    BackendError
        If ONNX Runtime or the provider is missing, or does not know the
        lowering or the precision.
    """

    def __init__(self, network: Network, machine: Machine) -> None:
        self.network, self.machine = network, machine
        self.threads = machine.threads or usable_cores()
        self._backend = settled(choose(machine))
        self._lowering = lowering_for(self._backend, machine.lowering)
        self._lock = Lock()
        self._closed = False
        self._graphs: dict[_Layers, Graph] = {}
        self._steppers: dict[tuple[_Layers, tuple[str, ...]], Stepper] = {}
        self._sessions: dict[_Layers, Sessions] = {}
        self._bytes: dict[_Layers, float] = {}

    @property
    def provider(self) -> str:
        """Where it runs."""
        return self._backend.provider

    @property
    def lowering(self) -> str:
        """How its graphs are spelled."""
        return self._lowering.name

    @property
    def precision(self) -> str:
        """Of weights and activations."""
        return self._backend.precision

    def close(self) -> None:
        """Let go of everything; what is in use elsewhere lives on until it is not."""
        with self._lock:
            self._closed = True
            self._graphs, self._steppers, self._sessions = {}, {}, {}

    def graph(self, layers: Mapping[str, float]) -> Graph:
        """The gradient graph of some layers, whose weights are inputs."""
        names = tuple(layers)
        if names not in self._graphs:
            half = self._backend.precision == "fp16"
            self._graphs[names] = gradient_graph(self.network.graph, layers, half)
        return self._graphs[names]

    def stepper(self, layers: Mapping[str, float], parts: tuple[str, ...]) -> Stepper:
        """What steps up these layers."""
        key = tuple(layers), parts
        with self._lock:
            self._check_open()
            if key not in self._steppers:
                stepper = Stepper(
                    self.graph(layers),
                    self.network.preprocessing,
                    self._lowering,
                    self._backend,
                    self.threads,
                    parts,
                    key[0],
                )
                # It may have been refused, and another have taken its place.
                self._lowering = stepper.lowering
                self._steppers[key] = stepper
            return self._steppers[key]

    def session(self, layers: Mapping[str, float], height: int, width: int) -> Session:
        """What runs the gradient graph, without a step around it, on images of a size."""
        names = tuple(layers)
        with self._lock:
            self._check_open()
            if names not in self._sessions:
                self._lowering, self._sessions[names] = self._lowering.loaded(
                    self.graph(layers), self._backend, self.threads
                )
            sessions = self._sessions[names]
        return sessions.at(height, width)

    def step_bytes(self, layers: Mapping[str, float]) -> float:
        """About how many bytes a step takes for each pixel of an image.

        What a GPU has is not this process's to count: 0 there.
        """
        names = tuple(layers)
        if self.provider != "cpu":
            return 0.0
        if names not in self._bytes:
            self._bytes[names] = activation_bytes(self.network.graph, layers, self.lowering)
        return self._bytes[names]

    def placement(self, layers: Mapping[str, float], side: int, recipe: Recipe) -> list[Placed]:
        """Where each node of a step runs; it takes a step on noise of so many pixels to see."""
        return placement(
            self.graph(layers),
            self.network.preprocessing,
            self._lowering,
            self._backend,
            self.threads,
            side,
            recipe,
        )

    def _check_open(self) -> None:
        if self._closed:
            raise BackendError("The Dreamer is closed.")
