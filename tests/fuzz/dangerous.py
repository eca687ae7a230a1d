"""A target that crashes and hangs, for the tests of the attack itself."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from random import Random

from .target import Outcome, Plan, Target

__all__ = ["TARGETS", "fate"]


def plan(random: Random) -> Plan:
    return {"number": random.random()}


def fate(plan: Plan) -> str:
    """What becomes of the worker."""
    return "crash" if plan["number"] < 0.2 else "hang" if plan["number"] > 0.9 else "done"


def attack(plan: Plan, folder: Path, content: bytes) -> Outcome:
    match fate(plan):
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "hang":
            while True:
                pass
    return Outcome("done")


TARGETS = {"dangerous": Target("what ends its worker", plan, attack, seconds=1)}
