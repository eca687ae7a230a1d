"""Whatever is given to the public names, only errors of ours come out."""

from __future__ import annotations

import io
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import onnxdream
from onnxdream import images
from onnxdream.errors import LayerNotFoundError, OnnxdreamError, RecipeError
from small_networks import CARD, LAYERS, convnet, network_of


class BytesPath:
    def __fspath__(self):
        return b"bytes"


class NoPath:
    def __fspath__(self):
        return 3


class Incomparable:
    __hash__ = None

    def __eq__(self, other):
        raise ValueError("It cannot be compared.")


class Failing:
    def read(self):
        raise RuntimeError("The stream fails.")

    def write(self, content):
        raise RuntimeError("The stream fails.")


ODD = [
    *(None, True, 3, -1, 2**70, 10**5000, 1.5, float("nan"), float("inf"), 1j),
    *(Fraction(1, 3), Decimal("sNaN"), np.float32(2), np.array(3), np.array(["a"])),
    *("", "x", "a\0b", "\ud800", "x" * 5000, "@", "@" + "9" * 5000, "https://a.b/c.png"),
    *(b"x", bytearray(b"x"), memoryview(b"x"), Path("x" * 5000), BytesPath(), NoPath()),
    *([], [[1], [2, 3]], [10**5000], ["x" * 10**6], {}, {"a": 1}, {1: 2}, (), set(), range(3)),
    *(object(), Incomparable(), Failing(), io.StringIO("x"), int, lambda: None),
    *(np.zeros(3), np.zeros((2, 2, 3), object), np.zeros((0, 0, 3), np.float32)),
    np.full((4, 4, 3), np.nan, np.float32),
]

NETWORK = network_of(convnet(), CARD)
PIXELS = np.random.default_rng(0).random((40, 40, 3), np.float32)
PICTURE = images.Picture(PIXELS)
QUICK = {"octaves": 1, "steps": 1, "jitter": 0}


@pytest.fixture(scope="module")
def dreamer():
    with onnxdream.Dreamer(NETWORK, LAYERS) as dreamer:
        yield dreamer


def settings_of(function, names, *arguments, **settings):
    return {
        f"{getattr(function, '__name__', function)}({name})": lambda d, odd, name=name: function(
            *arguments, **{**settings, name: odd}
        )
        for name in names
    }


FEEDING = onnxdream.Preprocessing.__struct_fields__
HOW = ("machine", "cancel", "timeout")
FEW = {"octaves": 1, "steps": 1, "jitter": 0, "network": "squeezenet", "layers": "fire2"}

CALLS = {
    "load": lambda d, odd: onnxdream.load(odd),
    **settings_of(onnxdream.load, FEEDING, "squeezenet"),
    **settings_of(onnxdream.Dreamer, ("network",)),
    **settings_of(onnxdream.Dreamer, ("layers", "machine"), NETWORK),
    **settings_of(onnxdream.dream, (*HOW, *FEW), PIXELS, **FEW),
    **settings_of(onnxdream.Recipe, onnxdream.Recipe.__struct_fields__),
    **settings_of(onnxdream.Machine, onnxdream.Machine.__dataclass_fields__),
    **settings_of(onnxdream.Preprocessing, FEEDING),
    **settings_of(onnxdream.Cuda, onnxdream.Cuda.__dataclass_fields__),
    "dream of": lambda d, odd: onnxdream.dream(odd, **FEW),
    "dream by": lambda d, odd: onnxdream.dream(PIXELS, odd, **FEW),
    "read_texts": lambda d, odd: images.read_texts(odd),
    "read_recipe": lambda d, odd: onnxdream.read_recipe(odd),
    "Dreamer.dream": lambda d, odd: d.dream(odd, **QUICK),
    "Dreamer.dream, a recipe": lambda d, odd: d.dream(PIXELS, odd, **QUICK),
    "Dreamer.dream_array": lambda d, odd: d.dream_array(odd, **QUICK),
    "Dreamer.dream_picture": lambda d, odd: d.dream_picture(odd, **QUICK),
    "Dreamer.gradient": lambda d, odd: d.gradient(odd),
    "Network.weights": lambda d, odd: NETWORK.weights(odd),
    "Network.weights, several": lambda d, odd: NETWORK.weights([odd]),
    "Network.weights, a weight": lambda d, odd: NETWORK.weights({"second": odd}),
    "Network.resolve": lambda d, odd: NETWORK.resolve(odd),
    "images.read": lambda d, odd: images.read(odd),
    "images.write": lambda d, odd: images.write(odd, io.BytesIO()),
    "images.write, a format": lambda d, odd: images.write(PICTURE, io.BytesIO(), odd),
    "images.write, a quality": lambda d, odd: images.write(PICTURE, io.BytesIO(), "JPEG", odd),
    "images.write, a target": lambda d, odd: images.write(PICTURE, odd),
    "images.check_target": lambda d, odd: images.check_target(odd),
    "images.check_target, a format": lambda d, odd: images.check_target("x.png", odd),
    "images.check_target, a picture": lambda d, odd: images.check_target("x.png", like=odd),
    "images.checked": lambda d, odd: images.checked(odd),
    "Picture": lambda d, odd: images.write(images.Picture(odd), io.BytesIO()),
    "Picture, alpha": lambda d, odd: images.Picture(PIXELS, odd),
    "Picture, a profile": lambda d, odd: images.write(
        images.Picture(PIXELS, None, odd), io.BytesIO(), "PPM"
    ),
    "Picture.with_samples": lambda d, odd: PICTURE.with_samples(odd),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_only_errors_of_ours_come_out(call, dreamer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for odd in ODD:
        try:
            call(dreamer, odd)
        except OnnxdreamError as error:
            assert 0 < len(str(error)) < 1000


@pytest.mark.parametrize("odd", [3, "x", object(), []], ids=repr)
def test_progress_that_cannot_be_called_is_said_at_once(odd, dreamer):
    with pytest.raises(RecipeError, match="progress must be callable"):
        dreamer.dream(PIXELS, progress=odd)


@pytest.mark.parametrize("layer", ["@", "@" + "9" * 5000, "@٣٣٣"])
def test_a_number_that_no_layer_has(layer):
    with pytest.raises(LayerNotFoundError):
        NETWORK.resolve(layer)
