"""Activations against finite differences, and what they do at their kinks."""

from __future__ import annotations

import numpy as np
import pytest

from onnxdream.graph import Builder
from rules import Build, check_gradient, distinct, gradient_of_image, random


def unary(op: str, **attributes: float) -> Build:
    return lambda b: b(op, "image", **attributes)


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(unary("Relu"), id="Relu"),
        pytest.param(unary("LeakyRelu"), id="LeakyRelu"),
        pytest.param(unary("LeakyRelu", alpha=0.3), id="LeakyRelu-0.3"),
        pytest.param(unary("Sigmoid"), id="Sigmoid"),
        pytest.param(unary("Tanh"), id="Tanh"),
        pytest.param(unary("Softplus"), id="Softplus"),
        pytest.param(unary("Elu"), id="Elu"),
        pytest.param(unary("Elu", alpha=0.4), id="Elu-0.4"),
        pytest.param(unary("HardSigmoid"), id="HardSigmoid"),
        pytest.param(unary("HardSigmoid", alpha=0.7, beta=0.4), id="HardSigmoid-kinks"),
        pytest.param(unary("HardSwish"), id="HardSwish"),
        pytest.param(
            lambda b: b("HardSwish", b("Mul", "image", b.constant(3))), id="HardSwish-wide"
        ),
    ],
)
def test_activations(lowering, build):
    check_gradient(lowering, build)


def test_hard_swish_beyond_its_kinks(lowering):
    check_gradient(lowering, unary("HardSwish"), 2.6 * distinct(1, 3, 7, 6))


@pytest.mark.parametrize(
    "bounds",
    [(-0.805, 0.805), (-0.805, None), (None, 0.805), (None, None), (-3.4028235e38, 3.4028235e38)],
)
def test_clip(lowering, bounds):
    def build(b: Builder) -> str:
        return b("Clip", "image", *(None if v is None else b.constant(v) for v in bounds))

    check_gradient(lowering, build)


def test_clip_without_further_inputs(lowering):
    check_gradient(lowering, unary("Clip"))


@pytest.mark.parametrize("shape", [(3, 1, 1), (1,), (1, 3, 1, 1), (), (3, 7, 6), (6,)])
def test_p_relu(lowering, shape):
    check_gradient(lowering, lambda b: b("PRelu", "image", b.constant(random(*shape))))


@pytest.mark.parametrize("shape", [(), (3, 1, 1)])
def test_p_relu_whose_slope_depends_on_the_image(lowering, shape):
    def build(b: Builder) -> str:
        mean = b(
            "ReduceMean", "image", b.ints(*((2, 3) if shape else ())), keepdims=int(bool(shape))
        )
        slope = b("Reshape", mean, b.ints(*shape))
        return b("PRelu", b("Mul", "image", b.constant(random(3, 1, 1))), slope)

    check_gradient(lowering, build)


KINKED = np.array([-1, 0, 1, 6, 7, -3, 3, 0.5], np.float32)


def at_kinks(lowering, build: Build) -> np.ndarray:
    """Which of the numbers in KINKED get a gradient."""
    image = np.broadcast_to(KINKED, (1, 3, 2, 8)).copy()
    return gradient_of_image(lowering, build, image)[0, 1, 1] != 0


def test_relu_passes_only_above_zero(lowering):
    assert at_kinks(lowering, unary("Relu")).tolist() == (KINKED > 0).tolist()


def test_clip_passes_only_strictly_inside(lowering):
    passes = at_kinks(lowering, lambda b: b("Clip", "image", b.constant(0), b.constant(6)))
    assert passes.tolist() == ((KINKED > 0) & (KINKED < 6)).tolist()


def test_hard_sigmoid_passes_only_strictly_inside(lowering):
    passes = at_kinks(lowering, unary("HardSigmoid", alpha=0.5, beta=0.5))
    assert passes.tolist() == ((KINKED > -1) & (KINKED < 1)).tolist()


def test_hard_swish_is_flat_at_minus_three(lowering):
    assert at_kinks(lowering, unary("HardSwish")).tolist() == (KINKED != -3).tolist()


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1e12, 1e30])
def test_masks_hold_for_tiny_and_huge_numbers(lowering, scale):
    """The masks multiply by a huge number and clip; the product must not matter."""
    image = distinct(1, 3, 4, 4) * np.float32(scale)
    passes = gradient_of_image(lowering, unary("Relu"), image) != 0
    np.testing.assert_array_equal(passes, image > 0)
    below_ten = gradient_of_image(
        lowering, lambda b: b("Clip", "image", None, b.constant(10)), image
    )
    np.testing.assert_array_equal(below_ten != 0, image < 10)
