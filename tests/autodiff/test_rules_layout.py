"""What moves numbers around without changing them, against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxdream.errors import UnsupportedOperatorError
from onnxdream.graph import FLOAT, Builder
from rules import Build, check_gradient, distinct, gradient_of_image, random

INT_MAX = np.iinfo(np.int64).max
INT_MIN = np.iinfo(np.int64).min
INT64, HALF, DOUBLE, BOOL = 7, 10, 11, 9


def bent(b: Builder, name: str) -> str:
    """Something that makes each number's gradient depend on where it came from."""
    return b("Mul", name, b("Exp", name))


def test_identity(lowering):
    check_gradient(lowering, lambda b: b("Identity", "image"))


def test_dropout_does_nothing(lowering):
    check_gradient(lowering, lambda b: b("Dropout", "image"))


def test_dropout_with_a_ratio_does_nothing(lowering):
    check_gradient(
        lowering, lambda b: b("Dropout", "image", b.constant(0.5), b.constant(False, np.bool_))
    )


def test_dropout_with_its_mask(lowering):
    def build(b: Builder) -> str:
        kept, mask = b.many("Dropout", ["image", b.constant(0.5)], 2)
        return b("Mul", kept, b("Cast", mask, to=FLOAT))

    check_gradient(lowering, build)


def test_dropout_in_training_is_refused(lowering):
    def build(b: Builder) -> str:
        return b("Dropout", "image", b.constant(0.5), b.constant(True, np.bool_))

    with pytest.raises(UnsupportedOperatorError, match="Dropout"):
        gradient_of_image(lowering, build, distinct(1, 3, 4, 4))


def test_cast_to_double_and_back(lowering):
    def build(b: Builder) -> str:
        return b("Cast", b("Exp", b("Cast", "image", to=DOUBLE)), to=FLOAT)

    check_gradient(lowering, build)


@pytest.mark.parametrize("to", [INT64, BOOL])
def test_nothing_flows_through_whole_numbers(lowering, to):
    """Rounding is flat: the gradient passes beside it only."""

    def build(b: Builder) -> str:
        whole = b("Cast", b("Cast", "image", to=to), to=FLOAT)
        return b("Mul", "image", whole)

    check_gradient(lowering, build, 1.7 * distinct(1, 3, 7, 6))


@pytest.mark.parametrize("shape", [(-1,), (3, -1), (0, -1, 1), (1, 0, 1, -1), (7, 3, 6)])
def test_reshape(lowering, shape):
    check_gradient(lowering, lambda b: bent(b, b("Reshape", "image", b.ints(*shape))))


def test_reshape_to_a_shape_that_is_computed(lowering):
    def build(b: Builder) -> str:
        rows = b("Slice", b("Shape", "image"), b.ints(1), b.ints(3))
        return bent(b, b("Reshape", "image", b("Concat", rows, b.ints(-1), axis=0)))

    check_gradient(lowering, build)


@pytest.mark.parametrize("axis", [None, 0, 1, 2, 4, -1])
def test_flatten(lowering, axis):
    attributes = {} if axis is None else {"axis": axis}
    check_gradient(lowering, lambda b: bent(b, b("Flatten", "image", **attributes)))


@pytest.mark.parametrize("axes", [(0,), (-4,)])
def test_squeeze(lowering, axes):
    check_gradient(lowering, lambda b: bent(b, b("Squeeze", "image", b.ints(*axes))))


def test_squeeze_of_all_ones(lowering):
    def build(b: Builder) -> str:
        return b("Squeeze", b("ReduceMean", "image", b.ints(2, 3)))

    check_gradient(lowering, build)


@pytest.mark.parametrize("axes", [(0,), (2, 4), (-1,), (-1, 0)])
def test_unsqueeze(lowering, axes):
    check_gradient(lowering, lambda b: bent(b, b("Unsqueeze", "image", b.ints(*axes))))


