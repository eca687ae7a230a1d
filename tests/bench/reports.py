"""Reports made by hand."""

from __future__ import annotations

from msgspec.structs import replace

from onnxdream.bench import Case, Hardware, Report, Result

CASE = Case("squeezenet", "fire7", 512, "cpu", 0, "portable", 2)

MACHINE = Hardware(
    cpu="Abacus 3000",
    cores=2,
    memory=8 << 30,
    gpus=(),
    system="Linux 6.1 x86_64",
    versions={"onnxdream": "0.1.0", "onnxruntime": "1.32.0"},
    kernels="compiled",
    operators="avx2",
    date="2026-11-01",
)


def result(case: Case = CASE, step: float = 0.05, **changes: object) -> Result:
    """A result of a few samples around a median step, in seconds."""
    whole = [step * pace for pace in (0.9, 1, 1.2)]
    found = Result(case, 200 << 20, None, whole, [0.9 * step], [0.05 * step])
    return replace(found, **changes)


def report(*results: Result, **changes: object) -> Report:
    """A report of the workload's first version."""
    return replace(Report(1, False, MACHINE, list(results) or [result()]), **changes)
