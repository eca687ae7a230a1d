"""Sums, products, powers and reductions against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxdream.graph import FLOAT, Builder
from rules import check_gradient, distinct, gradient_of_image, random


def positive(b: Builder) -> str:
    """The image, moved above zero."""
    return b("Add", "image", b.constant(3))


def away_from_zero(shape: tuple[int, ...]) -> np.ndarray:
    values = random(*shape)
    return values + np.sign(values)


# Shapes that broadcast with an image [1, 3, 7, 6].
SHAPES = [
    (),
    (1,),
    (6,),
    (7, 1),
    (3, 1, 1),
    (1, 3, 1, 1),
    (1, 3, 7, 6),
    (2, 1, 1, 1, 1),
    (2, 3, 1, 6),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div"])
def test_image_with_a_weight(lowering, op, shape):
    check_gradient(
        lowering, lambda b: b(op, "image", b.constant(away_from_zero(shape))), size=(7, 6)
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div"])
def test_weight_with_the_image(lowering, op, shape):
    check_gradient(
        lowering, lambda b: b(op, b.constant(away_from_zero(shape)), positive(b)), size=(7, 6)
    )


@pytest.mark.parametrize("axes", [(0, 1, 2, 3), (2, 3), (1,), (3,), (0,)])
@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div"])
@pytest.mark.parametrize("swapped", [False, True])
def test_image_with_what_is_made_of_it(lowering, op, axes, swapped):
    """Both sides depend on the image, and one of them is stretched."""

    def build(b: Builder) -> str:
        small = b("Sqrt", b("ReduceMean", positive(b), b.ints(*axes)))
        sides = [b("Tanh", "image"), small] if not swapped else [small, positive(b)]
        return b(op, *sides)

    check_gradient(lowering, build)


@pytest.mark.parametrize("swapped", [False, True])
def test_a_lower_rank_is_stretched_too(lowering, swapped):
    def build(b: Builder) -> str:
        column = b("ReduceSum", "image", b.ints(0, 3), keepdims=0)
        row = b("Unsqueeze", column, b.ints(-1))
        return b("Mul", *([row, "image"] if swapped else ["image", row]))

    check_gradient(lowering, build)


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div"])
def test_the_image_twice(lowering, op):
    if op == "Sub":
        check_gradient(lowering, lambda b: b(op, b("Tanh", "image"), b("Exp", "image")))
    else:
        both = "image" if op != "Div" else None
        check_gradient(lowering, lambda b: b(op, both or b("Exp", "image"), both or positive(b)))


def test_a_stretched_pair_that_neither_side_covers(lowering):
    """A column and a row, both made of the image, whose sum is larger than each."""

    def build(b: Builder) -> str:
        column = b("ReduceMean", "image", b.ints(3))
        row = b("ReduceMean", b("Exp", "image"), b.ints(2))
        return b("Mul", column, row)

    check_gradient(lowering, build)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_sum(lowering, count):
    def build(b: Builder) -> str:
        terms = ["image", b.constant(random(3, 1, 1)), b("Exp", "image"), "image"]
        return b("Sum", *terms[:count])

    check_gradient(lowering, build)


@pytest.mark.parametrize("op", ["Neg", "Abs", "Exp"])
def test_one_number_in_one_out(lowering, op):
    check_gradient(lowering, lambda b: b(op, "image"))


@pytest.mark.parametrize("op", ["Sqrt", "Log"])
def test_positive_numbers_only(lowering, op):
    check_gradient(lowering, lambda b: b(op, positive(b)))


def test_abs_is_flat_at_zero(lowering):
    image = distinct(1, 3, 4, 4)
    image[0, 1, 2, 3] = 0
    gradient = gradient_of_image(lowering, lambda b: b("Abs", "image"), image)
    assert (gradient == 0).sum() == 1
    assert gradient[0, 1, 2, 3] == 0


@pytest.mark.parametrize("exponent", [1, 2, 3, 4, -1, -2])
@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.int64])
def test_pow_with_whole_exponents(lowering, exponent, dtype):
    """Numbers below zero have whole powers, too."""
    check_gradient(lowering, lambda b: b("Pow", "image", b.constant(exponent, dtype)))


@pytest.mark.parametrize("exponent", [0.5, -0.5, 2.0, 2.3])
@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1, 1)])
def test_pow_with_broken_exponents(lowering, exponent, shape):
    exponents = np.full(shape, exponent)
    check_gradient(lowering, lambda b: b("Pow", positive(b), b.constant(exponents)))


@pytest.mark.parametrize("shape", [(3, 1, 1), (2, 1, 1, 1, 1)])
def test_pow_with_many_exponents(lowering, shape):
    exponents = np.linspace(0.5, 2.5, int(np.prod(shape))).reshape(shape)
    check_gradient(lowering, lambda b: b("Pow", positive(b), b.constant(exponents)))


@pytest.mark.parametrize("exponent", [2, 3])
def test_pow_at_zero(lowering, exponent):
    """After a Relu many numbers are exactly zero; their gradient is zero and a number."""

    def build(b: Builder) -> str:
        return b("Pow", b("Relu", "image"), b.constant(exponent))

    check_gradient(lowering, build)


def test_pow_whose_exponent_depends_on_the_image(lowering):
    def build(b: Builder) -> str:
        return b("Pow", positive(b), b("ReduceMean", "image", b.ints(1)))

    check_gradient(lowering, build)


def test_pow_of_a_weight(lowering):
    check_gradient(lowering, lambda b: b("Pow", b.constant([[[2.0]], [[0.5]], [[3]]]), "image"))


REDUCTIONS = ["ReduceSum", "ReduceMean", "ReduceSumSquare"]


@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("axes", [(0,), (1,), (2, 3), (-1,), (-1, 1), (-2, -1, 0), (0, 1, 2, 3)])
@pytest.mark.parametrize("op", REDUCTIONS)
def test_reductions(lowering, op, axes, keepdims):
    check_gradient(lowering, lambda b: b(op, positive(b), b.ints(*axes), keepdims=keepdims))


@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize(
    ("op", "noop"),
    [*((op, 0) for op in REDUCTIONS), ("ReduceSum", 1), ("ReduceMean", 1)],
)
@pytest.mark.parametrize("named", [False, True], ids=["absent", "empty"])
def test_reductions_without_axes(lowering, op, keepdims, noop, named):
    """No axes mean all of them, or none: ``noop_with_empty_axes`` says which."""

    def build(b: Builder) -> str:
        axes = [b.ints()] if named else []
        return b(op, positive(b), *axes, keepdims=keepdims, noop_with_empty_axes=noop)

    check_gradient(lowering, build)


@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("op", REDUCTIONS)
def test_reductions_over_axes_that_are_computed(lowering, op, keepdims):
    """Axes that are no constant: 2, 3, … up to the rank of the image."""

    def build(b: Builder) -> str:
        rank = b("Size", b("Shape", "image"))
        axes = b("Range", b.constant(2, np.int64), rank, b.constant(1, np.int64))
        return b("Reshape", b(op, positive(b), axes, keepdims=keepdims), b.ints(3))

    check_gradient(lowering, build)


def test_reduction_of_something_else_than_four_axes(lowering):
    def build(b: Builder) -> str:
        return b("ReduceMean", b("Reshape", "image", b.ints(3, -1)), b.ints(-1), keepdims=0)

    check_gradient(lowering, build)


@given(
    left=st.tuples(*[st.booleans()] * 4),
    right=st.tuples(*[st.booleans()] * 4),
    op=st.sampled_from(["Add", "Sub", "Mul", "Div"]),
)
def test_any_two_shapes_that_broadcast(lowering, left, right, op):
    """Axes of each side are summed away at random; the other side stretches them back."""

    def side(b: Builder, summed: tuple[bool, ...]) -> str:
        axes = [axis for axis, gone in enumerate(summed) if gone]
        return b("ReduceMean", positive(b), b.ints(*axes)) if axes else positive(b)

    check_gradient(lowering, lambda b: b(op, side(b, left), b("Exp", side(b, right))))


def test_a_count_of_the_image_has_no_gradient(lowering):
    """Dividing by the number of pixels is no division by something that moves."""

    def build(b: Builder) -> str:
        count = b("Cast", b("Size", "image"), to=FLOAT)
        return b("Div", "image", count)

    check_gradient(lowering, build)


def test_paths_meet_and_add_up(lowering):
    """A diamond: one tensor feeds three operators, and one of them twice."""

    def build(b: Builder) -> str:
        root = b("Tanh", "image")
        branches: list[str] = [b("Exp", root), b("Mul", root, root), b("Neg", root)]
        return b("Concat", *branches, root, axis=1)

    check_gradient(lowering, build)