@pytest.mark.parametrize("perm", [None, [0, 2, 3, 1], [3, 1, 0, 2], [1, 0, 2, 3]])
def test_transpose(lowering, perm):
    attributes = {} if perm is None else {"perm": perm}
    check_gradient(lowering, lambda b: bent(b, b("Transpose", "image", **attributes)))


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -3])
def test_concat(lowering, axis):
    def build(b: Builder) -> str:
        parts = ["image", b("Exp", "image"), "image", b("Neg", "image")]
        return bent(b, b("Concat", *parts, axis=axis))

    check_gradient(lowering, build)


def test_concat_of_unequal_parts(lowering):
    """Channels, some of them a weight's; heights, one of them known."""

    def build(b: Builder) -> str:
        wide = b("Conv", "image", b.constant(random(5, 3, 1, 1)))
        one = b("ReduceMean", "image", b.ints(1))
        channels = b("Concat", wide, one, "image", axis=1)
        row = b("ReduceMean", channels, b.ints(2))
        return bent(b, b("Concat", row, channels, row, axis=2))

    check_gradient(lowering, build)


def test_concat_with_a_weight(lowering):
    def build(b: Builder) -> str:
        return bent(b, b("Concat", b.constant(random(1, 2, 7, 6)), "image", axis=1))

    check_gradient(lowering, build, size=(7, 6))


def test_concat_of_one(lowering):
    check_gradient(lowering, lambda b: bent(b, b("Concat", "image", axis=1)))


def split(b: Builder, outputs: int, sizes: tuple[int, ...] | None, **attributes: int) -> list[str]:
    inputs = ["image"] if sizes is None else ["image", b.ints(*sizes)]
    return b.many("Split", inputs, outputs, **attributes)


@pytest.mark.parametrize(
    ("axis", "sizes", "attributes"),
    [
        (1, (1, 2), {}),
        (-3, (2, 1), {}),
        (1, None, {"num_outputs": 3}),
        (2, (3, 3, 2), {}),
        (2, None, {"num_outputs": 3}),
        (3, None, {"num_outputs": 2}),
    ],
)
def test_split(lowering, axis, sizes, attributes):
    def build(b: Builder) -> str:
        count = len(sizes) if sizes else attributes["num_outputs"]
        parts = split(b, count, sizes, axis=axis, **attributes)
        return b("Concat", b("Exp", parts[0]), *parts[:0:-1], axis=axis)

    check_gradient(lowering, build, distinct(1, 3, 8, 5), size=("H" if axis != 2 else 8, "W"))


@pytest.mark.parametrize("used", [0, 1, 2])
def test_split_of_which_one_part_is_used(lowering, used):
    def build(b: Builder) -> str:
        return bent(b, split(b, 3, (1, 1, 1), axis=1)[used])

    check_gradient(lowering, build)


def test_split_of_the_first_axis_by_default(lowering):
    def build(b: Builder) -> str:
        channels = b("Squeeze", "image", b.ints(0))
        one, two = b.many("Split", [channels, b.ints(1, 2)], 2)
        return b("Mul", one, two)

    check_gradient(lowering, build)


@pytest.mark.parametrize(
    ("starts", "ends", "axes", "steps"),
    [
        ((1,), (3,), (1,), None),
        ((2, 1), (5, 6), (2, 3), (1, 1)),
        ((1, 0, 2), (INT_MAX, INT_MAX, INT_MAX), (1, 2, 3), (1, 1, 1)),
        ((-3,), (-1,), (3,), None),
        ((-3,), (INT_MAX,), (-1,), (1,)),
        ((0,), (INT_MAX,), (2,), (2,)),
        ((1, 1), (INT_MAX, INT_MAX), (2, 3), (3, 2)),
        ((-1,), (INT_MIN,), (2,), (-1,)),
        ((-1, -2), (INT_MIN, 0), (3, 2), (-2, -3)),
        ((5,), (1,), (2,), (-2,)),
        ((INT_MAX,), (INT_MIN,), (2,), (-1,)),
        ((0, 1, 2, 3), (1, 3, 7, 100), None, None),
        ((0, 1), (1, 2), None, None),
    ],
)
@pytest.mark.parametrize("dtype", [np.int64, np.int32])
def test_slice(lowering, starts, ends, axes, steps, dtype):
    """Indices of int32 are as good as any; they have shorter extremes."""
    limits = np.iinfo(dtype)

    def build(b: Builder) -> str:
        def vector(values: tuple[int, ...] | None) -> str | None:
            return (
                None
                if values is None
                else b.constant(np.clip(values, limits.min, limits.max), dtype)
            )

        bounds = [vector(each) for each in (starts, ends, axes, steps)]
        while bounds[-1] is None:
            bounds.pop()
        return bent(b, b("Slice", "image", *bounds))

    check_gradient(lowering, build, distinct(1, 3, 8, 7))


