"""The compiled operators inside ONNX Runtime, called as no graph of ours calls them.

They read whatever shapes they are given; one that is not checked is read past its end.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import onnxruntime

from onnxdream import operators
from onnxdream.graph import DOMAIN, Graph, Node, Tensor, to_model
from running import quiet_options, session_of

from ..target import MIB, BrokenError, Outcome, Plan, Target
from ..valid_operators import OPERATORS

__all__ = ["TARGET", "feeds_of", "session_for"]

_KINDS = {"f": np.float32, "i": np.int64, "u": np.uint8, "h": np.float16, "d": np.float64}
_SIZES = (0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65)
_INTS = (
    -1,
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    15,
    16,
    17,
    64,
    1 << 19,
    1 << 20,
    (1 << 20) + 1,
    1 << 31,
    1 << 62,
    -(1 << 63),
)
_FLOATS = (0.0, -1.0, 1.0, float("inf"), float("-inf"), float("nan"), 1e38, 1e-40)
_NAMES = [
    "block",
    "kernel_shape",
    "strides",
    "pads",
    "dilations",
    "ceil_mode",
    "count_include_pad",
    "auto_pad",
    "low",
    "high",
    "channels",
    "size",
    "alpha",
    "beta",
    "bias",
    "mean",
    "std",
    "bgr",
    "gate_low",
    "gate_high",
    "expand_low",
    "expand_high",
    "storage_order",
]
_VALUES = ("normal", "normal", "normal", "ties", "zero", "nan", "inf", "large")
_MOST = 1 << 22
"""The most numbers in a tensor: what is larger tells nothing new, and takes long."""

_WIDEST, _TAKEN = 4096, 1 << 20
"""Pads that operators take, but of which they make gigabytes, as they are asked to."""


def plan(random: Random) -> Plan:
    op = random.choice(list(OPERATORS))
    call = OPERATORS[op](random)
    inputs = [None if each is None else [each[0], list(each[1])] for each in call.inputs]
    drawn: Plan = {
        "op": op,
        "inputs": inputs,
        "attributes": dict(call.attributes),
        "outputs": call.outputs,
        "values": random.choice(_VALUES),
        "seed": random.getrandbits(32),
        "constant": random.random() < 0.3,
        "same": random.random() < 0.1,
    }
    for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
        random.choice((_shapes, _shapes, _shapes, _attributes, _attributes, _arity))(drawn, random)
    return drawn


def _shapes(drawn: Plan, random: Random) -> None:
    """Change the shape of one tensor."""
    tensors = [each for each in drawn["inputs"] if each is not None]
    if not tensors:
        return
    tensor = random.choice(tensors)
    shape = tensor[1]
    match random.randrange(8):
        case 0 | 1 | 2 if shape:
            axis = random.randrange(len(shape))
            shape[axis] = max(0, shape[axis] + random.choice((-1, 1, -1, 1, 8, -8, 16)))
        case 3 | 4 if shape:
            shape[random.randrange(len(shape))] = random.choice(_SIZES)
        case 5:
            if shape and random.random() < 0.5:
                shape.pop(random.randrange(len(shape)))
            else:
                shape.insert(random.randint(0, len(shape)), random.choice((1, 1, 2)))
        case 6:
            # Nothing at all, but of immense extent.
            tensor[1] = [random.choice((0, 1, 1 << 20, 1 << 31, 1 << 40)) for _ in shape] + [0]
            random.shuffle(tensor[1])
            tensor[1] = tensor[1][1:] if random.random() < 0.7 else tensor[1]
        case _:
            tensor[0] = random.choice(list(_KINDS))


def _attributes(drawn: Plan, random: Random) -> None:
    attributes = drawn["attributes"]
    if attributes and random.random() < 0.3:
        del attributes[random.choice(list(attributes))]
        return
    name = random.choice((*attributes, *attributes, *_NAMES))
    value = attributes.get(name)
    if isinstance(value, list) and value and random.random() < 0.8:
        value = list(value)
        if random.random() < 0.2:
            value.append(1)
        else:
            odd = _FLOATS if isinstance(value[0], float) else _INTS
            value[random.randrange(len(value))] = random.choice(odd)
    else:
        value = random.choice(
            (
                random.choice(_INTS),
                random.choice(_INTS),
                random.choice(_FLOATS),
                random.choice(("SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET", "", "x" * 400)),
                random.choices(_INTS, k=random.choice((1, 2, 4))),
                random.choices((0, 1, 2, 3), k=random.choice((2, 4))),
            )
        )
    attributes[name] = value


def _arity(drawn: Plan, random: Random) -> None:
    """Leave out or repeat an input, or ask for more outputs or fewer."""
    inputs = drawn["inputs"]
    match random.randrange(5):
        case 0 if inputs:
            inputs.pop(random.randrange(len(inputs)))
        case 1 if inputs:
            inputs[random.randrange(len(inputs))] = None
        case 2 if inputs:
            inputs.append(random.choice(inputs))
        case 3 if inputs:
            random.shuffle(inputs)
        case _:
            drawn["outputs"] = random.choice(("f", "ff", "fff", "fuu", "fu", "fuuu"))


def attack(plan: Plan, folder: Path, content: bytes) -> Outcome:
    kinds = {each[0] for each in plan["inputs"] if each is not None}
    if any(_count(each[1]) > _MOST for each in plan["inputs"] if each is not None) or not kinds:
        return Outcome("too large to try")
    pads = plan["attributes"].get("pads")
    if isinstance(pads, list) and any(_WIDEST < pad <= _TAKEN for pad in pads):
        return Outcome("too large to try")
    made: dict[str, list[np.ndarray]] = {}
    refused = ""
    for variant, library in operators.libraries().items():
        runs = []
        for threads in (1, 3):
            try:
                runs.append(_run(plan, library, threads))
            except Exception as error:  # noqa: BLE001 - ONNX Runtime's have no root of their own
                refused = type(error).__name__
        if len(runs) == 2:
            for one, other in zip(*runs, strict=True):
                if one.tobytes() != other.tobytes():
                    raise BrokenError("disagreement", f"{variant} differs by the number of threads")
            made[variant] = runs[0]
        elif runs:
            raise BrokenError(
                "disagreement", f"{variant} refuses on some numbers of threads: {refused}"
            )
    if made and refused:
        raise BrokenError("disagreement", f"only {', '.join(made)} take it: {refused}")
    if plan["values"] in ("normal", "ties") and not _odd(plan["attributes"]):
        _compare(plan["op"], made)
    return Outcome("made" if made else f"refused: {refused}")


def _odd(attributes: dict[str, Any]) -> bool:
    numbers = [n for v in attributes.values() for n in (v if isinstance(v, list) else [v])]
    return not all(isinstance(n, str) or abs(n) < 1e3 for n in numbers)


def _compare(op: str, made: dict[str, list[np.ndarray]]) -> None:
    for (one, these), (other, those) in pairwise(made.items()):
        for x, y in zip(these, those, strict=True):
            if x.dtype != np.float32:
                continue  # marks of activations that are zero but for rounding
            x, y = x.astype(float), y.astype(float)
            if not np.isfinite(x).all() and not np.isfinite(y).all():
                continue
            far = np.linalg.norm(x - y) if x.shape == y.shape else np.inf
            if not far <= 1e-2 * np.linalg.norm(x) + 1e-6:
                raise BrokenError("disagreement", f"{op}: {one} and {other} are {far:.3g} apart")


def _count(shape: list[int]) -> int:
    return int(np.prod([float(size) for size in shape]))


def _filled(kind: str, shape: list[int], values: str, random: np.random.Generator) -> np.ndarray:
    if kind in "iu":
        return random.integers(-60 if kind == "i" else 0, 200, shape).astype(_KINDS[kind])
    made = random.normal(size=shape)
    match values:
        case "ties":
            made = np.round(made * 2) / 2
        case "zero":
            made = np.zeros(shape)
        case "nan" | "inf" | "large":
            odd = {"nan": np.nan, "inf": np.inf, "large": 3e38}[values]
            made = np.where(random.random(shape) < 0.1, odd * np.sign(made), made)
    with np.errstate(over="ignore"):
        return np.asarray(made, _KINDS[kind])


def feeds_of(plan: Plan) -> dict[str, np.ndarray]:
    """The tensors of a call, by the names of a session's inputs."""
    random = np.random.default_rng(plan["seed"])
    return {
        f"x{k}": _filled(*each, plan["values"], random)
        for k, each in enumerate(plan["inputs"])
        if each is not None
    }


