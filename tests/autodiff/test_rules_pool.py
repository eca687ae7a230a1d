"""Pooling against finite differences, and who gets the gradient where maxima tie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from onnxdream.errors import NetworkFormatError, UnsupportedOperatorError
from onnxdream.graph import FLOAT, Builder
from rules import Build, check_gradient, distinct, gradient_of_image, random

POOLS = ["MaxPool", "AveragePool"]


def pool(op: str, kernel: tuple[int, ...], **attributes: Any) -> Build:
    return lambda b: b(op, "image", kernel_shape=list(kernel), **attributes)


@pytest.fixture(params=["MaxPool", "AveragePool", "AveragePool, padding counts"])
def kind(request) -> dict[str, Any]:
    """A pool, and whether padding counts."""
    op, _, counts = request.param.partition(", ")
    return {"op": op, "count_include_pad": 1} if counts else {"op": op}


@pytest.mark.parametrize("kernel", [(1, 1), (2, 2), (3, 3), (1, 3), (5, 2), (7, 6)])
def test_kernels(lowering, kind, kernel):
    check_gradient(lowering, pool(**kind, kernel=kernel))


@pytest.mark.parametrize("ceil_mode", [0, 1])
@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 2, 0], [2, 2, 0, 1]])
@pytest.mark.parametrize("strides", [[1, 1], [2, 2], [3, 3], [1, 2], [4, 1]])
def test_strides_and_pads(lowering, kind, strides, pads, ceil_mode):
    build = pool(**kind, kernel=(3, 3), strides=strides, pads=pads, ceil_mode=ceil_mode)
    check_gradient(lowering, build, distinct(1, 3, 8, 6))


@pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize("kernel", [(3, 3), (2, 4)])
@pytest.mark.parametrize("strides", [[1, 1], [2, 2], [3, 2], [1, 3]])
@pytest.mark.parametrize("size", [(7, 6), (8, 9)], ids=["7x6", "8x9"])
def test_auto_pad(lowering, kind, auto_pad, kernel, strides, size):
    build = pool(**kind, kernel=kernel, auto_pad=auto_pad, strides=strides)
    check_gradient(lowering, build, distinct(1, 3, *size))


@pytest.mark.parametrize("strides", [[1, 1], [2, 2], [3, 1]])
@pytest.mark.parametrize("dilations", [[2, 2], [3, 1]])
@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 0, 1, 1]])
@pytest.mark.parametrize("ceil_mode", [0, 1])
def test_dilated_maxima(lowering, strides, dilations, pads, ceil_mode):
    build = pool(
        "MaxPool", (3, 2), strides=strides, dilations=dilations, pads=pads, ceil_mode=ceil_mode
    )
    check_gradient(lowering, build, distinct(1, 3, 9, 8))


@given(
    op=st.sampled_from(POOLS),
    kernel=st.tuples(*[st.integers(1, 4)] * 2),
    strides=st.tuples(*[st.integers(1, 4)] * 2),
    pads=st.tuples(*[st.integers(0, 3)] * 4),
    ceil_mode=st.integers(0, 1),
    counts=st.integers(0, 1),
    size=st.tuples(*[st.integers(1, 9)] * 2),
)
def test_anything_else(lowering, op, kernel, strides, pads, ceil_mode, counts, size):
    for axis in (0, 1):
        assume(max(pads[axis], pads[axis + 2]) < kernel[axis])
        assume(size[axis] + pads[axis] + pads[axis + 2] >= kernel[axis])
    attributes = {"count_include_pad": counts} if op == "AveragePool" else {}
    build = pool(
        op, kernel, strides=list(strides), pads=list(pads), ceil_mode=ceil_mode, **attributes
    )
    check_gradient(lowering, build, distinct(1, 3, *size))


@pytest.mark.parametrize("op", ["GlobalAveragePool", "GlobalMaxPool"])
@pytest.mark.parametrize("size", [(7, 6), (1, 1)])
def test_global_pools(lowering, op, size):
    check_gradient(lowering, lambda b: b(op, "image"), distinct(1, 3, *size))


@pytest.mark.parametrize("op", ["GlobalAveragePool", "GlobalMaxPool"])
def test_global_pools_over_one_axis(lowering, op):
    check_gradient(lowering, lambda b: b(op, b("Reshape", "image", b.ints(1, 3, -1))))


@pytest.mark.parametrize("op", POOLS)
def test_one_axis_only_is_refused(lowering, op):
    def build(b: Builder) -> str:
        return b(op, b("Reshape", "image", b.ints(1, 3, -1)), kernel_shape=[2])

    with pytest.raises(UnsupportedOperatorError, match=op):
        gradient_of_image(lowering, build, distinct(1, 3, 4, 4))


def first_maxima(image: np.ndarray, kernel: int, stride: int) -> np.ndarray:
    """The gradient of Σ (max + 0.7)², by the definition: the first maximum takes it all."""
    gradient = np.zeros_like(image)
    counts = [(extent - kernel) // stride + 1 for extent in image.shape[2:]]
    for n, c, top, left in np.ndindex(*image.shape[:2], *counts):
        rows = slice(top * stride, top * stride + kernel)
        columns = slice(left * stride, left * stride + kernel)
        window = image[n, c, rows, columns]
        place = np.unravel_index(window.argmax(), window.shape)
        gradient[n, c, rows, columns][place] += 2 * (window.max() + np.float32(0.7))
    return gradient


@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (3, 1), (3, 2), (2, 3)])
@pytest.mark.parametrize("kinds", [1, 2, 3], ids=["flat", "two levels", "three levels"])
def test_the_first_of_tied_maxima_takes_everything(lowering, kernel, stride, kinds):
    """Row by row, as in PyTorch; overlapping windows add up."""
    image = np.random.default_rng(0).integers(0, kinds, (1, 3, 8, 7)).astype(np.float32)
    build = pool("MaxPool", (kernel, kernel), strides=[stride, stride])
    gradient = gradient_of_image(lowering, build, image)
    np.testing.assert_allclose(gradient, first_maxima(image, kernel, stride), rtol=1e-6)


def test_padding_never_is_the_maximum(lowering):
    """Padding is less than anything, below zero too."""
    image = distinct(1, 3, 4, 4) - 10
    build = pool("MaxPool", (3, 3), pads=[1, 1, 1, 1], strides=[2, 2])
    check_gradient(lowering, build, image)


def test_the_first_maximum_of_a_channel_takes_everything(lowering):
    image = np.zeros((1, 3, 3, 4), np.float32)
    image[0, 1, 1, 2] = image[0, 1, 2, 0] = 5
    gradient = gradient_of_image(lowering, lambda b: b("GlobalMaxPool", "image"), image)
    expected = np.zeros_like(image)
    expected[0, 0, 0, 0] = expected[0, 2, 0, 0] = 1.4
    expected[0, 1, 1, 2] = 11.4
    np.testing.assert_allclose(gradient, expected, rtol=1e-6)


@pytest.mark.parametrize("storage_order", [0, 1], ids=["by rows", "by columns"])
@pytest.mark.parametrize("used", [False, True], ids=["ignored", "used"])
def test_indices_that_the_network_takes_itself(lowering, storage_order, used):
    """The network may ask for the indices, column by column even, and read them."""

    def build(b: Builder) -> str:
        attributes = {"kernel_shape": [2, 3], "strides": [2, 1], "storage_order": storage_order}
        maxima, indices = b.many("MaxPool", ["image"], 2, **attributes)
        scale = b("Mul", b("Cast", indices, to=FLOAT), b.constant(0.01))
        return b("Mul", maxima, scale) if used else maxima

    check_gradient(lowering, build)


def test_storage_order_without_indices_means_nothing(lowering):
    check_gradient(lowering, pool("MaxPool", (2, 3), storage_order=1))


def test_pools_in_a_row(lowering):
    """Two pools of one tensor, one of them twice, and a pool of a pool."""

    def build(b: Builder) -> str:
        first = b("MaxPool", "image", kernel_shape=[2, 2])
        second = b("AveragePool", "image", kernel_shape=[2, 2])
        third = b("MaxPool", first, kernel_shape=[2, 2], strides=[2, 2])
        ends = [b("GlobalMaxPool", each) for each in (first, second, third, first)]
        return b("Concat", *ends, axis=1)

    check_gradient(lowering, build)


def test_pool_behind_a_relu(lowering):
    """The flat parts of a Relu make ties that finite differences do not see."""

    def build(b: Builder) -> str:
        convolved = b("Conv", "image", b.constant(random(4, 3, 3, 3)), b.constant(random(4)))
        return b("MaxPool", b("Relu", convolved), kernel_shape=[3, 3], strides=[2, 2])

    check_gradient(lowering, build)


def test_many_elements_in_a_window(lowering):
    """Not one node for each of them."""
    check_gradient(lowering, pool("MaxPool", (40, 40), strides=[2, 2]), distinct(1, 3, 41, 40))


def test_shares_that_take_more_memory_than_there_is(lowering):
    """Windows may reach as far as their padding, and that is as far as the file says."""
    most = 10**6
    build = pool("AveragePool", (most, most), strides=[most, most], pads=[most - 1] * 4)
    try:
        gradient_of_image(lowering, build, distinct(1, 3, 5, 5))
    except NetworkFormatError as error:
        assert "AveragePool" in str(error)
