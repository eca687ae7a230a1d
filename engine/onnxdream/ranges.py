"""Numbers that users set, held within what is possible."""

from __future__ import annotations

import math
from collections.abc import Collection
from numbers import Integral, Real
from typing import Any

from .errors import RecipeError

__all__ = ["among", "number_within", "said", "whole_number_within"]

_LONGEST_SAID = 200


def said(value: object) -> str:
    """What a user gave, as messages show it: not for pages.

    Python itself refuses to write down a number of thousands of digits.
    """
    try:
        text = repr(value)
    except ValueError:
        return f"a {type(value).__name__} too long to be shown"
    return text if len(text) <= _LONGEST_SAID else f"{text[:_LONGEST_SAID]}…"


def among(value: object, choices: Collection[str]) -> bool:
    """Whether what a user gave is one of some strings, whatever else it may be."""
    return isinstance(value, str) and value in choices


def number_within(name: str, value: Any, low: float, high: float) -> float:
    """Return a number as a float, if it is one from low to high.

    Parameters
    ----------
    name : str
        What the number is, for the message; with its unit where it has one.
    value : number
        What the user gave; True and False are no numbers.
    low, high : float
        The least and the greatest that is possible.

    Raises
    ------
    RecipeError
        If it is something else, or beyond the range.
    """
    known = isinstance(value, Real) and not isinstance(value, bool)
    if not known:
        raise RecipeError(f"{name} must be a number, but is {said(value)}.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not low <= number <= high:
        raise RecipeError(f"{name} must be from {low:.7g} to {high:.7g}, but is {said(value)}.")
    return number


def whole_number_within(name: str, value: object, low: int, high: int) -> int:
    """Return a whole number as an int, which never overflows; see `number_within`."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise RecipeError(f"{name} must be a whole number, but is {said(value)}.")
    number = int(value)
    # Exact, where a float would be rounded into the range.
    if not low <= number <= high:
        raise RecipeError(f"{name} must be from {low:.7g} to {high:.7g}, but is {said(value)}.")
    return number
