"""The process that measures one case: told by its standard input, answers on its output."""

from __future__ import annotations

import sys
from typing import BinaryIO

import msgspec

from ..errors import OnnxdreamError
from .measure import measure
from .orders import Answer, Order
from .reading import decode

__all__ = ["answer"]


def answer(order: BinaryIO, reply: BinaryIO) -> None:
    """Measure what is ordered.

    Parameters
    ----------
    order : binary file
        An `Order` as JSON.
    reply : binary file
        Gets one line of JSON: an `Answer`.
    """
    try:
        told = decode(order.read(), Order, "the order")
        said = Answer(result=measure(told.case, told.effort))
    except OnnxdreamError as error:
        said = Answer(error=str(error))
    except MemoryError:
        said = Answer(error="there is not enough memory")
    reply.write(msgspec.json.encode(said) + b"\n")


if __name__ == "__main__":
    answer(sys.stdin.buffer, sys.stdout.buffer)
