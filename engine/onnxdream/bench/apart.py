"""Cases measured in processes of their own.

The peak of a process's memory only ever grows: in one process, the largest
case would hide those that come after it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence

import msgspec

from ..errors import BenchmarkError
from .fingerprint import fingerprint
from .orders import Answer, Order
from .reading import decode
from .report import Report, Result
from .workload import FULL, QUICK, WORKLOAD, Case, Effort

__all__ = ["measure_apart", "run"]


def run(
    cases: Sequence[Case],
    quick: bool = False,
    progress: Callable[[int, Case], None] | None = None,
) -> Report:
    """Measure cases one after the other, each in a process of its own.

    Parameters
    ----------
    cases : sequence of Case
        What to measure; see `plan`.
    quick : bool
        Whether to measure with less effort.
    progress : callable, optional
        Called before each case with how many are done, and with the case; what
        it raises ends the benchmark.

    Raises
    ------
    BenchmarkError
        If a case could not be measured.
    """
    effort = QUICK if quick else FULL
    results: list[Result] = []
    for case in cases:
        if progress is not None:
            progress(len(results), case)
        results.append(measure_apart(case, effort))
    return Report(WORKLOAD, quick, fingerprint(), results)


def measure_apart(case: Case, effort: Effort) -> Result:
    """Measure a case in a process of its own; see `measure`.

    Raises
    ------
    BenchmarkError
        If it could not be measured there.
    """
    order = msgspec.json.encode(Order(case, effort)).decode()
    # Without -P, whatever lies in the current folder could take a module's place.
    command = [sys.executable, "-P", "-m", "onnxdream.bench.child"]
    try:
        child = subprocess.run(
            command, input=order, capture_output=True, encoding="utf-8", errors="replace"
        )
    except OSError as error:
        raise BenchmarkError(f"Python cannot be started for a benchmark: {error}.") from error
    if child.returncode:
        raise _error(case, _why(child))
    # What a library might have written comes before.
    said = decode((child.stdout.splitlines() or [""])[-1], Answer, f"What was said of {case}")
    if said.result is None:
        raise _error(case, said.error or "it did not say why")
    return said.result


def _why(child: subprocess.CompletedProcess[str]) -> str:
    """Why a process ended without an answer."""
    if child.returncode < 0:
        return f"signal {-child.returncode} ended it; if memory was short, leave out large --sizes"
    lines = child.stderr.strip().splitlines() or [f"it ended with code {child.returncode}"]
    return lines[-1]


def _error(case: Case, reason: str) -> BenchmarkError:
    return BenchmarkError(f"{case} could not be measured: {reason.removesuffix('.')}.")
