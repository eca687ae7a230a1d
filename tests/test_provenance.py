"""The record that travels with a dream, and what strangers may make of it."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest

import onnxdream
from onnxdream import Recipe, images, read_recipe
from onnxdream.errors import RecipeError
from onnxdream.provenance import Provenance
from small_networks import CARD, LAYERS, convnet, network_of, save

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 52, 3), np.uint8)


@pytest.fixture(scope="module")
def dreamt() -> images.Picture:
    with onnxdream.Dreamer(network_of(convnet(), CARD), LAYERS) as dreamer:
        return dreamer.dream_picture(images.read(PIXELS), octaves=2, steps=2, strength=0.5, seed=3)


@pytest.fixture(scope="module")
def record(dreamt: images.Picture) -> Provenance:
    return Provenance.of(dreamt.texts, "it")


def test_it_says_how(record: Provenance) -> None:
    assert (record.recipe.seed, record.recipe.steps, record.strength) == (3, 2, 0.5)
    assert set(record.recipe.layers) == set(LAYERS)
    assert record.recipe.preprocessing == CARD.preprocessing
    assert record.octaves == [(37, 29), (52, 40)]
    assert (record.input.width, record.input.height) == (52, 40)
    assert record.used.versions["onnxdream"] == onnxdream.__version__


def test_the_difference_is_measured(record: Provenance, dreamt: images.Picture) -> None:
    found = np.sqrt(np.mean((255 * dreamt.pixels - PIXELS) ** 2))
    # What is recorded was measured before it was rounded to bytes.
    assert record.rms == pytest.approx(found, rel=0.02)


def test_people_can_read_it(dreamt: images.Picture) -> None:
    line = dreamt.texts["parameters"]
    assert "\n" not in line
    for words in ("small", "52x40", "octaves: 2 x 1.4", "steps: 2", "strength: 0.5", "seed: 3"):
        assert words in line


def test_it_travels_with_a_pillow_image() -> None:
    with onnxdream.Dreamer(network_of(convnet(), CARD), LAYERS) as dreamer:
        image = dreamer.dream(PIXELS, octaves=1, steps=1)
    assert Provenance.of(image.info, "it").recipe.steps == 1


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "avif", "tiff"])
def test_a_recipe_comes_back_from_every_format(suffix, dreamt, record, tmp_path) -> None:
    images.write(dreamt, tmp_path / f"dream.{suffix}")
    assert read_recipe(tmp_path / f"dream.{suffix}") == record.recipe


class TestStrangers:
    def of(self, record: Provenance, **changes: object) -> Provenance:
        said = json.loads(record.texts()["onnxdream"]) | changes
        return Provenance.of({"onnxdream": json.dumps(said)}, "it")

    def test_unknown_words_are_passed_over(self, record):
        assert self.of(record, weather="fine") == record

    @pytest.mark.parametrize(
        "changes",
        [
            {"recipe": {"steps": 0}},
            {"recipe": {"octavs": 1}},
            {"recipe": None},
            {"octaves": []},
            {"octaves": [[1]]},
            {"strength": "x"},
            {"input": {}},
            {"used": {"versions": 3}},
            {"schema": "1"},
        ],
        ids=repr,
    )
    def test_a_damaged_record_is_refused(self, record, changes):
        with pytest.raises(RecipeError, match="damaged"):
            self.of(record, **changes)

    def test_a_later_version_is_refused_as_such(self, record):
        with pytest.raises(RecipeError, match="later onnxdream"):
            self.of(record, schema=2, recipe="of another shape")

    @pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 10_000, "\udcff"])
    def test_what_is_no_record(self, text):
        with pytest.raises(RecipeError, match="damaged"):
            Provenance.of({"onnxdream": text}, "it")

    def test_a_picture_that_says_nothing(self):
        with pytest.raises(RecipeError, match="does not say how"):
            Provenance.of({"parameters": "x"}, "it")


def test_what_differs_is_named(record: Provenance) -> None:
    used = record.used
    assert used.differences(used) == []
    other = msgspec.structs.replace(
        used, threads=used.threads + 1, versions={**used.versions, "numpy": "0.1"}
    )
    found = used.differences(other)
    assert found == [
        f"threads: {used.threads}, then {used.threads + 1}",
        f"numpy: {used.versions['numpy']}, then 0.1",
    ]


def test_a_path_is_not_told(tmp_path) -> None:
    folder = tmp_path / "secret"
    folder.mkdir()
    path = save(convnet(), folder / "mine.onnx")
    network = onnxdream.load(path, mean=(0.5, 0.5, 0.5))
    with onnxdream.Dreamer(network, "second") as dreamer:
        made = dreamer.dream_picture(images.read(PIXELS), Recipe(octaves=1, steps=1))
    assert "secret" not in made.texts["onnxdream"]
    assert Provenance.of(made.texts, "it").recipe.network == "mine.onnx"


def test_a_record_without_versions_can_be_read_by_people(record: Provenance) -> None:
    bare = msgspec.structs.replace(record, used=msgspec.structs.replace(record.used, versions={}))
    assert "of an unknown version" in str(bare)
