"""Recipes with a name, and what is changed of them."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxdream import PRESETS, Preprocessing, Recipe, load
from onnxdream.errors import RecipeError
from onnxdream.network import DEFAULT_NETWORK
from onnxdream.recipe import DEFAULT_PRESET, recipe_from


@pytest.mark.parametrize("name", PRESETS)
class TestEach:
    def test_its_network_is_embedded_and_has_its_layers(self, name):
        recipe = PRESETS[name].recipe
        assert load(recipe.network).weights(recipe.layers)

    def test_it_says_what_one_sees(self, name):
        assert PRESETS[name].shows

    def test_by_its_name(self, name):
        assert recipe_from(name, {}) == PRESETS[name].recipe


def test_the_default_recipe_is_the_default_preset():
    """Whoever names neither gets the same dream."""
    preset = PRESETS[DEFAULT_PRESET].recipe
    network = load(DEFAULT_NETWORK)
    assert network.weights(None) == network.weights(preset.layers)
    assert preset.network == DEFAULT_NETWORK
    assert msgspec.structs.replace(preset, network=None, layers={}) == Recipe()


def test_a_recipe_as_it_is():
    recipe = Recipe(steps=3)
    assert recipe_from(recipe, {}) == recipe


@given(st.integers(1, 64), st.floats(0, 100))
def test_settings_win(octaves, blur):
    changed = recipe_from("google2015", {"octaves": octaves, "blur": blur})
    preset = PRESETS["google2015"].recipe
    assert changed == msgspec.structs.replace(preset, octaves=octaves, blur=blur)


def test_the_preset_itself_stays():
    before = PRESETS["google2015"].recipe
    assert recipe_from("google2015", {"steps": 99}) != before
    assert PRESETS["google2015"].recipe == before
    with pytest.raises(TypeError):
        PRESETS["mine"] = PRESETS["google2015"]


class TestAnotherNetwork:
    recipe = Recipe(network="one", layers={"a": 1}, preprocessing=Preprocessing(), steps=7)

    def test_it_has_other_layers_and_is_fed_otherwise(self):
        assert recipe_from(self.recipe, {"network": "two"}) == Recipe(network="two", steps=7)

    def test_unless_they_are_named_with_it(self):
        changed = recipe_from(self.recipe, {"network": "two", "layers": "b"})
        assert changed == Recipe(network="two", layers={"b": 1}, steps=7)

    def test_the_same_network_keeps_them(self):
        assert recipe_from(self.recipe, {"network": "one"}) == self.recipe


def test_an_unknown_preset_is_refused_by_naming_the_known():
    with pytest.raises(RecipeError, match=r"no preset 'google2016'; .*animals.*google2015"):
        recipe_from("google2016", {})


def test_an_unknown_setting_is_refused_by_naming_the_known():
    with pytest.raises(RecipeError, match=r"no setting 'step'; there are .*step_size, .*steps"):
        recipe_from("animals", {"step": 3})


def test_settings_are_validated():
    with pytest.raises(RecipeError, match="octaves must be from 1 to 64"):
        recipe_from("animals", {"octaves": 0})
