"""How a picture is fed: one statement, on any scale."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxdream import Preprocessing
from onnxdream.errors import RecipeError

NAN, INF = float("nan"), float("inf")

means = st.tuples(*[st.floats(0, 1, width=32)] * 3)
stds = st.tuples(*[st.floats(0.125, 2, width=32)] * 3)


def test_what_is_not_said_is_rgb_from_0_to_1():
    preprocessing = Preprocessing()
    assert preprocessing.channels == "RGB"
    assert not preprocessing.bgr
    assert preprocessing.unit_mean.tolist() == [0, 0, 0]
    assert preprocessing.unit_std.tolist() == [1, 1, 1]


@given(means, stds)
def test_the_scale_is_a_way_of_speaking(mean, std):
    plain = Preprocessing(mean, std)
    bytewise = Preprocessing(
        tuple(255 * m for m in mean), tuple(255 * s for s in std), "RGB", (0, 255)
    )
    np.testing.assert_allclose(bytewise.unit_mean, plain.unit_mean, rtol=1e-6)
    np.testing.assert_allclose(bytewise.unit_std, plain.unit_std, rtol=1e-6)


@given(means, stds, st.floats(-2, 0), st.floats(0.5, 300))
def test_a_network_sees_what_it_was_trained_on(mean, std, low, high):
    """The picture goes onto the stated scale, then mean and std apply there."""
    pixel = np.array([0.1, 0.5, 0.9])
    preprocessing = Preprocessing(mean, std, value_range=(low, high))
    seen = (pixel - preprocessing.unit_mean) / preprocessing.unit_std
    expected = (low + pixel * (high - low) - mean) / std
    np.testing.assert_allclose(seen, expected, rtol=1e-4, atol=1e-3)


def test_numbers_are_float32_vectors_of_three():
    for vector in (Preprocessing().unit_mean, Preprocessing().unit_std):
        assert vector.dtype == np.float32
        assert vector.shape == (3,)


def test_blue_first():
    assert Preprocessing(channels="BGR").bgr


def test_lists_and_arrays_will_do():
    said = Preprocessing([1, 2, 3], np.array([4, 5, 6]), value_range=[0, 255])
    assert said == Preprocessing((1.0, 2.0, 3.0), (4.0, 5.0, 6.0), value_range=(0.0, 255.0))
    assert hash(said) == hash(Preprocessing((1, 2, 3), (4, 5, 6), "RGB", (0, 255)))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"mean": (1, 2)}, "mean must be 3 finite numbers"),
        ({"mean": (1, 2, 3, 4)}, "mean must be 3 finite numbers"),
        ({"mean": 0.5}, "mean must be 3 numbers"),
        ({"mean": "abc"}, "mean must be 3 numbers"),
        ({"mean": (0, NAN, 0)}, "mean must be 3 finite numbers"),
        ({"std": (1, INF, 1)}, "std must be 3 finite numbers"),
        ({"std": (1, 0, 1)}, "std must be above zero"),
        ({"std": (1, -1, 1)}, "std must be above zero"),
        ({"std": None}, "std must be 3 numbers"),
        ({"mean": (10**400, 0, 0)}, "mean must be 3 numbers"),
        ({"channels": "RBG"}, '"RGB" or "BGR"'),
        ({"channels": "bgr"}, '"RGB" or "BGR"'),
        ({"value_range": (0, 1, 2)}, "value_range must be 2 finite numbers"),
        ({"value_range": (1, 0)}, "value_range must rise"),
        ({"value_range": (1, 1)}, "value_range must rise"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_nonsense_is_refused(said, message):
    with pytest.raises(RecipeError, match=message):
        Preprocessing(**said)


@pytest.mark.parametrize(
    "numbers",
    [
        {"mean": (1e39, 0, 0)},
        {"std": (1e-39, 1, 1)},
        {"std": (1e308, 1, 1), "value_range": (0, 1e-9)},
        {"mean": (1e30, 0, 0), "value_range": (0, 1e-9)},
    ],
    ids=repr,
)
def test_what_float32_cannot_hold_is_refused(numbers):
    with pytest.raises(RecipeError, match="out of all proportion"):
        Preprocessing(**numbers)
