"""Matrix products, softmax and the normalizations against finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from onnxdream.errors import UnsupportedOperatorError
from onnxdream.graph import Builder
from rules import Build, check_gradient, distinct, gradient_of_image, random

HEIGHT, WIDTH = 7, 6


@pytest.mark.parametrize("shape", [(6, 4), (1, 3, 6, 4), (3, 6, 4), (2, 1, 6, 4), (5, 1, 1, 6, 4)])
def test_image_times_a_matrix(lowering, shape):
    build: Build = lambda b: b("MatMul", "image", b.constant(random(*shape)))  # noqa: E731
    check_gradient(lowering, build, size=(HEIGHT, WIDTH))


@pytest.mark.parametrize("shape", [(4, 7), (1, 3, 4, 7), (3, 4, 7), (2, 1, 4, 7), (5, 1, 1, 4, 7)])
def test_matrix_times_the_image(lowering, shape):
    build: Build = lambda b: b("MatMul", b.constant(random(*shape)), "image")  # noqa: E731
    check_gradient(lowering, build, size=(HEIGHT, WIDTH))


def flat(b: Builder, *shape: int) -> str:
    return b("Reshape", "image", b.ints(*shape))


def test_channels_of_any_size(lowering):
    """Attention's way: a tokens × channels matrix whose number of tokens is not known."""

    def build(b: Builder) -> str:
        tokens = b("Transpose", flat(b, 3, -1), perm=[1, 0])
        return b("MatMul", tokens, b.constant(random(3, 5)))

    check_gradient(lowering, build)


def test_image_times_itself(lowering):
    """Both sides depend on the image: a Gram matrix."""

    def build(b: Builder) -> str:
        rows = flat(b, 3, -1)
        return b("MatMul", rows, b("Transpose", rows, perm=[1, 0]))

    check_gradient(lowering, build)


@pytest.mark.parametrize("swapped", [False, True])
def test_both_sides_with_unequal_batches(lowering, swapped):
    def build(b: Builder) -> str:
        many = b("Tanh", flat(b, 3, 7, 6))
        one = b("ReduceMean", flat(b, 3, 6, 7), b.ints(0), keepdims=0)
        return b("MatMul", *((one, many) if swapped else (many, one)))

    check_gradient(lowering, build, size=(HEIGHT, WIDTH))


@pytest.mark.parametrize("left", [False, True])
def test_a_vector_is_refused(lowering, left):
    def build(b: Builder) -> str:
        vector = b.constant(random(7 if left else 6))
        return b("MatMul", *((vector, "image") if left else ("image", vector)))

    with pytest.raises(UnsupportedOperatorError, match="MatMul"):
        gradient_of_image(lowering, build, distinct(1, 3, 7, 6), (HEIGHT, WIDTH))


BIASES = [None, (5,), (1, 5), (1, 1), (), (1,), (9, 5), (9, 1)]


def gemm(b: Builder, a: str, trans_a: int, trans_b: int, bias: str | None) -> str:
    """A product [9, 5] of an `a` of [9, 14], or [14, 9] where it is transposed."""
    weight = b.constant(random(*((5, 14) if trans_b else (14, 5))))
    attributes = {"transA": trans_a, "transB": trans_b, "alpha": 0.6, "beta": -1.5}
    return b("Gemm", a, weight, bias, **attributes)


@pytest.mark.parametrize("shape", BIASES)
@pytest.mark.parametrize("trans_a", [0, 1])
@pytest.mark.parametrize("trans_b", [0, 1])
def test_gemm_of_the_image(lowering, trans_a, trans_b, shape):
    def build(b: Builder) -> str:
        bias = None if shape is None else b.constant(random(*shape))
        return gemm(b, flat(b, *((14, 9) if trans_a else (9, 14))), trans_a, trans_b, bias)

    check_gradient(lowering, build)