@given(data=st.data())
def test_any_slice(lowering, data):
    """One axis, any start, end and step that leave something, at two sizes."""
    size = data.draw(st.integers(1, 9))
    start, end = (data.draw(st.integers(-size, size)) for _ in range(2))
    step = data.draw(st.sampled_from([-3, -2, -1, 1, 2, 3]))
    if not range(size)[start:end:step]:
        return

    def build(b: Builder) -> str:
        return bent(b, b("Slice", "image", b.ints(start), b.ints(end), b.ints(3), b.ints(step)))

    check_gradient(lowering, build, distinct(1, 3, 2, size), size=("H", size))


def test_slice_whose_bounds_are_computed(lowering):
    """Each row without its ends, whatever its length."""

    def build(b: Builder) -> str:
        width = b("Shape", "image", start=3, end=4)
        middle = b("Slice", "image", b.ints(1), b("Sub", width, b.ints(2)), b.ints(3))
        return bent(b, b("Reshape", middle, b.ints(3, 24)))

    check_gradient(lowering, build, distinct(1, 3, 4, 9))


def test_slice_along_axes_that_are_computed_is_refused(lowering):
    def build(b: Builder) -> str:
        last = b("Sub", b("Reshape", b("Size", b("Shape", "image")), b.ints(1)), b.ints(1))
        return b("Reshape", b("Slice", "image", b.ints(1), b.ints(2), last), b.ints(3, 4))

    with pytest.raises(UnsupportedOperatorError, match="Slice"):
        gradient_of_image(lowering, build, distinct(1, 3, 4, 4))


@pytest.mark.parametrize(
    ("axis", "places"),
    [
        (1, [2, 0]),
        (1, [0, 0, 2, 0]),
        (1, [-1, 1, -3]),
        (1, 2),
        (-3, -1),
        (0, [0]),
        (0, 0),
        (1, [1]),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.int64, np.int32])
def test_gather(lowering, axis, places, dtype):
    """Places may repeat, count from the end, or be one only, whose axis is gone then."""

    def build(b: Builder) -> str:
        return bent(b, b("Gather", "image", b.constant(places, dtype), axis=axis))

    check_gradient(lowering, build)


def test_gather_along_the_first_axis_by_default(lowering):
    def build(b: Builder) -> str:
        channels = b("Squeeze", "image", b.ints(0))
        return bent(b, b("Gather", channels, b.ints(2, 1)))

    check_gradient(lowering, build)


@pytest.mark.parametrize("places", [[0, -1, 3], 4])
def test_gather_of_rows_whose_number_is_known(lowering, places):
    def build(b: Builder) -> str:
        return bent(b, b("Gather", "image", b.constant(places, np.int64), axis=2))

    check_gradient(lowering, build, size=(7, "W"))


def test_gather_along_an_axis_that_varies_is_refused(lowering):
    build: Build = lambda b: bent(b, b("Gather", "image", b.ints(0, 2), axis=2))  # noqa: E731
    with pytest.raises(UnsupportedOperatorError, match="Gather"):
        gradient_of_image(lowering, build, distinct(1, 3, 5, 4))


def test_gather_at_places_that_are_computed_is_refused(lowering):
    def build(b: Builder) -> str:
        last = b("Sub", b("Shape", "image", start=1, end=2), b.ints(1))
        return b("Gather", "image", last, axis=1)

    with pytest.raises(UnsupportedOperatorError, match="Gather"):
        gradient_of_image(lowering, build, distinct(1, 3, 4, 4))


