"""Reports as text in columns."""

from __future__ import annotations

from collections.abc import Sequence

from .report import Report, Result

__all__ = ["aligned", "machine_lines", "table"]

_HEAD = (
    *("network", "provider", "lowering", "precision", "threads", "size"),
    *("steps/s", "Mpx·steps/s", "step ms", "p10–p90", "network", "kernels", "rest", "MiB"),
)
_WORDS = 4

_LEGEND = """\
step ms: the median, its 10th and 90th percentile, and its parts: network, the gradient graph
alone; kernels, jitter, normalize, un-jitter, blur, ascend and the call; rest, what a step takes
beyond the two: less than nothing where a step is replayed as a CUDA graph ("graphs"), as the
network alone is not. MiB: the peak memory of a process that dreams, or what it takes of a GPU's."""


def table(report: Report) -> list[str]:
    """The lines of a report: a row a case, what it means, and what it was measured on."""
    rows = [_HEAD, *map(_row, report.results)]
    return [*aligned(rows, _WORDS), "", *_LEGEND.splitlines(), "", *machine_lines(report)]


def machine_lines(report: Report) -> list[str]:
    """What a report was measured on and with, in words."""
    machine = report.machine
    gpus = [f"{gpu.name} ({gpu.memory} MiB, driver {gpu.driver})" for gpu in machine.gpus]
    memory = [] if machine.memory is None else [f"{machine.memory / 2**30:.0f} GiB"]
    cores = f"{machine.cores} core" + "s" * (machine.cores > 1)
    versions = [f"{name} {version}" for name, version in machine.versions.items()]
    effort = "quick, " if report.quick else ""
    return [
        ", ".join([machine.cpu, cores, *memory, *gpus, machine.system]),
        ", ".join([*versions, f"{machine.kernels} kernels", f"operators: {machine.operators}"]),
        f"workload {report.workload}, {effort}{machine.date}",
    ]


def aligned(rows: Sequence[Sequence[str]], words: int) -> list[str]:
    """The lines of a table, two blanks between its columns.

    Parameters
    ----------
    rows : sequence of sequences of str
        Its cells.
    words : int
        How many columns hold words, which begin on the left; the others hold numbers.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = "<" * words + ">" * (len(widths) - words)
    return ["  ".join(map("{:{}{}}".format, row, sides, widths)).rstrip() for row in rows]


def _row(result: Result) -> tuple[str, ...]:
    case = result.case
    held = result.peak_memory if result.device_memory is None else result.device_memory
    low, high = result.spread
    step, *parts = (
        f"{1e3 * seconds:.1f}" for seconds in (1 / result.steps_per_second, *result.split)
    )
    return (
        case.network,
        case.place,
        case.lowering,
        f"{case.precision}, graphs" if case.graphs else case.precision,
        str(case.threads),
        str(case.size),
        f"{result.steps_per_second:.2f}",
        f"{result.megapixel_steps_per_second:.2f}",
        step,
        f"{1e3 * low:.1f}–{1e3 * high:.1f}",
        *parts,
        "?" if held is None else f"{held / 2**20:.0f}",
    )
