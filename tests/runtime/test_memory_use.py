"""What control groups and limits leave of memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from onnxdream.errors import RecipeError
from onnxdream.runtime import Machine, usable_memory

V2 = ("memory.max", "memory.current", "memory.stat")
V1 = tuple(f"memory/memory.{name}" for name in ("limit_in_bytes", "usage_in_bytes", "stat"))


def written(root: Path, names: tuple[str, ...], *contents: str) -> Path:
    for name, content in zip(names, contents, strict=False):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(content)
    return root


@pytest.mark.parametrize(
    ("names", "contents", "left"),
    [
        (V2, ["1000\n", "400\n"], 600),
        (V2, ["1000\n", "400\n", "anon 300\ninactive_file 90\n"], 690),
        (V2, ["1000\n", "400\n", "no numbers at all"], 600),
        (V2, ["400\n", "1000\n"], 0),
        (V2, ["max\n", "400\n"], None),
        (V2, ["1000\n"], None),
        (V1, ["1000\n", "400\n"], 600),
        (V1, ["1000\n", "400\n", "cache 100\ntotal_inactive_file 90\n"], 690),
        (V1, ["9223372036854771712\n", "400\n"], None),
        (V1, ["nonsense", "400\n"], None),
        ((), [], None),
    ],
)
def test_what_a_control_group_leaves(names, contents, left, tmp_path):
    assert usable_memory(written(tmp_path, names, *contents), tmp_path / "absent") == left


def test_the_least_of_several_limits_counts(tmp_path):
    written(tmp_path, V2, "1000", "400")
    written(tmp_path, V1, "900", "400")
    assert usable_memory(tmp_path, tmp_path) == 500


@pytest.mark.skipif(sys.platform != "linux", reason="about the limits of Linux")
def test_the_limit_of_the_process_counts():
    program = """
import resource
from pathlib import Path
from onnxdream.runtime import usable_memory
assert usable_memory(Path("absent")) is None
resource.setrlimit(resource.RLIMIT_AS, (1 << 34, 1 << 34))
print(usable_memory(Path("absent")))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert 0 < int(done.stdout) < 1 << 34


@pytest.mark.parametrize("value", [0, -1, 1.5, True, 1 << 40])
def test_an_impossible_number_of_pixels_is_refused(value):
    with pytest.raises(RecipeError, match="max_pixels"):
        Machine(max_pixels=value)