def pad(
    pads: tuple[int, ...], axes: tuple[int, ...] | None, mode: str, value: float | None = None
) -> Build:
    def build(b: Builder) -> str:
        inputs = ["image", b.ints(*pads)]
        inputs.append(None if value is None else b.constant(value))
        if axes is not None:
            inputs.append(b.ints(*axes))
        return bent(b, b("Pad", *inputs, mode=mode))

    return build


PADS = [
    ((0, 0, 1, 2, 0, 0, 3, 0), None),
    ((1, 2, 3, 0), (2, 3)),
    ((1, 2), (-1,)),
    ((2, 1, 0, 4), (-1, 2)),
    ((0, 0, -1, 0, 0, 0, -2, 0), None),
    ((-1, 2, 2, -1), (2, 3)),
    ((0, 0, 0, 0), (2, 3)),
]


@pytest.mark.parametrize(("pads", "axes"), PADS)
@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "wrap"])
def test_pad(lowering, pads, axes, mode):
    check_gradient(lowering, pad(pads, axes, mode))


@pytest.mark.parametrize("axes", [None, (2, 3)])
def test_pad_with_a_value(lowering, axes):
    pads = (1, 2, 3, 0) if axes else (0, 1, 1, 2, 0, 0, 3, 0)
    check_gradient(lowering, pad(pads, axes, "constant", 0.3))


def test_pad_is_constant_by_default(lowering):
    check_gradient(lowering, lambda b: b("Pad", "image", b.ints(0, 0, 1, 1, 0, 0, 2, 0)))


@pytest.mark.parametrize("mode", ["edge", "reflect"])
def test_padding_of_channels(lowering, mode):
    check_gradient(lowering, pad((0, 1, 0, 0, 0, 2, 0, 0), None, mode))


def test_pad_by_amounts_that_are_computed(lowering):
    """To a square, whatever the size: constant padding needs no constant amounts."""

    def build(b: Builder) -> str:
        height, width = (b("Shape", "image", start=axis, end=axis + 1) for axis in (2, 3))
        amounts = b("Concat", b.ints(0), b("Sub", height, width), axis=0)
        square = b("Pad", "image", amounts, None, b.ints(3))
        return bent(b, b("Reshape", square, b.ints(3, 49)))

    check_gradient(lowering, build)


def test_reflecting_by_amounts_that_are_computed_is_refused(lowering):
    def build(b: Builder) -> str:
        amounts = b("Sub", b("Shape", "image"), b("Shape", "image"))
        padded = b("Pad", "image", b("Concat", amounts, amounts, axis=0), mode="reflect")
        return b("Reshape", padded, b.ints(3, 16))

    with pytest.raises(UnsupportedOperatorError, match="Pad"):
        gradient_of_image(lowering, build, distinct(1, 3, 4, 4))


@pytest.mark.parametrize("op", ["Conv", "Concat", "Slice", "Split", "Pad"])
def test_sizes_that_are_known_make_no_difference(lowering, op):
    """The same rules on a network of one size."""

    def build(b: Builder) -> str:
        match op:
            case "Conv":
                weight = b.constant(random(2, 3, 3, 3))
                return b("Conv", "image", weight, strides=[2, 2], auto_pad="SAME_UPPER")
            case "Concat":
                return bent(b, b("Concat", "image", b("Exp", "image"), axis=2))
            case "Slice":
                return bent(
                    b, b("Slice", "image", b.ints(1), b.ints(INT_MAX), b.ints(2), b.ints(2))
                )
            case "Split":
                return bent(b, b.many("Split", ["image"], 2, axis=2, num_outputs=2)[1])
            case _:
                return bent(b, b("Pad", "image", b.ints(2, 1), None, b.ints(3), mode="reflect"))

    check_gradient(lowering, build, distinct(1, 3, 8, 5), size=(8, 5))
