"""Convolution against finite differences, over all that its attributes can say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from onnxdream.errors import UnsupportedOperatorError
from onnxdream.graph import Builder
from rules import Build, check_gradient, distinct, gradient_of_image, random


def conv(
    outputs: int, inputs: int, kernel: tuple[int, int], bias: bool = True, **attributes: Any
) -> Build:
    """A convolution of the image with random weights [outputs, inputs, *kernel]."""

    def build(b: Builder) -> str:
        weights = [b.constant(random(outputs, inputs, *kernel))]
        if bias:
            weights.append(b.constant(random(outputs, seed=5)))
        return b("Conv", "image", *weights, **attributes)

    return build


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (2, 2), (1, 3), (5, 2), (7, 6)])
def test_kernels(lowering, kernel, bias):
    check_gradient(lowering, conv(4, 3, kernel, bias, kernel_shape=list(kernel)))


def test_kernel_shape_may_be_left_to_the_weight(lowering):
    check_gradient(lowering, conv(2, 3, (2, 3)))


@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 2, 0], [2, 2, 0, 1]])
@pytest.mark.parametrize("strides", [[1, 1], [2, 2], [3, 3], [1, 2], [3, 1]])
def test_strides_and_pads(lowering, strides, pads):
    check_gradient(lowering, conv(2, 3, (3, 3), strides=strides, pads=pads))


@pytest.mark.parametrize("strides", [[1, 1], [2, 3]])
@pytest.mark.parametrize("pads", [[3, 3, 3, 3], [0, 5, 0, 0], [4, 0, 1, 6]])
def test_padding_beyond_the_kernel(lowering, strides, pads):
    """Some windows see nothing but padding."""
    check_gradient(lowering, conv(2, 3, (2, 3), strides=strides, pads=pads))


def test_a_point_with_padding(lowering):
    """A 1×1 kernel leaves no room for the padding of a kernel turned around."""
    check_gradient(lowering, conv(4, 3, (1, 1), pads=[1, 1, 1, 1]))


@pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize("kernel", [(3, 3), (2, 4), (1, 1)])
@pytest.mark.parametrize("strides", [[1, 1], [2, 2], [3, 2], [1, 3]])
@pytest.mark.parametrize("size", [(7, 6), (8, 9)], ids=["7x6", "8x9"])
def test_auto_pad(lowering, auto_pad, kernel, strides, size):
    build = conv(2, 3, kernel, auto_pad=auto_pad, strides=strides)
    check_gradient(lowering, build, distinct(1, 3, *size))


@pytest.mark.parametrize("strides", [[1, 1], [2, 2]])
@pytest.mark.parametrize("dilations", [[2, 2], [3, 1], [1, 2]])
@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [2, 1, 0, 2], [5, 5, 5, 5]])
def test_dilations(lowering, strides, dilations, pads):
    build = conv(2, 3, (3, 2), strides=strides, dilations=dilations, pads=pads)
    check_gradient(lowering, build, distinct(1, 3, 8, 7))


@pytest.mark.parametrize("strides", [[1, 1], [2, 2]])
@pytest.mark.parametrize("outputs", [3, 6], ids=["depthwise", "multiplied"])
def test_depthwise(lowering, outputs, strides):
    build = conv(outputs, 1, (3, 3), group=3, pads=[1, 1, 1, 1], strides=strides)
    check_gradient(lowering, build)


@pytest.mark.parametrize("strides", [[1, 1], [2, 2]])
@pytest.mark.parametrize("outputs", [2, 4, 6])
def test_groups_of_several_channels(lowering, outputs, strides):
    """Two groups that read three of six channels each."""

    def build(b: Builder) -> str:
        six = b("Conv", "image", b.constant(random(6, 3, 1, 1)))
        weight = b.constant(random(outputs, 3, 2, 3))
        return b("Conv", six, weight, group=2, pads=[1, 0, 0, 1], strides=strides)

    check_gradient(lowering, build)


@pytest.mark.parametrize("strides", [[1, 1], [2, 2]])
def test_a_weight_that_is_computed(lowering, strides):
    """Scaled weights, as files with unfolded normalizations have them."""

    def build(b: Builder) -> str:
        weight = b("Mul", b.constant(random(2, 3, 3, 3)), b.constant(random(2, 1, 1, 1)))
        return b("Conv", "image", weight, strides=strides)

    check_gradient(lowering, build)


def test_one_weight_for_two_convolutions(lowering):
    def build(b: Builder) -> str:
        weight = b.constant(random(3, 3, 3, 3))
        return b("Conv", b("Tanh", b("Conv", "image", weight)), weight, strides=[2, 2])

    check_gradient(lowering, build)


@given(
    kernel=st.tuples(*[st.integers(1, 4)] * 2),
    strides=st.tuples(*[st.integers(1, 3)] * 2),
    dilations=st.tuples(*[st.integers(1, 2)] * 2),
    pads=st.tuples(*[st.integers(0, 4)] * 4),
    group=st.sampled_from([1, 3]),
    multiplier=st.integers(1, 2),
    size=st.tuples(*[st.integers(1, 9)] * 2),
)
def test_anything_else(lowering, kernel, strides, dilations, pads, group, multiplier, size):
    for axis in (0, 1):
        extent = (kernel[axis] - 1) * dilations[axis] + 1
        assume(size[axis] + pads[axis] + pads[axis + 2] >= extent)
    build = conv(
        3 * multiplier,
        3 // group,
        kernel,
        strides=list(strides),
        dilations=list(dilations),
        pads=list(pads),
        group=group,
    )
    image = distinct(1, 3, *size)
    if is_seen(size, kernel, strides, dilations, pads):
        check_gradient(lowering, build, image)
    else:
        assert not gradient_of_image(lowering, build, image).any()


def is_seen(size, kernel, strides, dilations, pads) -> bool:
    """Whether any window reads a pixel, and not padding alone."""
    seen = []
    for axis in (0, 1):
        extent = (kernel[axis] - 1) * dilations[axis] + 1
        room = size[axis] + pads[axis] + pads[axis + 2] - extent
        starts = range(-pads[axis], room - pads[axis] + 1, strides[axis])
        taps = range(0, extent, dilations[axis])
        seen.append(any(0 <= start + tap < size[axis] for start in starts for tap in taps))
    return all(seen)


def test_weights_made_of_the_image_are_refused(lowering):
    def build(b: Builder) -> str:
        mean = b("ReduceMean", "image", b.ints(2, 3))
        weight = b("Mul", mean, b.constant(random(2, 3, 1, 1)))
        return b("Conv", "image", weight)

    with pytest.raises(UnsupportedOperatorError, match="Conv"):
        gradient_of_image(lowering, build, distinct(1, 3, 4, 4))


def test_one_axis_only_is_refused(lowering):
    """A convolution over time has no height and width."""

    def build(b: Builder) -> str:
        rows = b("Reshape", "image", b.ints(1, 3, -1))
        return b("Conv", rows, b.constant(random(2, 3, 3)))

    with pytest.raises(UnsupportedOperatorError, match="Conv"):
        gradient_of_image(lowering, build, distinct(1, 3, 4, 4))


@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 1, 1, 1]])
@pytest.mark.parametrize("strides", [[2000, 2000], [4, 2**31 - 1], [12, 12]])
def test_strides_beyond_the_image(lowering, strides, pads):
    """They cost no more than the image is large: not one node for each place within a stride."""

    def build(b: Builder) -> str:
        wide = b("Conv", "image", b.constant(random(16, 3, 3, 3)), pads=[1, 1, 1, 1])
        return b(
            "Conv", b("Relu", wide), b.constant(random(16, 16, 3, 3)), strides=strides, pads=pads
        )

    check_gradient(lowering, build, distinct(1, 3, 14, 15))
