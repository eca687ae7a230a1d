"""Damaged networks: loaded, looked into, differentiated in both lowerings, and dreamt with."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np

from onnxdream import Dreamer, Machine, Network, OnnxdreamError, load

from .. import damage as bytes_damage
from ..damage import damaged, seeds
from ..network_damage import damage
from ..target import MIB, BrokenError, Outcome, Plan, Target, check_finite
from ..valid_networks import NETWORKS, network

__all__ = ["TARGET"]

_LOWERINGS = ("portable", "accelerated")
_LARGEST = 160
"""The largest least size with which anything is computed."""

_EDGE = 1e18
"""Squares of larger numbers are infinite in float32."""

_TOLERANCE = 2e-2
"""How far the lowerings' gradients may be apart, as a part of their length. Damaged networks
have activations that are zero but for rounding, and there the gradients jump."""


def plan(random: Random) -> Plan:
    drawn: Plan = {
        "of": random.choice(list(NETWORKS)),
        "damage": seeds(random, 3),
        "layer": random.random(),
        "values": random.getrandbits(32),
    }
    if random.random() < 0.12:
        drawn["bytes"] = seeds(random, 3)
        drawn["damage"] = drawn["damage"][: random.randint(0, 1)]
    return drawn


def build(plan: Plan) -> bytes:
    model = damage(network(plan["of"]), plan["damage"])
    return damaged(model.SerializeToString(), plan.get("bytes", ()), bytes_damage.DAMAGES)


def attack(plan: Plan, folder: Path, content: bytes) -> Outcome:
    (folder / "weights").write_bytes(bytes(4096))
    found = load(folder / "content")
    layers = [layer.name for layer in found.layers]
    layer: str | None = None
    if not found.default_layers or plan["layer"] < 0.7:
        if not layers:
            return Outcome("no layers")
        # The last as often as all others.
        layer = layers[min(int(plan["layer"] * 2 * len(layers)), len(layers) - 1)]
    least = found.least_size(list(found.weights(layer)))
    if least > _LARGEST:
        return Outcome("large")
    random = np.random.default_rng(plan["values"])
    sizes = [(least + 7, least + 12), (least, least + 1)]
    pictures = [random.random((*size, 3), np.float32) for size in sizes]
    return Outcome(" and ".join(_in_each(found, layer, pictures)))


def _in_each(network: Network, layer: str | None, pictures: list[np.ndarray]) -> list[str]:
    """Compute with both lowerings, and compare; an error of one is none of the other's."""
    made: dict[str, list[tuple[float, np.ndarray]]] = {}
    refused: dict[str, OnnxdreamError] = {}
    for lowering in _LOWERINGS:
        try:
            made[lowering] = _computed(network, layer, lowering, pictures)
        except OnnxdreamError as error:
            refused[lowering] = error
    if not made:
        raise refused[_LOWERINGS[0]]
    compared = len(made) > 1 and not _on_the_edge(network)
    for (one, g), (other, h) in zip(*made.values(), strict=True) if compared else ():
        lengths = np.linalg.norm(g.astype(float)), np.linalg.norm(h.astype(float))
        apart = np.linalg.norm(g.astype(float) - h)
        if abs(one - other) > 1e-3 * max(abs(one), abs(other)) + 1e-30:
            raise BrokenError("disagreement", f"the losses are {one} and {other}")
        if apart > _TOLERANCE * max(lengths) + 1e-30:
            raise BrokenError(
                "disagreement",
                f"gradients of lengths {lengths[0]:.3g} and {lengths[1]:.3g}, "
                f"{apart / max(lengths):.3g} of that apart",
            )
    found = [f"{lowering} alone" for lowering in made if refused]
    return found or ["gradients"]


def _on_the_edge(network: Network) -> bool:
    """Whether it has numbers so large that what is made of them depends on their order."""
    numbers = [v for node in network.graph.nodes for v in node.attributes.values()]
    numbers = [v for v in numbers if isinstance(v, float | np.ndarray)]
    values = [*numbers, *network.graph.constants.values()]
    floats = [v for v in map(np.asarray, values) if v.dtype.kind == "f" and v.size]
    return any(not (np.abs(v.astype(np.float64)) < _EDGE).all() for v in floats)


def _computed(
    network: Network, layer: str | None, lowering: str, pictures: list[np.ndarray]
) -> list[tuple[float, np.ndarray]]:
    with Dreamer(network, layer, machine=Machine("cpu", threads=1, lowering=lowering)) as dreamer:
        found = [dreamer.gradient(picture) for picture in pictures]
        for loss, gradient in found:
            check_finite(f"The gradient, {lowering},", loss, gradient)
        try:
            dreamt = dreamer.dream_array(pictures[0], octaves=2, steps=1, jitter=3)
        except OnnxdreamError:
            # Where the gradient is zero there is no way up, and it is no fault to say so.
            return found
        check_finite(f"A dream, {lowering},", dreamt)
        if dreamt.shape != pictures[0].shape or dreamt.min() < 0 or dreamt.max() > 1:
            raise BrokenError(
                "promise", f"a dream of {dreamt.shape}, {dreamt.min()} to {dreamt.max()}"
            )
        return found


TARGET = Target("damaged networks", plan, attack, build, memory=1536 * MIB)
