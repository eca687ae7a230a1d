"""The table of gradient rules, one per operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

__all__ = ["DIFFERENTIABLE", "STOPS", "Rule", "gradient_of"]

Rule = Callable[..., Sequence[str | None]]
"""``rule(tape, node, *gradients)``: the gradients of the node's outputs in, the
gradients of its inputs out. None, for an input, means that no gradient with
respect to it is known; inputs left off the end count as None."""

_RULES: dict[str, Rule] = {}

DIFFERENTIABLE: Mapping[str, Rule] = MappingProxyType(_RULES)
"""Every operator with a gradient rule."""

STOPS = frozenset(
    {"And", "ArgMax", "ArgMin", "Ceil", "Equal", "Floor", "Greater", "GreaterOrEqual", "IsInf"}
    | {"IsNaN", "Less", "LessOrEqual", "NonZero", "Not", "Or", "Round", "Shape", "Sign", "Size"}
    | {"Xor"}
)
"""Operators through which nothing flows back: what they make is flat or discrete."""


def gradient_of(*operators: str) -> Callable[[Rule], Rule]:
    """Enter a rule into the table, for operators that share it."""

    def enter(rule: Rule) -> Rule:
        for operator in operators:
            assert operator not in _RULES, f"{operator} has two rules"
            _RULES[operator] = rule
        return rule

    return enter
