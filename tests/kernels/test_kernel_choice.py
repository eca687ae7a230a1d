"""Which implementation serves, and that it does not matter which compiled one."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from implementations import kernels_over

from onnxdream import kernels as chosen
from onnxdream.kernels._checked import Kernels
from onnxdream.kernels._weights import FILTERS

REPORT = """
from onnxdream import kernels
print(kernels.IMPLEMENTATION, kernels._loops.__name__)
"""


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if key != "ONNXDREAM_KERNELS"}
    inherited["PYTHONPATH"] = os.pathsep.join(sys.path)
    return subprocess.run(
        [sys.executable, "-c", program],
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=True,
    )


def without(*modules: str) -> str:
    return f"import sys\nsys.modules.update(dict.fromkeys({modules!r}))\n{REPORT}"


def test_the_compiled_kernels_serve_where_they_were_built() -> None:
    pytest.importorskip("onnxdream.kernels._compiled", exc_type=ImportError)
    result = run(REPORT)
    name, module = result.stdout.split()
    assert name == "compiled"
    assert module.startswith("onnxdream.kernels._compiled")
    assert result.stderr == ""


def test_numpy_serves_where_it_is_asked_for() -> None:
    result = run(REPORT, ONNXDREAM_KERNELS="numpy")
    assert result.stdout.split() == ["numpy", "onnxdream.kernels._numpy"]
    assert result.stderr == ""


def test_numpy_serves_where_nothing_was_built_and_one_line_says_so() -> None:
    result = run(without("onnxdream.kernels._compiled"))
    assert result.stdout.split() == ["numpy", "onnxdream.kernels._numpy"]
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("no compiled kernels, NumPy takes their place")


def test_the_portable_build_serves_where_there_is_no_other() -> None:
    pytest.importorskip("onnxdream.kernels._compiled", exc_type=ImportError)
    result = run(without("onnxdream.kernels._compiled_avx2"))
    assert result.stdout.split() == ["compiled", "onnxdream.kernels._compiled"]
    assert result.stderr == ""


def test_the_package_exports_the_chosen_kernels() -> None:
    picture = np.random.default_rng(0).random((9, 11, 3), dtype=np.float32)
    expected = Kernels(chosen._loops).resize(picture, 5, 6)
    np.testing.assert_array_equal(chosen.resize(picture, 5, 6), expected)
    for name in ("ascend", "jitter_normalize", "mean_abs", "resize", "unjitter_blur"):
        assert getattr(chosen, name).__func__ is getattr(Kernels, name)


@pytest.mark.parametrize("size", [(1, 1), (1, 37), (37, 1), (61, 83), (131, 97)])
def test_both_builds_give_the_same_bytes(size: tuple[int, int]) -> None:
    portable, avx2 = kernels_over("_compiled"), kernels_over("_compiled_avx2")
    noise = np.random.default_rng(0)
    picture = noise.random((*size, 3), dtype=np.float32)
    gradient = noise.standard_normal((1, 3, *size)).astype(np.float32)
    mean, std = noise.random((2, 3), dtype=np.float32)

    def results(kernels: Kernels) -> list[bytes]:
        blurred = kernels.unjitter_blur(gradient, 3, 5, std, True, 0.7)
        moved, mean_abs = kernels.ascend(picture, blurred, 1.5)
        resized = [
            kernels.resize(picture, height, width, filter)
            for filter in FILTERS
            for height, width in [(20, 30), (90, 120)]
        ]
        image = kernels.jitter_normalize(picture, 3, 5, mean, std, True)
        arrays = [blurred, moved, image, np.float64(mean_abs), *resized]
        return [array.tobytes() for array in arrays]

    assert results(avx2) == results(portable)
