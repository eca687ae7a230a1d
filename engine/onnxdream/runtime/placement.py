"""Where the nodes of a step run."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from .. import kernels
from ..errors import GradientError
from ..graph import Graph
from ..lowering import step_graph
from ..preprocessing import Preprocessing
from .ascent import Ascent
from .providers import PROVIDERS, Backend
from .session import Session
from .spelling import Lowering

__all__ = ["Placed", "placement"]

_BLUR = 0.7


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
) -> list[Placed]:
    """Take one step, and read where its nodes ran off ONNX Runtime's own profile.

    Parameters
    ----------
    gradient, preprocessing, lowering, backend, threads
        What a `Stepper` takes.
    side : int
        The height, and width, of the picture, in pixels.

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
    graph = lowering.spell(step_graph(gradient, preprocessing))
    taps = kernels.gaussian(_BLUR)
    size = {} if backend.provider == "cpu" else {"H": side, "W": side, "taps": taps.size}
    picture = np.random.default_rng(0).random((side, side, 3), np.float32)
    with TemporaryDirectory() as folder:
        profile = Path(folder, "step")
        session = Session(graph, backend, threads, lowering.library, size, profile=profile)
        # Without a way up, the nodes have run all the same.
        with suppress(GradientError):
            Ascent(session, picture, taps).step((1, 2), 1.0)
        events = json.loads(Path(session.inner.end_profiling()).read_text("utf-8"))
    return [_placed(e) for e in events if e["cat"] == "Node" and "provider" in e.get("args", {})]


def _placed(event: dict[str, object]) -> Placed:
    told = event["args"]
    assert isinstance(told, dict)
    names = {theirs: ours for ours, theirs in PROVIDERS.items()}
    op, provider = str(told["op_name"]), str(told["provider"])
    where = "copy" if op.startswith("Memcpy") else names.get(provider, provider)
    return Placed(op, str(event["name"]).removesuffix("_kernel_time"), where)
