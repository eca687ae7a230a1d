"""``onnxdream bench``: how fast it dreams here."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .command import Command

if TYPE_CHECKING:
    from ..bench import Case, Report

__all__ = ["COMMAND"]


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="measure less, in under a minute")
    parser.add_argument(
        "--json", metavar="FILE", help="write every sample, and what the machine is, to a file"
    )
    parser.add_argument(
        "--plot",
        metavar="FILE",
        help="draw throughput by size and provider, as .svg or .png; needs onnxdream[plot]",
    )
    parser.add_argument(
        "--compare",
        nargs="+",
        metavar="FILE",
        help="measure nothing, but compare files that --json wrote with the first of them",
    )
    cases = parser.add_argument_group("cases", "what is measured; lists have commas between")
    cases.add_argument(
        "--networks", type=_list(str), metavar="NAME,…", help="which networks (default: all)"
    )
    cases.add_argument(
        "--sizes",
        type=_list(int),
        metavar="N,…",
        help="heights, and widths, of the pictures in pixels (default: 224,512,1024, "
        "and 224,512 with --quick)",
    )
    cases.add_argument(
        "--provider",
        default="auto",
        metavar="auto|cpu|cuda",
        help="where to run (default: auto, which is cuda where ONNX Runtime has it)",
    )
    cases.add_argument(
        "--device", type=int, default=0, metavar="N", help="which GPU, from 0 (default: 0)"
    )
    cases.add_argument(
        "--lowering",
        type=_list(str),
        default=["auto"],
        metavar="auto|accelerated|portable,…",
        help="how the gradient graph is spelled (default: auto, the fastest that works)",
    )
    cases.add_argument(
        "--precision",
        type=_list(str),
        default=["fp32"],
        metavar="fp32|tf32|fp16,…",
        help="of weights and activations; tf32 is for GPUs only (default: fp32)",
    )
    cases.add_argument(
        "--cuda-graphs",
        type=_list(_switch),
        default=[True],
        metavar="on|off,…",
        help="whether steps are replayed as CUDA graphs, on a GPU (default: on)",
    )
    cases.add_argument(
        "--threads",
        type=_list(int),
        metavar="N,…",
        help="on how many threads, where that is the CPU (default: the cores that it may use)",
    )


def _run(options: Namespace) -> int:
    from .. import bench

    if options.compare is not None and options.json is not None:
        options.parser.error("--compare measures nothing that --json could hold")
    if options.plot is not None:
        bench.check_plot(options.plot)
    if options.json is not None:
        bench.check_target(options.json)
    if options.compare is not None:
        reports = _read(options.compare)
        lines = bench.compare(reports)
    else:
        report = _measured(options)
        reports = {"this machine": report}
        lines = bench.table(report)
        if options.json is not None:
            bench.write(report, options.json)
    for line in lines:
        print(line)
    if options.plot is not None:
        bench.plot(reports, options.plot)
    return 0


def _read(paths: list[str]) -> dict[str, Report]:
    """Read reports, each called by its file's name, which is nobody's secret."""
    from .. import bench

    reports: dict[str, Report] = {}
    for path in paths:
        name = Path(path).name
        same = sum(other.partition(" (")[0] == name for other in reports)
        reports[f"{name} ({same + 1})" if same else name] = bench.read(path)
    return reports


def _measured(options: Namespace) -> Report:
    """Measure, behind a bar on standard error."""
    from .. import bench
    from .bar import opened

    effort = bench.QUICK if options.quick else bench.FULL
    cases = bench.plan(
        networks=options.networks,
        sizes=options.sizes or effort.sizes,
        provider=options.provider,
        device=options.device,
        lowerings=options.lowering,
        threads=options.threads,
        precisions=options.precision,
        graphs=options.cuda_graphs,
    )
    form = "{n_fmt}/{total_fmt} |{bar}| {elapsed} elapsed, {desc}"
    bar = opened(total=len(cases), bar_format=form)

    def tell(done: int, case: Case | str) -> None:
        if bar is not None:
            bar.set_description_str(str(case), refresh=False)
            bar.update(done - bar.n)
            bar.refresh()

    with nullcontext() if bar is None else bar:
        report = bench.run(cases, options.quick, tell)
        tell(len(cases), "done")
    return report


def _list(kind: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    """Return what reads a list with commas between its elements."""

    def read(text: str) -> list[Any]:
        try:
            return [kind(part) for part in text.split(",")]
        except ValueError as error:
            raise ArgumentTypeError(f"{text!r} is not a list with commas between") from error

    return read


def _switch(text: str) -> bool:
    if text not in ("on", "off"):
        raise ValueError(text)
    return text == "on"


COMMAND = Command("Measure how fast it dreams here, or compare measurements", _run, _add_options)
