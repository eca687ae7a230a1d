from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxdream.kernels._weights import FILTERS, gaussian, resize_taps


@given(
    source=st.integers(1, 5000), size=st.integers(1, 5000), filter=st.sampled_from(sorted(FILTERS))
)
def test_every_tap_is_a_pixel(source: int, size: int, filter: str) -> None:
    """The loops trust this: they read wherever a tap points."""
    starts, weights = resize_taps(source, size, filter)
    assert starts.shape == weights.shape[:1] == (size,)
    assert starts.min() >= 0
    assert (starts + weights.shape[1]).max() <= source
    assert (np.diff(starts) >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=0, atol=1e-5)


@pytest.mark.parametrize("sigma", [0.01, 0.1, 0.5, 0.7, 3.0, 40.0])
def test_a_gaussian_is_symmetric_and_sums_to_one(sigma: float) -> None:
    weights = gaussian(sigma)
    assert weights.dtype == np.float32
    assert len(weights) == 2 * max(1, round(4 * sigma)) + 1
    np.testing.assert_array_equal(weights, weights[::-1])
    assert weights.sum(dtype=np.float64) == pytest.approx(1, abs=1e-6)


def test_a_gaussian_has_the_deviation_that_was_asked_for() -> None:
    weights = gaussian(3.0).astype(np.float64)
    distance = np.arange(len(weights)) - len(weights) // 2
    assert np.sqrt((weights * distance**2).sum()) == pytest.approx(3.0, rel=2e-3)


def test_no_blur_is_the_kernel_that_changes_nothing() -> None:
    np.testing.assert_array_equal(gaussian(0), [1])
