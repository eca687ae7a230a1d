from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from onnxdream.kernels._checked import Kernels

Floats = NDArray[np.float32]
sides = st.integers(1, 60)
scales = st.sampled_from([1.0, 1e-8, 1e-30, 1e30])


def picture_of(height: int, width: int) -> Floats:
    return np.random.default_rng(0).random((height, width, 3), dtype=np.float32)


def gradient_of(height: int, width: int, scale: float = 1e-8) -> Floats:
    normal = np.random.default_rng(1).standard_normal((height, width, 3))
    return (normal * scale).astype(np.float32)


@given(height=sides, width=sides, step_size=st.floats(-50, 50), scale=scales)
def test_equals_the_definition(
    kernels: Kernels, height: int, width: int, step_size: float, scale: float
) -> None:
    picture, gradient = picture_of(height, width), gradient_of(height, width, scale)
    before = picture.copy()
    moved, mean = kernels.ascend(picture, gradient, step_size)
    exact = gradient.astype(np.float64)
    expected_mean = math.fsum(np.abs(exact).flat) / exact.size
    expected = np.clip(picture + step_size / 255 * exact / expected_mean, 0, 1)
    assert mean == pytest.approx(expected_mean, rel=1e-12)
    assert moved.dtype == np.float32
    assert moved.flags.c_contiguous
    np.testing.assert_allclose(moved, expected, rtol=0, atol=2e-6)
    np.testing.assert_array_equal(picture, before)


def test_the_mean_value_moves_by_the_step_size(kernels: Kernels) -> None:
    picture = np.full((50, 60, 3), 0.5, np.float32)
    moved, _ = kernels.ascend(picture, gradient_of(50, 60), 1.5)
    assert np.abs(moved - picture).mean() * 255 == pytest.approx(1.5, rel=1e-4)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_gradient_that_is_not_finite_moves_nothing(kernels: Kernels, value: float) -> None:
    picture, gradient = picture_of(20, 30), gradient_of(20, 30)
    gradient[13, 17, 1] = value
    moved, mean = kernels.ascend(picture, gradient, 1.5)
    assert not math.isfinite(mean)
    np.testing.assert_array_equal(moved, picture)
    assert not np.shares_memory(moved, picture)


def test_a_zero_gradient_moves_nothing(kernels: Kernels) -> None:
    picture = picture_of(20, 30)
    moved, mean = kernels.ascend(picture, np.zeros_like(picture), 1.5)
    assert mean == 0
    np.testing.assert_array_equal(moved, picture)
    assert not np.shares_memory(moved, picture)


def test_a_gradient_of_subnormal_numbers_gives_numbers(kernels: Kernels) -> None:
    picture = picture_of(4, 5)
    gradient = np.zeros_like(picture)
    gradient[0, 0, 0] = np.finfo(np.float32).smallest_subnormal
    moved, mean = kernels.ascend(picture, gradient, 100)
    assert 0 < mean < 1e-45
    assert moved[0, 0, 0] > picture[0, 0, 0]
    np.testing.assert_array_equal(moved[1:], picture[1:])


@given(shape=st.lists(st.integers(1, 30), min_size=1, max_size=4))
def test_mean_abs_equals_the_exact_sum(kernels: Kernels, shape: list[int]) -> None:
    values = np.random.default_rng(2).standard_normal(shape).astype(np.float32)
    exact = math.fsum(np.abs(values.astype(np.float64)).flat) / values.size
    assert kernels.mean_abs(values) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 4095, 4096, 4097, 100_000])
def test_mean_abs_counts_every_value_once(kernels: Kernels, count: int) -> None:
    assert kernels.mean_abs(np.full(count, -3.0, np.float32)) == 3.0


@pytest.mark.parametrize("threads", [2, 3, 100])
def test_threads_change_no_byte(kernels: Kernels, threads: int) -> None:
    picture, gradient = picture_of(137, 141), gradient_of(137, 141)
    one, mean = kernels.ascend(picture, gradient, 1.5)
    many, mean_of_many = kernels.ascend(picture, gradient, 1.5, threads=threads)
    assert many.tobytes() == one.tobytes()
    assert mean_of_many == mean == kernels.mean_abs(gradient, threads=threads)


@given(height=sides, width=sides, step_size=st.floats(-50, 50))
def test_compiled_agrees_with_numpy(
    compiled: Kernels, twin: Kernels, height: int, width: int, step_size: float
) -> None:
    arguments = (picture_of(height, width), gradient_of(height, width), step_size)
    moved, mean = compiled.ascend(*arguments)
    expected, expected_mean = twin.ascend(*arguments)
    assert mean == pytest.approx(expected_mean, rel=1e-12)
    np.testing.assert_allclose(moved, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"picture": picture_of(4, 5).astype(np.float64)}, "picture must be a float32 array"),
        ({"picture": picture_of(4, 5)[..., :2]}, r"picture must be of shape \(any, any, 3\)"),
        ({"gradient": gradient_of(5, 4)}, r"gradient must be of shape \(4, 5, 3\)"),
        ({"gradient": gradient_of(4, 5).astype(np.float64)}, "gradient must be a float32 array"),
        ({"gradient": gradient_of(4, 10)[:, ::2]}, "gradient must be C-contiguous"),
        ({"step_size": math.nan}, "step_size must be a number of grey levels"),
        ({"threads": 0}, "threads must be at least 1"),
    ],
)
def test_refuses_what_is_impossible(
    kernels: Kernels, changes: dict[str, object], message: str
) -> None:
    arguments = {
        "picture": picture_of(4, 5),
        "gradient": gradient_of(4, 5),
        "step_size": 1.5,
        **changes,
    }
    with pytest.raises(ValueError, match=message):
        kernels.ascend(**arguments)  # type: ignore[arg-type]


def test_mean_abs_refuses_what_is_impossible(kernels: Kernels) -> None:
    with pytest.raises(ValueError, match="float32 array, not float64"):
        kernels.mean_abs(np.ones(3))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not empty"):
        kernels.mean_abs(np.ones(0, np.float32))
