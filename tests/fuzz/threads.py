"""Valid calls of every operator of ours on many threads, for a sanitizer to look at.

`scripts/sanitize_threads.sh` runs this. Operators work on the threads of their session, and
several Python threads run one session at once, as they may.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np  # noqa: E402

from fuzz.targets.operators import feeds_of, session_for  # noqa: E402
from fuzz.valid_operators import OPERATORS  # noqa: E402
from onnxdream import operators  # noqa: E402

_AT_ONCE = 3
_THREADS = 4
_RUNS = 6


def main() -> None:
    parser = ArgumentParser(description="Run the operators on many threads.")
    parser.add_argument("--calls", type=int, default=6, help="of each operator (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--front", type=Path, help="a library in front of each; parallel_for.c")
    options = parser.parse_args()
    for variant, library in operators.libraries().items():
        if options.front is not None:
            os.environ["ONNXDREAM_OPERATORS"], library = library, str(options.front)
        for op, call in OPERATORS.items():
            for number in range(options.calls):
                drawn = call(Random(f"{options.seed}/{op}/{number}"))
                plan = {"op": op, "values": "normal", "seed": 1, "constant": False, "same": False}
                feeds = feeds_of(plan | drawn._asdict())
                session = session_for(plan | drawn._asdict(), feeds, library, _THREADS)
                with ThreadPoolExecutor(_AT_ONCE) as pool:
                    runs = list(pool.map(lambda _: session.run(None, feeds), range(_RUNS)))  # noqa: B023
                for made in runs[1:]:
                    for one, other in zip(runs[0], made, strict=True):
                        assert one.tobytes() == np.asarray(other).tobytes(), f"{variant} {op}"
            print(f"{variant} {op}", flush=True)


if __name__ == "__main__":
    main()
