"""Numbers that users set."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import inf, nan

import numpy as np
import pytest

from onnxdream.errors import RecipeError
from onnxdream.ranges import number_within, whole_number_within


@pytest.mark.parametrize("value", [1, 7, np.int64(3), np.uint8(2)], ids=repr)
def test_whole_numbers_of_any_kind_pass(value):
    whole_number_within("count", value, 1, 7)
    number_within("count", value, 1, 7)


@pytest.mark.parametrize("value", [0.5, 2, np.float32(1.5), Fraction(3, 2)], ids=repr)
def test_numbers_of_any_kind_pass(value):
    number_within("ratio", value, 0.5, 2)


@pytest.mark.parametrize("value", [True, False, "2", None, 1j, Decimal(1), [1]], ids=repr)
@pytest.mark.parametrize("check", [number_within, whole_number_within])
def test_what_is_no_number_is_refused(check, value):
    with pytest.raises(RecipeError, match=r"^ratio must be a .*number, but is"):
        check("ratio", value, 0, 2)


@pytest.mark.parametrize("value", [1.0, 1.5, np.float32(1)], ids=repr)
def test_what_is_not_whole_is_refused(value):
    with pytest.raises(RecipeError, match="count must be a whole number, but is"):
        whole_number_within("count", value, 0, 2)


@pytest.mark.parametrize("value", [0.9, 2.6, -inf, inf, nan], ids=repr)
def test_what_is_beyond_the_range_is_refused(value):
    with pytest.raises(RecipeError, match=r"ratio must be from 1 to 2\.5, but is") as refused:
        number_within("ratio", value, 1, 2.5)
    assert str(refused.value).endswith(".")


def test_a_number_beyond_all_floats_is_refused_as_well():
    with pytest.raises(RecipeError, match="count must be from 0 to 9"):
        whole_number_within("count", 10**400, 0, 2**63 - 1)


def test_a_large_limit_is_spelled_out():
    with pytest.raises(RecipeError, match="memory must be from 1 to 1000000, but is 0"):
        whole_number_within("memory", 0, 1, 1_000_000)


@pytest.mark.parametrize("value", [np.float16(3), np.float16("inf"), 10**400, -(10**400)], ids=repr)
def test_a_number_is_compared_as_a_float(value):
    """Without a warning of NumPy, and without an overflow."""
    try:
        assert number_within("x", value, 0, 1e300) == 3
    except RecipeError as error:
        assert "x must be from 0 to 1e+300" in str(error)


def test_a_large_whole_number_is_compared_exactly():
    most = 2**63 - 1
    assert whole_number_within("x", most, 0, most) == most
    with pytest.raises(RecipeError):
        whole_number_within("x", most + 1, 0, most)
