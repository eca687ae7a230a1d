"""Attack the engine, and end with an exit code other than 0 if anything was found.

::

    python tests/fuzz/run.py --minutes 2 --seed 7
    python tests/fuzz/run.py --target networks,pictures --cases 500 --keep findings
    python tests/fuzz/run.py --replay findings/networks-7-31.json
    python tests/fuzz/run.py --report tests/fuzz/results/*.json
"""

from __future__ import annotations

import json
import platform
import sys
from argparse import ArgumentParser, Namespace
from importlib.metadata import version
from pathlib import Path

# As a script its own folder is looked into first, whose names are not meant to be modules.
sys.path[0] = str(Path(__file__).resolve().parent.parent)
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "operators"))

from fuzz.attack import Attack, replay  # noqa: E402
from fuzz.report import insert, table  # noqa: E402
from fuzz.targets import TARGETS  # noqa: E402

_ADDRESS_SPACE = 10 * 1024
_PACKAGES = ("onnxdream", "numpy", "pillow", "onnx", "onnxruntime")


def main() -> int:
    options = _parser().parse_args()
    if options.report is not None:
        results = [json.loads(path.read_text()) for path in options.report]
        if options.into is None:
            print(table(results))
        else:
            insert(results, options.into)
        return 0
    memory, patience = (0, 20.0) if options.sanitized else (_ADDRESS_SPACE, 1.0)
    if options.replay is not None:
        result = replay(options.replay, memory, patience)
        print(result.get("kind") or result["outcome"], result.get("said", ""), sep="\n")
        return int("kind" in result)
    return _attack(options, memory, patience)


def _attack(options: Namespace, memory: int, patience: float) -> int:
    attack = Attack(
        options.target,
        seed=options.seed,
        first=options.first,
        cases=options.cases,
        minutes=options.minutes,
        keep=options.keep,
        memory=memory,
        patience=patience,
    )
    attack.run(options.workers)
    result = {
        "seed": options.seed,
        "machine": platform.machine(),
        "versions": {name: version(name) for name in _PACKAGES},
        "targets": {name: tally.as_json() for name, tally in attack.tallies.items()},
    }
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    print(table([result]))
    for (name, kind, like), path in attack.kept.items():
        print(f"\n{name}: {kind}: {like}\n    {path}")
    return int(bool(attack.kept))


def _parser() -> ArgumentParser:
    parser = ArgumentParser(description="Attack the engine.")
    parser.add_argument(
        "--target", type=_targets, default=list(TARGETS), help=f"of {','.join(TARGETS)} (all)"
    )
    parser.add_argument("--minutes", type=float, default=2, help="how long (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the cases (%(default)s)")
    parser.add_argument("--cases", type=int, default=10**9, help="at most so many of each target")
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    parser.add_argument("--workers", type=int, default=2, help="how many at once (%(default)s)")
    parser.add_argument(
        "--keep", type=Path, default=Path("findings"), help="folder of findings (%(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was counted, too")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="run a finding once more")
    parser.add_argument(
        "--report", type=Path, nargs="+", metavar="FILE", help="show what --json wrote"
    )
    parser.add_argument("--into", type=Path, metavar="PAGE", help="put it into a page of the docs")
    parser.add_argument(
        "--sanitized", action="store_true", help="no limit on memory, and more patience"
    )
    return parser


def _targets(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in TARGETS:
            raise ValueError(name)
    return names


if __name__ == "__main__":
    sys.exit(main())
