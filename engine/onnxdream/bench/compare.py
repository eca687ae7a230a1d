"""Reports side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..errors import BenchmarkError
from .report import Report, Result
from .table import aligned, machine_lines

__all__ = ["Column", "columns_of", "compare"]

_WORDS = 2
_ABSENT = "–"


class Column(NamedTuple):
    """What one report says of one way to run.

    Parameters
    ----------
    report : str
        What the report is called.
    way : str
        Provider, lowering, precision and threads.
    results : mapping of (str, str, int) to Result
        By network, layer and size.
    """

    report: str
    way: str
    results: Mapping[tuple[str, str, int], Result]


def columns_of(reports: Mapping[str, Report]) -> list[Column]:
    """Sort results by the report that they are in and by the way that they were run."""
    found: dict[tuple[str, str], dict[tuple[str, str, int], Result]] = {}
    for name, report in reports.items():
        for result in report.results:
            found.setdefault((name, result.case.way), {})[result.case.work] = result
    return [Column(*key, results) for key, results in found.items()]


def compare(reports: Mapping[str, Report]) -> list[str]:
    """The lines of a comparison, case by case.

    There is a column for every report and every way in which it ran the cases.
    The first says megapixel-steps a second, the others how many times as many.
    What else differs between the reports is said first.

    Parameters
    ----------
    reports : mapping of str to Report
        Each with what to call it. The first way of the first one is what the
        others are compared with.

    Raises
    ------
    BenchmarkError
        If there are no results.
    """
    columns = columns_of(reports)
    if not columns:
        raise BenchmarkError("There is nothing to compare: no file has results.")
    rows = [_head(len(columns))]
    for work in dict.fromkeys(work for column in columns for work in column.results):
        first, *others = (column.results.get(work) for column in columns)
        speed = _ABSENT if first is None else f"{first.megapixel_steps_per_second:.2f}"
        rows.append((*map(str, work), speed, *(_ratio(other, first) for other in others)))
    return [
        *_differences(reports),
        *aligned(rows, _WORDS),
        "",
        *(f"#{n} is {report}: {way}" for n, (report, way, _) in enumerate(columns, 1)),
        "",
        *(line for name, report in reports.items() for line in _described(name, report)),
    ]


def _head(columns: int) -> tuple[str, ...]:
    ratios = (f"#{n} / #1" for n in range(2, columns + 1))
    return ("network", "layer", "size", "#1 Mpx·steps/s", *ratios)


def _ratio(result: Result | None, first: Result | None) -> str:
    if result is None or first is None:
        return _ABSENT
    return f"{result.steps_per_second / first.steps_per_second:.2f}"


def _described(name: str, report: Report) -> list[str]:
    return [f"{name}:", *(f"  {line}" for line in machine_lines(report))]


def _differences(reports: Mapping[str, Report]) -> list[str]:
    """What makes the reports harder to compare, a sentence each, and a blank line."""
    said = {name: _facts(report) for name, report in reports.items()}
    lines = []
    for what in dict.fromkeys(fact for facts in said.values() for fact in facts):
        found = {name: facts.get(what, "unknown") for name, facts in said.items()}
        if len(set(found.values())) > 1:
            each = ", ".join(f"{value} in {name}" for name, value in found.items())
            lines.append(f"Not the same {what}: {each}.")
    if len({report.workload for report in reports.values()}) > 1:
        lines.insert(0, "THE WORKLOADS DIFFER: these ratios compare different work.")
    return [*lines, ""] if lines else []


def _facts(report: Report) -> dict[str, str]:
    machine = report.machine
    return {
        "workload": str(report.workload),
        "effort": "quick" if report.quick else "full",
        **machine.versions,
        "kernels": machine.kernels,
        "operators": machine.operators,
    }
