"""The schedule: which case runs next, and what is kept of those that went wrong."""

from __future__ import annotations

import json
import threading
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .target import random_of
from .watched import Watched

__all__ = ["Attack", "Tally", "replay"]

_LONGEST_SHRINKING = 20.0


@dataclass
class Tally:
    """What became of a target's cases."""

    cases: int = 0
    seconds: float = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, int] = (0.0, 0)
    memory: int = 0

    def add(self, number: int, result: dict[str, Any], seconds: float) -> None:
        """Count a case."""
        self.cases += 1
        self.seconds += seconds
        self.slowest = max(self.slowest, (round(seconds, 2), number))
        self.memory = max(self.memory, result.get("memory", 0))
        if "kind" in result:
            self.findings[result["kind"]] += 1
        else:
            self.outcomes[result["outcome"]] += 1

    def as_json(self) -> dict[str, Any]:
        """The same, as JSON spells it."""
        return {
            "cases": self.cases,
            "seconds": round(self.seconds, 1),
            "outcomes": dict(self.outcomes.most_common()),
            "findings": dict(self.findings.most_common()),
            "slowest": self.slowest,
            "memory": self.memory,
        }


class Attack:
    """Cases of several targets, run by several workers, each target for as long as the others.

    Parameters
    ----------
    names : sequence of str
        The targets.
    seed : int
        Of the cases.
    first, cases : int
        The number of the first case, and how many there are of each target.
    minutes : float
        How long to go on.
    keep : Path
        The folder for findings.
    memory : int
        The limit on a worker's address space in MiB, or 0 for none.
    patience : float
        How many times as long as usual a case may take.
    table : str
        The module that holds the table of targets.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        seed: int,
        first: int,
        cases: int,
        minutes: float,
        keep: Path,
        memory: int,
        patience: float,
        table: str = "fuzz.targets",
    ) -> None:
        self.tallies = {name: Tally() for name in names}
        self.kept: dict[tuple[str, str, str], Path] = {}
        self._seed, self._keep = seed, keep
        self._numbers = {name: iter(range(first, first + cases)) for name in names}
        self._spent = dict.fromkeys(names, 0.0)
        self._end = time.monotonic() + 60 * minutes
        self._limits = memory, patience, table
        self._lock = threading.Lock()
        self._failure: BaseException | None = None

    def run(self, workers: int) -> None:
        """Run all cases, or as many as the time allows."""
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.5)
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        try:
            with Watched(*self._limits) as worker:
                for name, number in self._schedule():
                    began = time.monotonic()
                    result = worker.run(target=name, seed=self._seed, number=number)
                    seconds = time.monotonic() - began
                    with self._lock:
                        self.tallies[name].add(number, result, seconds)
                        self._spent[name] += seconds
                    if "kind" in result:
                        self._keep_it(worker, name, number, result)
        except BaseException as error:  # noqa: BLE001 - it is raised again where all threads meet
            self._failure = error

    def _schedule(self) -> Iterator[tuple[str, int]]:
        while self._failure is None and time.monotonic() < self._end:
            with self._lock:
                if not self._numbers:
                    return
                name = min(self._numbers, key=lambda name: self._spent[name])
                number = next(self._numbers[name], None)
                if number is None:
                    del self._numbers[name]
                    continue
                # Whoever looks next sees that this one is under way.
                self._spent[name] += 1e-3
            yield name, number

    def _keep_it(self, worker: Watched, name: str, number: int, result: dict[str, Any]) -> None:
        """Keep the first of those that are alike, made as small as is cheap."""
        like = (name, result["kind"], result["like"])
        with self._lock:
            if like in self.kept:
                return
            file = f"{name}-{self._seed}-{number}.json"
            self.kept[like] = self._keep / file
        told = {"target": name, "seed": self._seed, "number": number}
        # A worker that is gone did not say it.
        plan = result.get("plan") or worker.targets[name].plan(random_of(*told.values()))
        again = worker.run(**told)
        told["alone"] = again.get("kind") == result["kind"]
        smaller, found = _smaller(worker, name, plan, like) if told["alone"] else (plan, {})
        result = result | found
        kept = told | {
            key: result[key] for key in ("kind", "like", "said", "content") if key in result
        }
        self._keep.mkdir(parents=True, exist_ok=True)
        (self._keep / file).write_text(json.dumps(kept | {"plan": smaller}, indent=1) + "\n")
        if "content" in kept:
            (self._keep / file).with_suffix(".bin").write_bytes(b64decode(kept["content"]))


def _smaller(
    worker: Watched, name: str, plan: dict[str, Any], like: tuple[str, str, str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Leave out one piece after another, as long as the same happens."""
    found: dict[str, Any] = {}
    end = time.monotonic() + _LONGEST_SHRINKING
    for smaller in _candidates(plan):
        if time.monotonic() > end:
            break
        result = worker.run(target=name, plan=smaller)
        if (name, result.get("kind"), result.get("like")) == like:
            # What is smaller once may be so again.
            plan, found = _smaller(worker, name, smaller, like)
            return plan, found or result
    return plan, found


def _candidates(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key in (
        "damage",
        "values",
        "bytes",
        "exif",
        "settings",
        "card",
        "fed",
        "attributes",
        "line",
    ):
        parts = plan.get(key)
        if isinstance(parts, dict) and len(parts) > 1:
            for part in parts:
                yield plan | {key: {k: v for k, v in parts.items() if k != part}}
        elif isinstance(parts, list):
            for k in range(len(parts)):
                yield plan | {key: parts[:k] + parts[k + 1 :]}


def replay(path: Path, *limits: Any) -> dict[str, Any]:
    """Run what was kept once more in a `Watched` of these limits, and return what came of it."""
    kept = json.loads(path.read_text())
    case = {key: kept[key] for key in ("target", "plan", "content") if key in kept}
    with Watched(*limits) as worker:
        return worker.run(**case)
