"""A detail added to a picture, by strips and in the picture's own depth."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from onnxdream import Dreamer, Recipe, images, kernels
from onnxdream.detail import Detail
from onnxdream.errors import RecipeError
from onnxdream.images import picture as module
from onnxdream.images.picture import DEPTHS

sides = st.integers(1, 24)
depths = st.sampled_from(sorted(DEPTHS))


def picture(height: int, width: int, depth: int, alpha: bool, seed: int = 0) -> images.Picture:
    """Noise in a depth; of its alpha, a third is 0."""
    random = np.random.default_rng(seed)
    floats = random.random((height, width, 4), np.float32)
    floats[..., 3] *= random.integers(0, 3, (height, width)) > 0
    made = images.Picture(floats[..., :3].copy(), floats[..., 3].copy() if alpha else None)
    return made.in_depth(depth)


def detail(height: int, width: int, deviation: float = 0.1, seed: int = 1) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(0, deviation, (height, width, 3)).astype(np.float32)


@given(
    size=st.tuples(sides, sides),
    small=st.tuples(sides, sides),
    depth=depths,
    alpha=st.booleans(),
    strip=st.integers(1, 200),
    filter=st.sampled_from(["bilinear", "bicubic", "area"]),
)
def test_strips_are_the_whole(size, small, depth, alpha, strip, filter):
    original = picture(*size, depth, alpha)
    added = detail(*small)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_STRIP_PIXELS", strip)
        samples, rms = Detail(original, added, filter, 2).added(0.7)

    large = kernels.resize(added, *size, filter) if size != small else added
    moved = np.clip(large * np.float32(0.7) + original.pixels, 0, 1)
    if alpha:
        moved[original.alpha == 0] = original.pixels[original.alpha == 0]
    expected = images.Picture(moved).in_depth(depth).samples
    assert samples.dtype == original.samples.dtype
    np.testing.assert_array_equal(samples, expected)
    count = size[0] * size[1] if not alpha else np.count_nonzero(original.alpha)
    total = np.sum(np.square(np.float64(moved) - original.pixels))
    assert rms == pytest.approx(255 * np.sqrt(total / (3 * max(1, count))), rel=1e-4)


@given(size=st.tuples(sides, sides), depth=depths, alpha=st.booleans(), seed=st.integers(0, 99))
def test_no_strength_gives_the_same_bytes(size, depth, alpha, seed):
    original = picture(*size, depth, alpha, seed)
    samples, rms = Detail(original, detail(5, 4), "bilinear", 1).added(0.0)
    assert samples.tobytes() == original.samples.tobytes()
    assert rms == 0


@given(depth=depths, target=st.floats(0.1, 90))
def test_the_target_is_reached_or_refused(depth, target):
    made = Detail(picture(30, 40, depth, alpha=True), detail(11, 17), "bilinear", 1)
    try:
        strength = made.strength(Recipe(target_rms=target))
    except RecipeError as error:
        assume("differ" in str(error))
        assert made.rms(1000.0) < target
    else:
        assert made.added(strength)[1] == pytest.approx(target, rel=0.005)


def test_a_detail_of_nothing_reaches_no_target():
    made = Detail(picture(8, 8, 8, alpha=False), detail(8, 8, deviation=0), "bilinear", 1)
    with pytest.raises(RecipeError, match="cannot differ by 5 grey levels"):
        made.strength(Recipe(target_rms=5.0))


@pytest.mark.parametrize("depth", sorted(DEPTHS))
def test_transparent_pixels_stay(depth):
    original = picture(20, 30, depth, alpha=True)
    clear = original.alpha == 0
    samples, _ = Detail(original, detail(20, 30, deviation=0.5), "bilinear", 1).added(1.0)
    assert clear.any()
    assert np.array_equal(samples[clear], original.samples[clear])
    assert (samples[~clear] != original.samples[~clear]).any(axis=1).all()


def test_the_difference_is_measured_before_rounding():
    """A detail of a tenth of a level is lost in 8 bits, and is a tenth of a level."""
    grey = images.Picture(np.full((8, 8, 3), 100, np.uint8))
    samples, rms = Detail(grey, np.full((2, 2, 3), 0.1 / 255, np.float32), "bilinear", 1).added(1.0)
    assert np.array_equal(samples, grey.samples)
    assert rms == pytest.approx(0.1, rel=1e-3)


@pytest.mark.parametrize("depth", sorted(DEPTHS))
@pytest.mark.parametrize("alpha", [False, True])
def test_a_dream_has_the_depth_of_its_picture(depth, alpha):
    original = picture(70, 60, depth, alpha)
    settings = {"octaves": 1, "steps": 1, "size": 48}
    with Dreamer("squeezenet") as dreamer:
        dreamt = dreamer.dream_picture(original, **settings)
        still = dreamer.dream_picture(original, **settings, strength=0)
        floats = dreamer.dream_array(original.pixels, **settings)
    assert dreamt.samples.dtype == original.samples.dtype
    assert dreamt.alpha is original.alpha
    assert still.samples.tobytes() == original.samples.tobytes()
    moved = np.ones((70, 60), bool) if not alpha else original.alpha > 0
    expected = images.Picture(floats).in_depth(depth).samples
    assert np.array_equal(dreamt.samples[moved], expected[moved])


LARGE = """
import io, re, sys
import numpy as np
from onnxdream import images
from onnxdream.detail import Detail

def status(name):
    text = open("/proc/self/status").read()
    return int(re.search(name + r":\\s+(\\d+) kB", text)[1]) * 1024

small = np.zeros((40, 60, 3), np.float32)
images.write(images.read(np.zeros((9, 9, 3), np.uint8)), io.BytesIO())
before = status("VmRSS")
picture = images.read(sys.argv[1])
samples, _ = Detail(picture, small, "bilinear", 1).added(1.0)
images.write(picture.with_samples(samples), io.BytesIO())
print((status("VmHWM") - before) / (picture.width * picture.height))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux says of a process")
def test_a_large_picture_is_never_all_floats(tmp_path):
    """Two pictures of 3 bytes a pixel, what Pillow decodes or encodes, and a strip or two."""
    path = tmp_path / "large.jpg"
    Image.effect_noise((3000, 2000), 50).convert("RGB").save(path)
    done = subprocess.run(
        [sys.executable, "-c", LARGE, path], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 20
