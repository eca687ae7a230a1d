"""Reports of benchmarks that others wrote: damaged JSON, read, put in tables and compared."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from msgspec.structs import replace

from onnxdream import bench
from onnxdream.bench import Case, Hardware, Report, Result

from ..damage import DAMAGES, damaged, seeds
from ..odd_values import odd_json
from ..target import BrokenError, Outcome, Plan, Target, check_finite

__all__ = ["TARGET"]

_CASE = Case("squeezenet", "fire7", 512, "cpu", 0, "portable", 2)
_MACHINE = Hardware(
    cpu="Abacus 3000",
    cores=2,
    memory=8 << 30,
    gpus=(),
    system="Linux",
    versions={"onnxdream": "0.1.0"},
    kernels="compiled",
    operators="avx2",
    date="2026-11-01",
)


@cache
def _valid() -> bytes:
    results = [
        Result(replace(_CASE, size=size), 200 << 20, None, [0.05, 0.04, 0.07], [0.04], [0.002])
        for size in (224, 512)
    ]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        bench.write(Report(1, False, _MACHINE, results), path)
        return path.read_bytes()


def plan(random: Random) -> Plan:
    drawn: Plan = {"damage": [], "values": []}
    kind = random.random()
    if kind < 0.8:
        drawn["values"] = seeds(random, 4)
    if kind > 0.7:
        drawn["damage"] = seeds(random, 3)
    return drawn


def build(plan: Plan) -> bytes:
    content = json.loads(_valid())
    for seed in plan["values"]:
        _change(content, Random(seed))
        # What was put in may be put in once more, and must not come to hold itself.
        content = deepcopy(content)
    return damaged(json.dumps(content).encode("utf-8", "surrogatepass"), plan["damage"], DAMAGES)


def _change(content: Any, random: Random) -> None:
    """Put something odd in some place of it."""
    places = [content]
    for place in places:
        inner = place.values() if isinstance(place, dict) else place
        places += [value for value in inner if isinstance(value, dict | list)]
    place = random.choice(places)
    keys: list[Any] = list(place) if isinstance(place, dict) else list(range(len(place)))
    if not keys:
        return
    key = random.choice(keys)
    match random.randrange(6):
        case 0:
            del place[key]
        case 1 if isinstance(place, list):
            place.extend([place[key]] * random.choice((1, 3000)))
        case 2 if isinstance(place, dict):
            place[str(odd_json(random))] = place[key]
        case _:
            place[key] = odd_json(random)


def attack(plan: Plan, folder: Path, content: bytes) -> Outcome:
    path = folder / "content"
    report = bench.read(path)
    for result in report.results:
        measures = (result.steps_per_second, result.megapixel_steps_per_second)
        check_finite("A measure", *measures, *result.spread, *result.split)
    lines = [*bench.table(report), *bench.compare({"one": report, "other": report})]
    if not all(line.isprintable() for line in lines):
        raise BrokenError("promise", "a line of the table cannot be printed")
    again = folder / "again"
    bench.write(report, again)
    if bench.read(again) != replace(report, results=list(report.results)):
        raise BrokenError("promise", "a report came back as another")
    return Outcome("read")


TARGET = Target("reports of benchmarks", plan, attack, build, memory=1024 << 20)
