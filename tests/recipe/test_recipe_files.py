"""Recipes as TOML and JSON, of friends and of strangers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from values import LIMITS, OTHER, WHOLE

from onnxdream import Preprocessing, Recipe
from onnxdream.errors import RecipeError
from onnxdream.recipe import decode, to_json, to_toml


def numbers(name: str) -> st.SearchStrategy[Any]:
    low, high = LIMITS[name]
    return st.integers(int(low), int(high)) if name in WHOLE else st.floats(low, high)


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
WEIGHTS = st.floats(-1e30, 1e30)
RECIPES = st.builds(
    Recipe,
    network=NAMES,
    layers=st.dictionaries(NAMES, WEIGHTS, max_size=4),
    preprocessing=st.none()
    | st.builds(Preprocessing, st.tuples(WEIGHTS, WEIGHTS, WEIGHTS), channels=st.just("BGR")),
    resize=st.sampled_from(["bilinear", "bicubic", "area"]),
    size=numbers("size") | st.just("full"),
    **{name: numbers(name) for name in LIMITS if name not in ("size", "strength")},
)


@given(RECIPES)
@pytest.mark.parametrize("toml", [True, False], ids=["toml", "json"])
def test_what_is_written_is_read_again(toml, recipe):
    text = to_toml(recipe) if toml else to_json(recipe)
    assert decode(text, "it", toml) == recipe
    assert decode(text.encode(), "it", toml) == recipe


def test_every_setting_is_written():
    assert set(json.loads(to_json(Recipe()))) == set(Recipe.__struct_fields__)
    text = to_toml(Recipe(**OTHER))
    assert all(name in text for name in Recipe.__struct_fields__)


def test_what_is_absent_is_the_default():
    assert decode("steps = 7", "it", toml=True) == Recipe(steps=7)
    assert decode('{"steps": 7}', "it", toml=False) == Recipe(steps=7)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("octavs = 3", "unknown field `octavs`"),
        ("octaves = 0", r"\$.octaves"),
        ("octaves = 1.5", r"\$.octaves"),
        ('steps = "3"', r"\$.steps"),
        ("steps = true", r"\$.steps"),
        ("layers = 3", r"\$.layers"),
        ('layers = { a = "b" }', r"\$.layers"),
        ("blur = nan", "blur"),
        ("blur = inf", "blur"),
        ("strength = 2\ntarget_rms = 3", "not both"),
        ("[preprocessing]\nmeen = [1, 2, 3]", "unknown field `meen`"),
        ("[preprocessing]\nstd = [1, 2, 0]", "std must be above zero"),
        ("steps = ", "TOML: "),
        ("\x00", "TOML: "),
    ],
)
def test_a_stranger_s_mistake_is_named(text, why):
    with pytest.raises(RecipeError, match=rf"f\.toml is no .*{why}"):
        decode(text, "f.toml", toml=True)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"3", b"[]", b'"x"', b"null", b"\xff\xfe", b"{" * 100_000, b"[" * 100_000),
        *(b'{"seed": 1e400}', b'{"seed": 99999999999999999999999}', b'{"layers": {"a": NaN}}'),
    ],
    ids=lambda c: repr(c[:12]),
)
def test_what_is_no_recipe_at_all(content):
    with pytest.raises(RecipeError, match="f is no"):
        decode(content, "f", toml=False)


def test_what_is_too_long_is_not_read():
    with pytest.raises(RecipeError, match="longer than the 1 MiB"):
        decode(b" " * (2 << 20), "f", toml=False)
