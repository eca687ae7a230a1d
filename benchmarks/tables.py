"""The performance section of the README, from committed results.

::

    python benchmarks/tables.py            # writes the section
    python benchmarks/tables.py --print    # shows it, and changes nothing

The section lies between two comments of the README. It has the tables of every
run, a folder of JSON files in benchmarks/results/ that `run` wrote; the same
files make the same section.
"""

from __future__ import annotations

import json
import math
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from onnxdream import bench
from parts import median

HOME = Path(__file__).resolve().parent
RESULTS = HOME / "results"
README = HOME.parent / "README.md"

BEGIN, END = "<!-- performance:begin -->", "<!-- performance:end -->"

ABSENT = "–"
LOWERINGS = ("accelerated", "portable")
"""The first of them that ran is what is compared with others."""

OURS = tuple(f"onnxdream {name}" for name in LOWERINGS)

EAGER, HALF = "PyTorch eager", "PyTorch bfloat16"
KERNELS, TWIN = "onnxdream, 2 threads", "NumPy twin"

Part = Mapping[str, Any]
Cells = Sequence[str]


def main() -> None:
    parser = ArgumentParser()
    parser.add_argument("--print", action="store_true", help="show the section, change nothing")
    options = parser.parse_args()
    text = section(sorted(path for path in RESULTS.iterdir() if path.is_dir()))
    if options.print:
        print(text)
    else:
        README.write_text(replaced(README.read_text("utf-8"), text), "utf-8")


def replaced(page: str, text: str) -> str:
    """Return a page with a new section between the two comments."""
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        sys.exit(f"The page must have {BEGIN} and {END}, once each.")
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}"


def section(runs: Iterable[Path]) -> str:
    """Return the tables of each run, and what it was taken on."""
    return "\n\n".join(run_section(run) for run in runs)


def run_section(run: Path) -> str:
    parts = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(run.glob("*.json"))}
    blocks = [block(parts[name]) for name, block in BLOCKS.items() if name in parts]
    if "bench" in parts:
        blocks.append(steps(bench.read(run / "bench.json")))
    return "\n\n".join([*blocks, footing(list(parts.values()))])


def gradients(part: Part) -> str:
    """Forward + input gradient, against PyTorch."""
    sides = list(dict.fromkeys(side for one in part["networks"] for side in one["seconds"]))
    compared = {
        "best float32": [s for s in sides if s not in (*OURS, HALF)],
        "eager": [EAGER],
        "bfloat16": [HALF],
    }
    rows = []
    for one in part["networks"]:
        times = {side: median(found) for side, found in one["seconds"].items()}
        ours = times[first_of(OURS, times)]
        ratios = [fastest(times, names) / ours for names in compared.values()]
        rows.append([one["title"], *milliseconds(times, sides), *map(factor, ratios)])
    size, rounds = part["size"], len(part["networks"][0]["seconds"][EAGER])
    return titled(
        f"Forward + input gradient, {size}×{size}, milliseconds",
        [["network → layer", *sides, *(f"against {name}" for name in compared)], *rows],
        f"The median of {rounds} rounds in which all sides took turns, {part['threads']} threads "
        "each, after their gradients were compared. *Against* says how many times as long "
        "PyTorch takes: below 1 it is the faster. All but the bfloat16 column is float32.",
    )


def floors(part: Part) -> str:
    """What is left above the convolutions."""
    rows = []
    for one in part["networks"]:
        spent = one["profiles"][first_of(LOWERINGS, one["profiles"])]
        share = f"{100 * spent['convolutions'] / spent['all']:.0f} %"
        least = 1e3 * one["operations"] / part["gemm_peak"]
        times = map(tenths, (spent["all"], spent["convolutions"]))
        rows.append([one["title"], *times, share, tenths(least)])
    head = ["network → layer", "all operators", "its convolutions", "share", "at the GEMM peak"]
    return titled(
        f"What is left, {part['size']}×{part['size']}, milliseconds",
        [head, *rows],
        "By ONNX Runtime's profile, which slows a run a little. Its convolutions: all operators "
        "that convolve, with the gates and sums that they take along. At the GEMM peak: the "
        "arithmetic of convolutions by their definition, forward and back, at the "
        f"{part['gemm_peak'] / 1e9:.0f} GFLOP/s that {part['threads']} threads reach in a "
        "product of float32 matrices; 3x3 convolutions take fewer products in fact.",
    )


def memories(part: Part) -> str:
    """Peak memory, against PyTorch."""
    sides = list(dict.fromkeys(side for one in part["networks"] for side in one["bytes"]))
    rows = [
        [one["title"], *(mebibytes(one["bytes"].get(side)) for side in sides)]
        for one in part["networks"]
    ]
    return titled(
        f"Peak memory, {part['size']}×{part['size']}, MiB",
        [["network → layer", *sides], *rows],
        "Of a process that loads the network and takes three whole steps, or computes three "
        f"gradients in PyTorch; {part['threads']} threads, float32.",
    )


