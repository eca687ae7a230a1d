"""Dream for long in one process, and see that nothing grows and nothing changes.

::

    python tests/fuzz/soak.py                 # 2000 dreams and 200 Dreamers, a few minutes
    python tests/fuzz/soak.py --dreams 200

Eight threads share a Dreamer and dream small pictures; every picture has to come out with the
same bytes each time. Beside them Dreamers are opened and closed. Memory and open files are
read off as it goes. The first third is to warm up. Over the rest a line is fitted, and it may
rise by no more than `_MOST_GROWTH` from its beginning to its end, and open files not at all.
"""

from __future__ import annotations

import hashlib
import sys
import threading
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

sys.path[0] = str(Path(__file__).resolve().parent.parent)

import small_networks  # noqa: E402
from onnxdream import Dreamer, Machine, load  # noqa: E402

_THREADS = 8
_MOST_GROWTH = 4 << 20
"""Bytes: what the allocator keeps for itself varies by as much from run to run."""

_SIZES = ((33, 47), (64, 64), (21, 90), (50, 35))


def main() -> int:
    parser = ArgumentParser(description="Dream for long in one process.")
    parser.add_argument("--dreams", type=int, default=2000)
    parser.add_argument("--opens", type=int, default=200)
    options = parser.parse_args()
    network = small_networks.network_of(small_networks.convnet())
    random = np.random.default_rng(0)
    pictures = [random.random((*size, 3), np.float32) for size in _SIZES]
    faults = 0
    with Dreamer(network, "second", machine=Machine("cpu", threads=1)) as dreamer:
        expected = [_dreamt(dreamer, picture) for picture in pictures]

        def dream(number: int) -> bool:
            which = number % len(pictures)
            return _dreamt(dreamer, pictures[which]) == expected[which]

        faults += _soaked("dreams", options.dreams, dream)

    def open_and_close(number: int) -> bool:
        which = number % len(pictures)
        lowering = ("portable", "accelerated")[number // len(pictures) % 2]
        with Dreamer(
            network, "second", machine=Machine("cpu", threads=1, lowering=lowering)
        ) as dreamer:
            found = _dreamt(dreamer, pictures[which])
            dreamer.gradient(pictures[which])
        return _same(lowering, which, found)

    faults += _soaked("opens", options.opens, open_and_close)
    faults += _soaked("loads", options.opens, lambda number: load("squeezenet") is not None)
    return int(faults > 0)


_FIRST: dict[tuple[str, int], str] = {}


def _same(lowering: str, which: int, found: str) -> bool:
    return _FIRST.setdefault((lowering, which), found) == found


def _dreamt(dreamer: Dreamer, picture: np.ndarray) -> str:
    dreamt = dreamer.dream_array(picture, octaves=2, steps=2, jitter=4)
    return hashlib.sha256(dreamt.tobytes()).hexdigest()


def _soaked(name: str, count: int, do: object) -> int:
    """Do something many times on several threads, and count what is wrong with it."""
    assert callable(do)
    measures: list[tuple[int, int, int]] = []
    lock, began = threading.Lock(), time.monotonic()

    def one(number: int) -> bool:
        same = bool(do(number))
        if number % max(1, count // 100) == 0:
            with lock:
                measures.append((number, _memory(), _open_files()))
        return same

    with ThreadPoolExecutor(_THREADS) as pool:
        different = sum(not same for same in pool.map(one, range(count)))
    numbers, memory, files = (np.array(row, float) for row in zip(*sorted(measures), strict=True))
    late = numbers >= count / 3
    growth = float(np.polyfit(numbers[late], memory[late], 1)[0] * (count * 2 / 3))
    more_files = files[late][-1] - files[late][0]
    faults = [
        f"{different} came out otherwise" if different else "",
        f"memory grows by {growth / 2**20:.1f} MiB" if growth > _MOST_GROWTH else "",
        f"{more_files:.0f} more files are open" if more_files > 0 else "",
    ]
    said = ", ".join(filter(None, faults)) or "as it should be"
    print(
        f"{count} {name} in {time.monotonic() - began:.0f} s: {said} (memory "
        f"{memory[-1] / 2**20:.0f} MiB, {growth / 2**20:+.2f} over the last two thirds; "
        f"{files[-1]:.0f} files)",
        flush=True,
    )
    return len(list(filter(None, faults)))


def _memory() -> int:
    return next(_fields("VmRSS")) << 10


def _fields(name: str) -> Iterator[int]:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            yield int(line.split()[1])


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


if __name__ == "__main__":
    sys.exit(main())
