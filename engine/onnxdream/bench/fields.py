"""JSON that others wrote, read field by field and within limits."""

from __future__ import annotations

import json
from typing import Any

from ..errors import BenchmarkError

__all__ = ["MOST_BYTES", "Fields", "parse"]

MOST_BYTES = 16 << 20
"""What is longer is not read."""

_MOST_CHARACTERS = 200
_MOST_OBJECTS = 2000
_MOST_SAMPLES = 10_000
_LONGEST = 1e5


class Fields:
    """One JSON object; each method returns the value of a field.

    All of them raise a `BenchmarkError` if the field is absent, of another
    type, or beyond its limits.

    Parameters
    ----------
    value : object
        What ``json.loads`` returned.
    where : str
        Where it was found, for messages.

    Raises
    ------
    BenchmarkError
        If it is no object.
    """

    def __init__(self, value: object, where: str) -> None:
        self._where = where
        if not isinstance(value, dict):
            raise self._error("is not an object")
        self._values: dict[str, Any] = value

    def text(self, name: str) -> str:
        """A string of one line."""
        value = self._values.get(name)
        if not isinstance(value, str) or not _is_short(value):
            raise self._error(f"has no short text {name!r}")
        return value

    def texts(self, name: str) -> dict[str, str]:
        """An object of which every field is a string of one line."""
        inner = self.object(name)
        if len(inner._values) > _MOST_OBJECTS or not all(map(_is_short, inner._values)):
            raise self._error(f"has too much in {name!r}")
        return {key: inner.text(key) for key in inner._values}

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._values.get(name)
        if not isinstance(value, bool):
            raise self._error(f"has no true or false {name!r}")
        return value

    def integer(self, name: str, low: int, high: int) -> int:
        """An integer from `low` to `high`."""
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self._error(f"has no integer {name!r} from {low} to {high}")
        return value

    def optional_integer(self, name: str, low: int, high: int) -> int | None:
        """The same, or None where the field is null."""
        if name in self._values and self._values[name] is None:
            return None
        return self.integer(name, low, high)

    def durations(self, name: str) -> tuple[float, ...]:
        """A list of numbers of seconds, at least one."""
        value = self._values.get(name)
        if not isinstance(value, list) or not 0 < len(value) <= _MOST_SAMPLES:
            raise self._error(f"has no list {name!r} of 1 to {_MOST_SAMPLES} numbers")
        if not all(map(_is_duration, value)):
            raise self._error(f"has something in {name!r} that is no number of seconds")
        return tuple(map(float, value))

    def object(self, name: str) -> Fields:
        """A nested object."""
        return Fields(self._values.get(name), f"{self._where}: {name}")

    def objects(self, name: str) -> list[Fields]:
        """A list of nested objects."""
        value = self._values.get(name)
        if not isinstance(value, list) or len(value) > _MOST_OBJECTS:
            raise self._error(f"has no list {name!r} of at most {_MOST_OBJECTS} objects")
        return [Fields(v, f"{self._where}: {name}[{k}]") for k, v in enumerate(value)]

    def _error(self, what: str) -> BenchmarkError:
        return BenchmarkError(f"{self._where} {what}: it is no result of `onnxdream bench`.")


def parse(content: str | bytes, where: str) -> Fields:
    """Parse a JSON object.

    Parameters
    ----------
    content : str or bytes
        JSON.
    where : str
        Where it was found, for messages.

    Raises
    ------
    BenchmarkError
        If it is none, or too long.
    """
    if len(content) > MOST_BYTES:
        raise BenchmarkError(f"{where} is larger than the {MOST_BYTES >> 20} MiB that are read.")
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BenchmarkError(f"{where} is not JSON: {error}.") from error
    return Fields(value, where)


def _is_short(value: str) -> bool:
    return len(value) <= _MOST_CHARACTERS and value.isprintable()


def _is_duration(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and 0 < value < _LONGEST