@pytest.mark.parametrize("trans_a", [0, 1])
@pytest.mark.parametrize("trans_b", [0, 1])
def test_gemm_by_the_image(lowering, trans_a, trans_b):
    def build(b: Builder) -> str:
        weight = b.constant(random(*((14, 5) if trans_a else (5, 14))))
        image = flat(b, *((9, 14) if trans_b else (14, 9)))
        return b("Gemm", weight, image, transA=trans_a, transB=trans_b, alpha=0.6)

    check_gradient(lowering, build)


@pytest.mark.parametrize("shape", [shape for shape in BIASES if shape is not None])
def test_gemm_whose_bias_depends_on_the_image(lowering, shape):
    def build(b: Builder) -> str:
        count = int(np.prod(shape))
        some = b("Slice", flat(b, -1), b.ints(0), b.ints(count))
        bias = b("Reshape", some, b.ints(*shape))
        return gemm(b, flat(b, 9, 14), 0, 0, bias)

    check_gradient(lowering, build)


def test_gemm_with_default_factors(lowering):
    check_gradient(
        lowering, lambda b: b("Gemm", flat(b, 9, 14), b.constant(random(14, 2)), b.constant(1))
    )


@pytest.mark.parametrize("axis", [None, -1, 0, 1, 2, 3, -3])
def test_softmax(lowering, axis):
    attributes = {} if axis is None else {"axis": axis}

    def build(b: Builder) -> str:
        # Over the axis of extent 1 the softmax is 1 and its gradient 0.
        mixed = b("Add", "image", b("Softmax", "image", **attributes))
        return b("Mul", mixed, b("Softmax", "image", **attributes))

    check_gradient(lowering, build)


@pytest.mark.parametrize("attributes", [{}, {"epsilon": 0.1}, {"epsilon": 1e-3, "momentum": 0.5}])
def test_batch_normalization(lowering, attributes):
    def build(b: Builder) -> str:
        scale, shift, mean = (b.constant(random(3, seed=seed)) for seed in (1, 2, 3))
        variance = b.constant(random(3, seed=4) ** 2)
        return b("BatchNormalization", "image", scale, shift, mean, variance, **attributes)

    check_gradient(lowering, build)


def test_batch_normalization_of_rows(lowering):
    def build(b: Builder) -> str:
        weights = [b.constant(random(6, seed=seed)) for seed in (1, 2, 3)]
        variance = b.constant(random(6, seed=4) ** 2)
        return b("BatchNormalization", flat(b, -1, 6), *weights, variance)

    check_gradient(lowering, build, size=(HEIGHT, WIDTH))


def test_batch_normalization_in_training_is_refused(lowering):
    """There the statistics are the image's own."""

    def build(b: Builder) -> str:
        weights = [b.constant(random(3, seed=seed) ** 2) for seed in (1, 2, 3, 4)]
        return b.many("BatchNormalization", ["image", *weights], 3, training_mode=1)[0]

    with pytest.raises(UnsupportedOperatorError, match="BatchNormalization"):
        gradient_of_image(lowering, build, distinct(1, 3, 4, 4))


@pytest.mark.parametrize("size", [1, 3, 5, 9])
@pytest.mark.parametrize(
    "attributes",
    [{}, {"alpha": 0.8, "beta": 0.6, "bias": 1.5}, {"alpha": 2.0, "beta": 1.0}, {"bias": 0.3}],
    ids=["defaults", "all", "beta 1", "bias"],
)
def test_lrn(lowering, size, attributes):
    """ONNX Runtime knows odd sizes only; one of these is larger than there are channels."""

    def build(b: Builder) -> str:
        seven = b("Conv", "image", b.constant(random(7, 3, 1, 1)))
        return b("LRN", seven, size=size, **attributes)

    check_gradient(lowering, build)


def test_lrn_of_numbers_that_matter(lowering):
    """With alpha as large as here, half of the gradient comes from the neighbours."""
    check_gradient(lowering, lambda b: b("LRN", "image", size=3, alpha=9.0, beta=0.75, bias=0.5))