def startups(part: Part) -> str:
    """Imports, the program, the first dream, the disk."""
    times = {name: median(found) for name, found in part["seconds"].items()}
    numpy = times["import numpy"]
    rows = [[f"`{n}`", f"{1e3 * t:.0f}", f"{1e3 * (t - numpy):+.0f}"] for n, t in times.items()]
    sizes = part["bytes"]
    largest = sorted(sizes, key=lambda name: (-sizes[name], name))[:4]
    parts = ", ".join(f"{name} {mebibytes(sizes[name])}" for name in largest)
    return titled(
        "To begin, milliseconds",
        [["a fresh process", "median", "above numpy"], *rows],
        f"`onnxdream[cpu]` takes {mebibytes(sum(sizes.values()))} MiB on the disk with all that "
        f"it needs, compiled Python left out: {parts}, the rest little.",
    )


def kernels(part: Part) -> str:
    """The kernels, against their twins and other libraries."""
    found = part["kernels"]
    sides = list(dict.fromkeys(side for contenders in found.values() for side in contenders))
    own = [TWIN, *(side for side in sides if side.startswith("onnxdream"))]
    others = [side for side in sides if side not in own]
    rows = []
    for name, contenders in found.items():
        times = {side: stats["median"] for side, stats in contenders.items()}
        ratios = [fastest(times, names) / times[KERNELS] for names in ([TWIN], others)]
        cells = [f"{1e3 * times[side]:.2f}" if side in times else ABSENT for side in own + others]
        rows.append([name, *cells, *map(factor, ratios)])
    return titled(
        "Kernels, 1024×768, milliseconds",
        [["kernel", *own, *others, "against NumPy", "against the best library"], *rows],
        "Medians. *Against* says how many times as long the other takes. Of `unjitter_blur` the "
        "libraries do the blur only, and find the gradient rolled back, in RGB.",
    )


def steps(report: bench.Report) -> str:
    """The whole step, as `onnxdream bench` measures it."""
    rows = []
    for result in report.results:
        case = result.case
        low, high = (1e3 * seconds for seconds in result.spread)
        rows.append(
            [
                f"{case.network} → {case.layer}, {case.size}×{case.size}",
                case.way,
                f"{result.steps_per_second:.1f}",
                f"{result.megapixel_steps_per_second:.2f}",
                f"{1e3 / result.steps_per_second:.1f} ({low:.1f}–{high:.1f})",
                *(tenths(1e3 * seconds) for seconds in result.split),
                mebibytes(result.peak_memory),
            ]
        )
    head = ["case", "how", "steps/s", "megapixel-steps/s", "step (p10–p90)"]
    return titled(
        f"Whole steps, milliseconds: `onnxdream bench`, workload {report.workload}",
        [[*head, "network", "kernels", "rest", "MiB"], *rows],
        "Network: the gradient graph alone. Kernels: jitter, normalize, un-jitter, blur, ascend, "
        "and the call. Rest: what a step takes beyond the two. MiB: the peak of a process.",
        words=2,
    )


BLOCKS: dict[str, Callable[[Part], str]] = {
    "gradient": gradients,
    "floor": floors,
    "memory": memories,
    "startup": startups,
    "kernels": kernels,
}
"""What is made of each file of a run, in this order."""


def footing(parts: Sequence[Part]) -> str:
    """Return what the figures were taken on and with."""
    machines = [part["machine"] for part in parts]
    places = dict.fromkeys(map(place, machines))
    versions = {name: v for machine in machines for name, v in machine["versions"].items()}
    days = sorted({machine["date"] for machine in machines})
    lines = [
        *places,
        ", ".join(f"{name} {version}" for name, version in versions.items()),
        f"Measured on {' and '.join(days)}.",
    ]
    if any(part["quick"] for part in parts):
        lines.append("A quick run: not for quoting.")
    return f"<sub>{'<br>'.join(lines)}</sub>"


def place(machine: Part) -> str:
    memory = [] if machine["memory"] is None else [f"{machine['memory'] / 2**30:.0f} GiB"]
    gpus = [f"{gpu['name']} (driver {gpu['driver']})" for gpu in machine["gpus"]]
    core = f"{machine['kernels']} kernels, operators: {machine['operators']}"
    cores = f"{machine['cores']} cores"
    return ", ".join([machine["cpu"], cores, *memory, *gpus, machine["system"], core])


def titled(title: str, rows: Sequence[Cells], note: str, words: int = 1) -> str:
    """Return a Markdown table; its first row is the head, its first columns hold words."""
    head, *body = rows
    rule = ["---"] * words + ["---:"] * (len(head) - words)
    lines = [f"| {' | '.join(row)} |" for row in (head, rule, *body)]
    return "\n".join([f"**{title}**", "", *lines, "", note])


def first_of(names: Iterable[str], among: Mapping[str, object]) -> str:
    return next(name for name in names if name in among)


def fastest(times: Mapping[str, float], names: Iterable[str]) -> float:
    """Return the least time of some sides, NaN if none of them ran."""
    return min((times[name] for name in names if name in times), default=float("nan"))


def factor(ratio: float) -> str:
    return ABSENT if math.isnan(ratio) else f"{ratio:.2f}×"


def milliseconds(times: Mapping[str, float], sides: Iterable[str]) -> list[str]:
    return [tenths(1e3 * times[side]) if side in times else ABSENT for side in sides]


def tenths(number: float) -> str:
    return f"{number:.1f}"


def mebibytes(count: int | None) -> str:
    return ABSENT if count is None else f"{count / 2**20:.0f}"


if __name__ == "__main__":
    main()
