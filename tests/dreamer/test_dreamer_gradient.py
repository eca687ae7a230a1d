"""The loss of a picture and its gradient, on real networks and a tiny one."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import onnx
import pytest
from dreaming import picture, small_dreamer

from onnxdream import Dreamer, Machine
from onnxdream.errors import (
    GradientError,
    ImageFormatError,
    NetworkFormatError,
)
from onnxdream.graph import Node
from onnxdream.runtime import accelerated_lowering
from running import session_of
from small_networks import (
    convnet,
    infinite_slope,
    not_a_number,
)

NETWORKS = ("squeezenet", "efficientnet-lite0")
SIZES = [(64, 80), (97, 61), (131, 97)]


class TestGradient:
    @pytest.mark.parametrize("size", SIZES, ids=str)
    def test_it_is_the_slope_of_the_loss(self, dreamer, size):
        """Central differences, along the gradient itself and along parts of it."""
        pixels = picture(*size)
        _, gradient = dreamer.gradient(pixels)
        upper = (np.arange(size[0]) < size[0] // 2)[:, None, None]
        scattered = np.random.default_rng(1).random((*size, 1)) < 0.5
        for part in (True, *np.eye(3, dtype=bool), upper, scattered):
            way = gradient * part
            way *= 1e-4 / np.abs(way).max()
            ahead, behind = (dreamer.gradient(pixels + s * way)[0] for s in (1, -1))
            rise = 2 * np.vdot(gradient.astype(np.float64), way)
            assert ahead - behind == pytest.approx(rise, rel=1e-2)

    @pytest.mark.parametrize("size", SIZES, ids=str)
    def test_the_loss_is_what_the_plain_file_says(self, dreamer, size):
        pixels = picture(*size)
        outputs = plain_forward(dreamer, pixels)
        expected = sum(
            weight * np.mean(outputs[layer].astype(np.float64) ** 2)
            for layer, weight in dreamer.layers.items()
        )
        loss, _ = dreamer.gradient(pixels)
        assert isinstance(loss, float)
        assert loss == pytest.approx(expected, rel=1e-5)

    def test_both_lowerings_agree(self):
        if accelerated_lowering() is None:
            pytest.skip("the compiled operators do not work here")
        for network in NETWORKS:
            pixels = picture(131, 97)
            with Dreamer(network, machine=Machine(lowering="portable")) as portable:
                loss, gradient = portable.gradient(pixels)
            with Dreamer(network, machine=Machine(lowering="accelerated")) as accelerated:
                same_loss, same = accelerated.gradient(pixels)
            assert same_loss == pytest.approx(loss, rel=1e-5)
            assert np.linalg.norm(same - gradient) < 1e-4 * np.linalg.norm(gradient)

    def test_it_looks_like_the_picture(self, small):
        pixels = picture(37, 50)
        before = pixels.copy()
        _, gradient = small.gradient(pixels)
        assert gradient.shape == pixels.shape
        assert gradient.dtype == np.float32
        assert np.array_equal(pixels, before)

    def test_strides_do_not_matter(self, small):
        pixels = picture(37, 50)
        loss, gradient = small.gradient(pixels)
        same_loss, same = small.gradient(np.asfortranarray(pixels))
        assert (same_loss, same.tobytes()) == (loss, gradient.tobytes())

    @pytest.mark.parametrize(
        "pixels",
        [
            pytest.param(np.zeros((40, 40, 3), np.uint8), id="bytes"),
            pytest.param(np.zeros((40, 40, 3)), id="float64"),
            pytest.param(np.zeros((40, 40), np.float32), id="grey"),
            pytest.param(np.zeros((40, 40, 4), np.float32), id="alpha"),
            pytest.param(np.zeros((3, 40, 40), np.float32), id="channels first"),
            pytest.param(np.zeros((0, 40, 3), np.float32), id="empty"),
            pytest.param(np.full((40, 40, 3), np.nan, np.float32), id="NaN"),
            pytest.param(np.full((40, 40, 3), np.inf, np.float32), id="infinite"),
        ],
    )
    def test_what_is_no_picture_is_refused(self, small, pixels):
        for use in (small.gradient, small.dream_array):
            with pytest.raises(ImageFormatError, match=r"^pixels must be"):
                use(pixels)

    def test_too_small_a_picture_is_refused(self, dreamer):
        with pytest.raises(ImageFormatError, match=r"60×47 pixels.*at least 48"):
            dreamer.gradient(picture(47, 60))

    def test_a_loss_that_is_no_number_is_an_error(self):
        with small_dreamer(not_a_number()) as nan, pytest.raises(GradientError, match="not a fin"):
            nan.gradient(picture(32, 32))

    @pytest.mark.parametrize("lowering", ["portable", "auto"])
    def test_a_gradient_that_is_not_finite_is_an_error(self, lowering):
        steep = small_dreamer(infinite_slope(), lowering=lowering)
        with steep, pytest.raises(GradientError, match="gradient is not finite"):
            steep.gradient(picture(32, 32))

    def test_what_only_the_portable_lowering_takes(self, caplog):
        """The attribute is true, and the compiled operators want it to be 1."""
        if accelerated_lowering() is None:
            pytest.skip("the compiled operators do not work here")
        graph = convnet()
        attributes = {"kernel_shape": [2, 2], "count_include_pad": 2**32}
        graph.nodes.append(Node("AveragePool", ["second"], ["mean"], attributes))
        with (
            small_dreamer(graph, ["mean"], lowering="accelerated") as accelerated,
            pytest.raises(NetworkFormatError),
        ):
            accelerated.gradient(picture(32, 32))
        with small_dreamer(graph, ["mean"], lowering="portable") as portable:
            expected = portable.gradient(picture(32, 32))
        caplog.set_level("WARNING", "onnxdream")
        with small_dreamer(graph, ["mean"]) as dreamer:
            found = dreamer.gradient(picture(32, 32))
            assert dreamer.lowering == "portable"
        assert "the portable one takes its place" in caplog.text
        assert len(caplog.records) == 1
        assert found[0] == expected[0]
        np.testing.assert_array_equal(found[1], expected[1])


def plain_forward(dreamer: Dreamer, pixels: np.ndarray) -> dict[str, np.ndarray]:
    """A network's layers as ONNX Runtime computes them from the file, without onnxdream."""
    path = Path(str(files("onnxdream.models") / f"{dreamer.network.name}.onnx"))
    model = onnx.load(path)
    del model.graph.output[:]
    for layer in dreamer.layers:
        model.graph.output.append(onnx.ValueInfoProto(name=layer))
    preprocessing = dreamer.network.preprocessing
    low, high = preprocessing.value_range
    channels = pixels[..., ::-1] if preprocessing.channels == "BGR" else pixels
    fed = (low + channels * (high - low) - preprocessing.mean) / preprocessing.std
    image = np.ascontiguousarray(fed.transpose(2, 0, 1)[None], np.float32)
    found = session_of(model).run(None, {"image": image})
    return dict(zip(dreamer.layers, found, strict=True))
