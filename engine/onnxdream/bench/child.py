"""The process that measures one case: told by its standard input, answers on its output."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any, TextIO

from ..errors import OnnxdreamError
from .measure import measure
from .workload import Case, Effort

__all__ = ["answer"]


def answer(order: TextIO, reply: TextIO) -> None:
    """Measure what is ordered.

    Parameters
    ----------
    order : text file
        JSON: a ``case`` and an ``effort``.
    reply : text file
        Gets one line of JSON: the ``result``, or an ``error``.
    """
    told = json.load(order)
    try:
        result = measure(Case(**told["case"]), Effort(**told["effort"]))
    except OnnxdreamError as error:
        said: dict[str, Any] = {"error": str(error)}
    except MemoryError:
        said = {"error": "there is not enough memory"}
    else:
        said = {"result": asdict(result)}
    reply.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    answer(sys.stdin, sys.stdout)
