"""Values that nobody expects, as JSON spells them and in types that it does not have."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np

__all__ = ["JSON", "odd", "odd_json", "value_of"]

JSON: tuple[Any, ...] = (
    *[None, True, False, 0, 1, -1, 2, 3, 7, 64, 65, 255, 1024, 100_000, 100_001, 1 << 31, 1 << 63],
    *[-(1 << 63), 10**30, 10**400, 0.0, -0.0, 0.5, 1.01, 1.4, 1e-7, 1e-320, 1e308, float("inf")],
    *[
        float("-inf"),
        float("nan"),
        "",
        "1",
        "bilinear",
        "area",
        "RGB",
        "BGR",
        "x" * 5000,
        "\0",
        "\n",
    ],
    *["\ud800", "é×", [], [1], [0.1, 0.2, 0.3], [1, 2, 3, 4], ["a"], [[1, 2, 3]], [None] * 3, {}],
    *[{"a": 1}, {"second": 1.0}, {"": ""}, [float("nan")] * 3, [1e308] * 3, [0, 255], [255, 0]],
)
"""What JSON can spell, as Python reads it."""


_TYPES: dict[str, Any] = {
    "fraction": Fraction(3, 2),
    "decimal": Decimal("1.5"),
    "decimal nan": Decimal("sNaN"),
    "complex": 1j,
    "bytes": b"x",
    "tuple": (1, 2, 3),
    "set": {1},
    "int64": np.int64(3),
    "uint8": np.uint8(3),
    "float32": np.float32(0.7),
    "float16 nan": np.float16("nan"),
    "bool_": np.bool_(True),
    "array": np.zeros(3),
    "array of one": np.array(2),
    "datetime": np.datetime64("NaT"),
    "str_": np.str_("area"),
    "object": object(),
    "type": int,
    "range": range(3),
}


def odd_json(random: Random) -> Any:
    """A value that JSON can spell, or two of them in one."""
    value = random.choice(JSON)
    match random.randrange(12):
        case 0:
            return [value, random.choice(JSON)]
        case 1:
            return {str(random.choice(JSON)): value}
        case 2:
            return random.randint(-5, 2000)
        case 3:
            return random.uniform(-1, 20)
    return value


def odd(random: Random) -> dict[str, Any]:
    """A value of any kind, spelled so that a plan can hold it; see `value_of`."""
    if random.random() < 0.35:
        return {"type": random.choice(list(_TYPES))}
    return {"json": json.dumps(odd_json(random))}


def value_of(spelled: dict[str, Any]) -> Any:
    """The value that `odd` spelled."""
    return _TYPES[spelled["type"]] if "type" in spelled else json.loads(spelled["json"])
