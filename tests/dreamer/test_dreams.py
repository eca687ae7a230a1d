"""Whole dreams: the same bytes, a higher objective, a picture like the one that went in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dreaming import QUICK, picture, small_dreamer
from PIL import Image, ImageCms

import onnxdream
from onnxdream import Dreamer, Machine, Progress, Recipe, images, kernels
from onnxdream.errors import (
    GradientError,
    ImageNotFoundError,
    RecipeError,
)
from onnxdream.recipe import FORMS
from small_networks import (
    convnet,
    dead,
    infinite_slope,
    not_a_number,
    save,
)

SAMPLES = Path(__file__).parents[2] / "docs" / "samples"


class TestBytes:
    def test_the_same_recipe_gives_the_same(self, dreamer):
        pixels = picture(70, 64)
        first = dreamer.dream_array(pixels, QUICK, seed=7)
        again = dreamer.dream_array(pixels, QUICK, seed=7)
        assert first.tobytes() == again.tobytes()

    def test_so_does_another_dreamer(self, dreamer):
        with Dreamer(dreamer.network, machine=Machine(lowering=dreamer.lowering)) as other:
            pixels = picture(70, 64)
            expected = dreamer.dream_array(pixels, QUICK)
            assert other.dream_array(pixels, QUICK).tobytes() == expected.tobytes()

    def test_another_seed_gives_others(self, dreamer):
        pixels = picture(70, 64)
        found = {dreamer.dream_array(pixels, QUICK, seed=seed).tobytes() for seed in range(3)}
        assert len(found) == 3

    @pytest.mark.parametrize("name", sorted(set(FORMS) - {"network", "preprocessing"}))
    def test_every_setting_counts(self, small, name):
        other = {
            "layers": {"first": 1.0},
            "size": 30,
            "octaves": 3,
            "octave_scale": 1.7,
            "steps": 3,
            "step_size": 2.5,
            "jitter": 5,
            "blur": 1.5,
            "resize": "bicubic",
            "strength": 0.5,
            "target_rms": 3.0,
            "seed": 1,
        }
        pixels = picture(50, 60)
        usual = small.dream_array(pixels, QUICK)
        changed = small.dream_array(pixels, QUICK, **{name: other[name]})
        assert not np.array_equal(usual, changed)

    def test_every_filter_counts(self, small):
        pixels = picture(50, 60)
        filters = ("bilinear", "bicubic", "area")
        found = {small.dream_array(pixels, QUICK, resize=name).tobytes() for name in filters}
        assert len(found) == 3

    def test_a_recipe_a_preset_or_settings(self, small):
        pixels = picture(50, 60)
        expected = small.dream_array(pixels, QUICK, blur=0.0).tobytes()
        found = small.dream_array(pixels, Recipe(blur=0.0), octaves=2, steps=2)
        assert found.tobytes() == expected
        with pytest.raises(RecipeError, match="no setting 'step'"):
            small.dream_array(pixels, step=3)


class TestAscent:
    @pytest.mark.parametrize("photograph", ["cat.jpg", "rocket.jpg"])
    def test_the_objective_rises(self, dreamer, photograph):
        with Image.open(SAMPLES / photograph) as image:
            pixels = images.read(image.resize((144, 96))).pixels
        before, _ = dreamer.gradient(pixels)
        after, _ = dreamer.gradient(dreamer.dream_array(pixels, octaves=2))
        assert after > 1.4 * before

    def test_a_negative_weight_lets_it_fall(self):
        pixels = picture(64, 64)
        with small_dreamer(layers={"first": -1.0}) as dreamer:
            before, _ = dreamer.gradient(pixels)
            after, _ = dreamer.gradient(dreamer.dream_array(pixels, QUICK))
        assert before < after < 0

    def test_a_dream_is_what_its_definition_says(self, small):
        """The octave loop once more, without a Stepper."""
        recipe = Recipe(octaves=3, octave_scale=1.3, steps=2, jitter=9, blur=0.7, seed=5)
        pixels = picture(61, 47)
        detail = np.zeros_like(pixels)
        for octave, k in enumerate((2, 1, 0), 1):
            size = round(61 / 1.3**k), round(47 / 1.3**k)
            base, detail = (kernels.resize(array, *size) for array in (pixels, detail))
            here = base + detail
            for step in range(1, recipe.steps + 1):
                shift = np.random.default_rng([recipe.seed, 0, octave, step]).integers(-9, 10, 2)
                _, gradient = small.gradient(np.roll(here, shift, (0, 1)))
                gradient = np.roll(gradient, -shift, (0, 1)).transpose(2, 0, 1)[None]
                ones = np.ones(3, np.float32)
                smooth = kernels.unjitter_blur(
                    np.ascontiguousarray(gradient), 0, 0, ones, False, recipe.blur
                )
                here, _ = kernels.ascend(here, smooth, recipe.step_size)
            detail = here - base
        found = small.dream_array(pixels, recipe)
        np.testing.assert_allclose(found, here, atol=1e-4)

    @pytest.mark.parametrize(
        ("graph", "what"),
        [
            pytest.param(dead(), "zero", id="zero"),
            pytest.param(not_a_number(), "not a finite number", id="NaN loss"),
            pytest.param(infinite_slope(), "not a finite number", id="NaN gradient"),
        ],
    )
    def test_without_a_way_up_there_is_no_dream(self, spelling, graph, what):
        with (
            small_dreamer(graph, lowering=spelling) as dreamer,
            pytest.raises(GradientError, match=f"gradient is {what}.*Choose another layer"),
        ):
            dreamer.dream_array(picture(40, 40), QUICK)


class TestPictures:
    @pytest.fixture
    def photo(self) -> Image.Image:
        return Image.fromarray(np.random.default_rng(3).integers(0, 256, (40, 52, 3), np.uint8))

    def test_from_wherever_it_comes(self, small, photo, tmp_path):
        path = tmp_path / "photo.png"
        photo.save(path)
        expected = np.asarray(small.dream(photo, QUICK))
        pixels = np.asarray(photo)
        for source in (path, str(path), path.read_bytes(), path.open("rb"), pixels):
            dreamt = small.dream(source, QUICK)
            if hasattr(source, "close"):
                source.close()
            assert isinstance(dreamt, Image.Image)
            assert (dreamt.mode, dreamt.size) == ("RGB", (52, 40))
            assert np.array_equal(np.asarray(dreamt), expected)
        exact = small.dream_array(pixels / np.float32(255), QUICK)
        assert np.array_equal(np.rint(exact * 255), expected)

    def test_alpha_and_profile_are_kept(self, small, photo):
        alpha = np.random.default_rng(4).integers(0, 256, (40, 52), np.uint8)
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        see_through = Image.fromarray(np.dstack([np.asarray(photo), alpha]))
        see_through.info["icc_profile"] = profile
        dreamt = small.dream(see_through, QUICK)
        assert dreamt.mode == "RGBA"
        assert np.array_equal(np.asarray(dreamt)[..., 3], alpha)
        assert dreamt.info["icc_profile"] == profile
        colours = np.asarray(dreamt)[..., :3]
        moved = np.where(alpha[..., np.newaxis] > 0, small.dream(photo, QUICK), photo)
        assert np.array_equal(colours, moved)
        assert not np.array_equal(colours, np.asarray(photo))

    def test_a_missing_file_is_said_to_be_missing(self, small, tmp_path):
        with pytest.raises(ImageNotFoundError):
            small.dream(tmp_path / "nowhere.jpg")

    def test_one_call_is_enough(self, photo, tmp_path):
        path = save(convnet(), tmp_path / "foreign.onnx")
        network = onnxdream.load(path, mean=(0.5, 0.4, 0.3))
        machine = Machine(threads=1, lowering="portable")
        with Dreamer(network, ["first", "second"], machine=machine) as dreamer:
            expected = dreamer.dream(photo, QUICK, seed=3)
        told: list[Progress] = []
        found = onnxdream.dream(
            photo,
            QUICK,
            machine=machine,
            progress=told.append,
            network=str(path),
            preprocessing=network.preprocessing,
            layers=["first", "second"],
            seed=3,
        )
        assert found.tobytes() == expected.tobytes()
        assert len(told) == 4
