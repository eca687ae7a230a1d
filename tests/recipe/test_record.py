"""Every setting of a dream is validated once, and says what it may be."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, get_type_hints

import msgspec
import numpy as np
import pytest
from values import LIMITS, WHOLE, WORDS

from onnxdream import Preprocessing, Recipe
from onnxdream.errors import RecipeError
from onnxdream.recipe import FORMS, Layers, Settings, descriptions

RECORDS = {"network", "preprocessing", "layers"}


def test_every_setting_is_described_and_tested_here():
    assert set(FORMS) == {*LIMITS, *RECORDS, "resize"} == set(Recipe.__struct_fields__)
    assert list(descriptions()) == list(Recipe.__struct_fields__)


def test_keyword_arguments_are_those_of_the_record():
    """Type checkers read the one, and everything else the other."""
    wider = {"layers": Layers}
    record, keywords = get_type_hints(Recipe), get_type_hints(Settings)
    assert list(keywords) == list(Recipe.__struct_fields__)
    for name, hint in keywords.items():
        assert hint == wider.get(name, record[name]), name


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

    @pytest.mark.parametrize("value", ["3", True, [3], float("nan"), float("inf")], ids=repr)
    def test_what_is_no_number_is_refused(self, name, value):
        with pytest.raises(RecipeError, match=f"{name} must be"):
            Recipe(**{name: value})

    def test_nothing_is_only_allowed_where_it_is_the_default(self, name):
        if name == "target_rms":
            assert Recipe(target_rms=None).target_rms is None
            return
        with pytest.raises(RecipeError, match=f"{name} must be"):
            Recipe(**{name: None})


@pytest.mark.parametrize("name", WORDS)
def test_a_number_that_may_be_a_word(name):
    assert getattr(Recipe(**{name: WORDS[name]}), name) == WORDS[name]
    with pytest.raises(RecipeError, match=f'or "{WORDS[name]}"'):
        Recipe(**{name: "some"})


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
    value: Any = np.uint8(20) if name in WHOLE else Fraction(5, 2)
    kept = getattr(Recipe(**{name: value}), name)
    assert type(kept) is (int if name in WHOLE else float)
    assert kept == value


@pytest.mark.parametrize("value", ["nearest", "Bilinear", "", None, 3], ids=repr)
def test_an_unknown_filter_is_refused_by_naming_the_known(value):
    with pytest.raises(RecipeError, match="one of bilinear, bicubic, area, not"):
        Recipe(resize=value)


def test_strength_and_the_difference_that_finds_it_exclude_each_other():
    with pytest.raises(RecipeError, match="one of them, not both"):
        Recipe(strength=2, target_rms=9)


@pytest.mark.parametrize("value", ["", 3, "x" * 5000, "\ud800"], ids=lambda v: repr(v)[:9])
def test_a_network_is_named_by_a_string(value):
    with pytest.raises(RecipeError, match="network must be a name or a path"):
        Recipe(network=value)


@pytest.mark.parametrize("value", ["RGB", {"mean": (0, 0, 0)}, 3], ids=repr)
def test_preprocessing_is_a_record(value):
    assert Recipe(preprocessing=Preprocessing()).preprocessing == Preprocessing()
    with pytest.raises(RecipeError, match="must be a Preprocessing"):
        Recipe(preprocessing=value)


class TestLayers:
    @pytest.mark.parametrize(
        ("layers", "kept"),
        [
            ("a", {"a": 1.0}),
            (["a", "b"], {"a": 1.0, "b": 1.0}),
            ({"a": 2, "b": np.float32(0.5)}, {"a": 2.0, "b": 0.5}),
            ({}, {}),
        ],
        ids=repr,
    )
    def test_they_are_kept_with_their_weights(self, layers, kept):
        assert Recipe(layers=layers).layers == kept

    @pytest.mark.parametrize(
        "layers",
        [3, None, [3], {3: 1.0}, {"a": "b"}, {"a": float("nan")}, {"a": 1e39}, ["x"] * 2 + [None]],
        ids=repr,
    )
    def test_what_is_no_layer_is_refused(self, layers):
        with pytest.raises(RecipeError):
            Recipe(layers=layers)

    def test_there_is_an_end(self):
        with pytest.raises(RecipeError, match="too many"):
            Recipe(layers=[str(k) for k in range(5000)])


def test_a_recipe_does_not_change():
    with pytest.raises(AttributeError):
        Recipe().seed = 3


def test_a_changed_copy_is_validated():
    with pytest.raises(RecipeError, match="steps must be"):
        msgspec.structs.replace(Recipe(), steps=0)


def test_strings_of_numpy_will_do():
    recipe = Recipe(resize=np.str_("area"), layers={np.str_("a"): 1})
    assert type(recipe.resize) is str
    assert [type(name) for name in recipe.layers] == [str]
