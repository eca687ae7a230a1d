"""Every setting of a dream is validated once, and says what it may be."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, asdict, fields
from fractions import Fraction
from inspect import cleandoc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxdream import PRESETS, Recipe
from onnxdream.errors import RecipeError
from onnxdream.recipe import recipe_from

LIMITS = {
    "octaves": (1, 64),
    "octave_scale": (1.01, 16),
    "steps": (1, 100_000),
    "step_size": (1e-6, 255),
    "jitter": (0, 100_000),
    "blur": (0, 100),
    "seed": (0, 2**63 - 1),
}
WHOLE = ("octaves", "steps", "jitter", "seed")


def test_the_defaults_are_those_of_2015_with_a_blur():
    assert asdict(Recipe()) == {
        "octaves": 4,
        "octave_scale": 1.4,
        "steps": 10,
        "step_size": 1.5,
        "jitter": 32,
        "blur": 0.7,
        "resize": "bilinear",
        "seed": 0,
    }


def test_every_setting_is_described_and_tested_here():
    names = [field.name for field in fields(Recipe)]
    assert set(names) == {*LIMITS, "resize"}
    for name in names:
        assert f"\n{name} : " in cleandoc(Recipe.__doc__ or "")


@pytest.mark.parametrize("name", LIMITS)
class TestNumbers:
    def test_the_limits_themselves_are_allowed(self, name):
        for limit in LIMITS[name]:
            assert getattr(Recipe(**{name: limit}), name) == limit

    def test_beyond_the_limits_is_refused(self, name):
        low, high = LIMITS[name]
        for value in (low - (1 if name in WHOLE else 1e-7), high + 1, -high):
            with pytest.raises(RecipeError, match=f"{name} must be from .* to .*, but is"):
                Recipe(**{name: value})

    @pytest.mark.parametrize("value", ["3", None, True, [3], float("nan"), float("inf")], ids=repr)
    def test_what_is_no_number_is_refused(self, name, value):
        with pytest.raises(RecipeError, match=f"{name} must be"):
            Recipe(**{name: value})


@pytest.mark.parametrize("name", WHOLE)
def test_a_count_is_whole(name):
    with pytest.raises(RecipeError, match=f"{name} must be a whole number, but is 2.0"):
        Recipe(**{name: 2.0})


@pytest.mark.parametrize("name", set(LIMITS) - set(WHOLE))
def test_a_measure_may_be_whole(name):
    assert getattr(Recipe(**{name: 2}), name) == 2


def test_numbers_of_numpy_will_do():
    recipe = Recipe(seed=np.int64(7), steps=np.uint8(3), blur=np.float32(0.5))
    assert recipe == Recipe(seed=7, steps=3, blur=0.5)


@pytest.mark.parametrize("name", LIMITS)
def test_numbers_are_python_s_own(name):
    """NumPy's integers overflow where these do not, and not every number has an exponent."""
    value = np.uint8(2) if name in WHOLE else Fraction(5, 2)
    kept = getattr(Recipe(**{name: value}), name)
    assert type(kept) is (int if name in WHOLE else float)
    assert kept == value


@pytest.mark.parametrize("value", ["nearest", "Bilinear", "", None, 3], ids=repr)
def test_an_unknown_filter_is_refused_by_naming_the_known(value):
    with pytest.raises(RecipeError, match="one of bilinear, bicubic, area, not"):
        Recipe(resize=value)


def test_a_recipe_does_not_change():
    with pytest.raises(FrozenInstanceError):
        Recipe().seed = 3


class TestRecipeFrom:
    def test_a_preset_by_name(self):
        assert recipe_from("default", {}) == Recipe()
        assert recipe_from("google2015", {}) == Recipe(blur=0.0)

    def test_a_recipe_as_it_is(self):
        recipe = Recipe(steps=3)
        assert recipe_from(recipe, {}) == recipe

    @given(st.integers(1, 64), st.floats(0, 100))
    def test_settings_win(self, octaves, blur):
        changed = recipe_from("google2015", {"octaves": octaves, "blur": blur})
        assert changed == Recipe(octaves=octaves, blur=blur)

    def test_the_preset_itself_stays(self):
        recipe_from("google2015", {"steps": 99})
        assert PRESETS["google2015"] == Recipe(blur=0.0)
        with pytest.raises(TypeError):
            PRESETS["mine"] = Recipe()

    def test_an_unknown_preset_is_refused_by_naming_the_known(self):
        with pytest.raises(RecipeError, match=r"no preset 'google2016'; .* default, google2015"):
            recipe_from("google2016", {})

    def test_an_unknown_setting_is_refused_by_naming_the_known(self):
        with pytest.raises(RecipeError, match=r"no setting 'step'; there are .*step_size, steps"):
            recipe_from("default", {"step": 3})

    def test_settings_are_validated(self):
        with pytest.raises(RecipeError, match="octaves must be from 1 to 64"):
            recipe_from("default", {"octaves": 0})
