"""Where the nodes of a step run."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ..errors import GradientError
from ..graph import Graph
from ..preprocessing import Preprocessing
from ..recipe import Recipe
from ..step import parts_of, step_graph, values_of
from .ascent import Ascent
from .machine import PROVIDERS
from .providers import Backend
from .session import Session
from .spelling import Lowering
from .stepper import extents_of

__all__ = ["Placed", "placement"]


@dataclass(frozen=True)
class Placed:
    """A node of a step, and where it ran.

    Parameters
    ----------
    op : str
        The operator.
    name : str
        The name that the node has in ONNX Runtime.
    provider : str
        ``"cpu"`` or ``"cuda"``, or ``"copy"`` for what only carries a tensor
        from one to the other.
    """

    op: str
    name: str
    provider: str


def placement(
    gradient: Graph,
    preprocessing: Preprocessing,
    lowering: Lowering,
    backend: Backend,
    threads: int,
    side: int,
    recipe: Recipe,
) -> list[Placed]:
    """Take one step, and read where its nodes ran off ONNX Runtime's own profile.

    Parameters
    ----------
    gradient, preprocessing, lowering, backend, threads
        What a `Stepper` takes.
    side : int
        The height, and width, of the picture, in pixels.
    recipe : Recipe
        What the step is made of.

    Returns
    -------
    list of Placed
        What was left to run after ONNX Runtime had folded and fused the
        graph, in the order in which it ran.

    Raises
    ------
    BackendError
        If the step cannot be loaded, or fails.
    """
    parts = parts_of(recipe)
    values = values_of(recipe, parts)
    graph = step_graph(gradient, preprocessing, parts)
    size: dict[str, int] = {}
    if backend.provider != "cpu":
        size = {"H": side, "W": side, **extents_of(graph.inputs, values)}
    picture = np.random.default_rng(0).random((side, side, 3), np.float32)
    with TemporaryDirectory() as folder:
        profile = Path(folder, "step")
        session = Session(
            lowering.spell(graph), backend, threads, lowering.library, size, profile=profile
        )
        # Without a way up, the nodes have run all the same.
        with suppress(GradientError):
            Ascent(session, picture, values).step((1, 2), 1.0)
        events = json.loads(Path(session.inner.end_profiling()).read_text("utf-8"))
    return [_placed(e) for e in events if e["cat"] == "Node" and "provider" in e.get("args", {})]


def _placed(event: dict[str, object]) -> Placed:
    told = event["args"]
    assert isinstance(told, dict)
    names = {theirs: ours for ours, theirs in PROVIDERS.items()}
    op, provider = str(told["op_name"]), str(told["provider"])
    where = "copy" if op.startswith("Memcpy") else names.get(provider, provider)
    return Placed(op, str(event["name"]).removesuffix("_kernel_time"), where)