def session_for(
    plan: Plan, arrays: dict[str, np.ndarray], library: str, threads: int
) -> onnxruntime.InferenceSession:
    """The operator between negations, so that it may work in place."""
    signed = {name for name, x in arrays.items() if x.dtype != np.uint8}
    names = [
        "" if each is None else f"-x{k}" if f"x{k}" in signed else f"x{k}"
        for k, each in enumerate(plan["inputs"])
    ]
    if plan["same"]:
        names[1:2] = names[:1] if len(names) > 1 else []
    made = [f"y{k}" for k in range(len(plan["outputs"]))]
    nodes = [Node("Neg", [name], [f"-{name}"]) for name in arrays if name in signed]
    nodes.append(Node(plan["op"], names, made, plan["attributes"], DOMAIN))
    constants = {name: arrays[name] for name in _constants(plan, arrays)}
    inputs = {
        name: Tensor(x.dtype, tuple(f"of {size}" for size in x.shape))
        for name, x in arrays.items()
        if name not in constants
    }
    kinds = {"f": np.dtype(np.float32), "u": np.dtype(np.uint8)}
    outputs = {
        name: Tensor(kinds[kind], None) for name, kind in zip(made, plan["outputs"], strict=True)
    }

    def options() -> onnxruntime.SessionOptions:
        # Without an arena, so that a sanitizer sees where each tensor ends.
        told = quiet_options()
        told.intra_op_num_threads = threads
        told.enable_cpu_mem_arena = False
        told.register_custom_ops_library(library)
        return told

    return session_of(to_model(Graph(nodes, constants, inputs, outputs)), options)


def _constants(plan: Plan, arrays: dict[str, np.ndarray]) -> list[str]:
    """Weights are constants in our own graphs."""
    return [name for name, x in arrays.items() if plan["constant"] and x.ndim == 4]


def _run(plan: Plan, library: str, threads: int) -> list[np.ndarray]:
    arrays = feeds_of(plan)
    session = session_for(plan, arrays, library, threads)
    fed = set(arrays) - set(_constants(plan, arrays))
    found: list[np.ndarray] = session.run(None, {name: arrays[name] for name in fed})
    return found


TARGET = Target("our operators inside ONNX Runtime", plan, attack, memory=1024 * MIB)
