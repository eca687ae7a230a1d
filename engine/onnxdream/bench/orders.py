"""What a benchmark and the process that measures a case for it say to each other."""

from __future__ import annotations

from msgspec import Struct

from .report import Result
from .workload import Case, Effort

__all__ = ["Answer", "Order"]


class Order(Struct, frozen=True):
    """What is to be measured.

    Parameters
    ----------
    case : Case
        What to run.
    effort : Effort
        For how long.
    """

    case: Case
    effort: Effort


class Answer(Struct, frozen=True, omit_defaults=True):
    """What came of it: one of the two.

    Parameters
    ----------
    result : Result, optional
        What was measured.
    error : str, optional
        Why nothing was.
    """

    result: Result | None = None
    error: str | None = None
