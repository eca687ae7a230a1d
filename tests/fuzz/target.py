"""What a target is, and how it says that something is wrong."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["MIB", "BrokenError", "Outcome", "Plan", "Target", "check_finite", "random_of"]

MIB = 1 << 20

Plan = dict[str, Any]
"""A case, as JSON spells it. What ``damage`` lists may be left out for a smaller one."""


class BrokenError(Exception):
    """A promise was broken.

    Parameters
    ----------
    kind : str
        In what way, as the tables count it.
    what : str
        What happened.
    """

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(what)
        self.kind = kind


@dataclass(frozen=True)
class Outcome:
    """What came of a case that is as it should be.

    Parameters
    ----------
    label : str
        In a word or two, for the tables.
    allowance : int
        The bytes of memory that it may well have taken beyond the target's own limit.
    """

    label: str
    allowance: int = 0


@dataclass(frozen=True)
class Target:
    """One way into the engine.

    Parameters
    ----------
    summary : str
        What is attacked, in a line.
    plan : callable
        Draws a case from a random generator.
    attack : callable
        Runs a case in an empty folder. It takes the plan, the folder, and the content
        that `build` made, and returns what came of it. An error of the one tree is an
        outcome, too; whatever else it raises is a finding.
    build : callable, optional
        Makes the file of a case. It is kept with a finding, so that this can be
        replayed whatever becomes of the code that made it.
    memory : int
        The most bytes that a case may take, as far as it is not allowed more.
    seconds : float
        After so long on a processor it hangs, or after five times as long in all.
    """

    summary: str
    plan: Callable[[random.Random], Plan]
    attack: Callable[[Plan, Path, bytes], Outcome]
    build: Callable[[Plan], bytes] | None = None
    memory: int = 1024 * MIB
    seconds: float = 30


def random_of(*words: object) -> random.Random:
    """A random generator that depends on these words alone."""
    return random.Random("/".join(map(str, words)))


def check_finite(what: str, *arrays: np.ndarray | float) -> None:
    """Raise if any number is infinite or none at all."""
    for array in arrays:
        if not np.isfinite(array).all():
            raise BrokenError("not finite", f"{what} is not finite, and nobody said so")
