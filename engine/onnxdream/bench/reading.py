"""JSON that others wrote, read within limits: the types say what a field may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from ..errors import BenchmarkError

__all__ = [
    "MOST_BYTES",
    "MOST_RECORDS",
    "Line",
    "Natural",
    "Positive",
    "Samples",
    "Threads",
    "decode",
]

MOST_BYTES = 16 << 20
"""What is longer is not read."""

MOST_RECORDS = 2000
"""So many results, GPUs or versions are read of one report."""

_LARGEST = 1 << 50

Line = Annotated[str, Meta(max_length=200)]
"""A text; `decode` sees to it that it can be printed on one line."""

Natural = Annotated[int, Meta(ge=0, le=_LARGEST)]
"""An amount, or the number of a version."""

Positive = Annotated[int, Meta(ge=1, le=_LARGEST)]
"""A size in pixels."""

Threads = Annotated[int, Meta(ge=1, le=1 << 16)]
"""A number of threads, or of the cores for them."""

Samples = Annotated[
    Sequence[Annotated[float, Meta(gt=0, lt=1e5)]], Meta(min_length=1, max_length=10_000)
]
"""Durations in seconds."""

_T = TypeVar("_T")


def decode(content: bytes | str, kind: type[_T], where: str) -> _T:
    """Read a record. What it does not know it passes over: a later version may have added it.

    Parameters
    ----------
    content : bytes or str
        JSON.
    kind : type
        The record, a Struct.
    where : str
        Where it was found, for messages.

    Raises
    ------
    BenchmarkError
        If it is too long, no JSON, or no such record; the message names the field.
    """
    if len(content) > MOST_BYTES:
        raise BenchmarkError(f"{where} is larger than the {MOST_BYTES >> 20} MiB that are read.")
    try:
        found = msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise _error(where, str(error).removesuffix(".")) from error
    for place, text in _texts(found, "$"):
        if not text.isprintable():
            raise _error(where, f"Expected text of one line - at `{place}`")
    return found


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every text in a record, and where it is."""
    match value:
        case str():
            yield place, value
        case msgspec.Struct():
            for name in value.__struct_fields__:
                yield from _texts(getattr(value, name), f"{place}.{name}")
        case Mapping():
            for name, inner in value.items():
                yield f"{place}[...]", name
                yield from _texts(inner, f"{place}[...]")
        case list() | tuple():
            for k, inner in enumerate(value):
                yield from _texts(inner, f"{place}[{k}]")


def _error(where: str, reason: str) -> BenchmarkError:
    return BenchmarkError(f"{where} is no result of `onnxdream bench`: {reason}.")
