from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from onnxdream.kernels._checked import Kernels

Floats = NDArray[np.float32]
PILLOW = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "area": Image.Resampling.BOX,
}
filters = st.sampled_from(sorted(PILLOW))
sides = st.integers(1, 40)


def noise(*shape: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def pillow(picture: Floats, height: int, width: int, filter: str) -> Floats:
    """Resize with Pillow, channel by channel in float32."""
    planes = [
        Image.fromarray(np.ascontiguousarray(picture[..., channel])).resize(
            (width, height), PILLOW[filter]
        )
        for channel in range(picture.shape[2])
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)


@given(
    source=st.tuples(sides, sides, st.integers(1, 4)),
    height=sides,
    width=sides,
    filter=filters,
    seed=st.integers(0, 99),
)
def test_equals_pillow(
    kernels: Kernels, source: tuple[int, ...], height: int, width: int, filter: str, seed: int
) -> None:
    picture = noise(*source, seed=seed)
    resized = kernels.resize(picture, height, width, filter)
    assert resized.dtype == np.float32
    assert resized.flags.c_contiguous
    np.testing.assert_allclose(resized, pillow(picture, height, width, filter), rtol=0, atol=1e-5)


@pytest.mark.parametrize("filter", sorted(PILLOW))
@pytest.mark.parametrize("scale", [1 / 9, 0.5, 1 / 1.4, 1.4, 3])
def test_equals_pillow_on_larger_pictures(kernels: Kernels, filter: str, scale: float) -> None:
    picture = noise(211, 317, 3)
    height, width = round(211 * scale), round(317 * scale)
    np.testing.assert_allclose(
        kernels.resize(picture, height, width, filter),
        pillow(picture, height, width, filter),
        rtol=0,
        atol=1e-5,
    )


@pytest.mark.parametrize("filter", sorted(PILLOW))
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 30, 3), (30, 1, 3), (23, 31, 3), (9, 7, 1)])
def test_same_size_changes_nothing(
    kernels: Kernels, filter: str, shape: tuple[int, int, int]
) -> None:
    picture = noise(*shape)
    np.testing.assert_array_equal(kernels.resize(picture, *shape[:2], filter), picture)


@given(length=sides, height=sides, width=sides, filter=filters)
def test_a_line_of_pixels_is_resized_along_itself_only(
    kernels: Kernels, length: int, height: int, width: int, filter: str
) -> None:
    line = noise(1, length, 3)
    wide = kernels.resize(line, height, width, filter)
    np.testing.assert_array_equal(wide, np.broadcast_to(wide[:1], wide.shape))
    tall = kernels.resize(line.transpose(1, 0, 2).copy(), width, height, filter)
    np.testing.assert_allclose(tall, wide.transpose(1, 0, 2), rtol=0, atol=1e-6)


@given(height=sides, width=sides, filter=filters)
def test_one_colour_stays_one_colour(
    kernels: Kernels, height: int, width: int, filter: str
) -> None:
    picture = np.full((17, 23, 3), (0.1, 0.5, 1.0), np.float32)
    resized = kernels.resize(picture, height, width, filter)
    expected = np.broadcast_to(picture[0, 0], resized.shape)
    np.testing.assert_allclose(resized, expected, rtol=0, atol=1e-6)


def test_shrinking_does_not_alias(kernels: Kernels) -> None:
    stripes = np.zeros((64, 64, 3), np.float32)
    stripes[:, ::2] = 1
    for filter in PILLOW:
        inner = kernels.resize(stripes, 16, 16, filter)[:, 2:-2]
        np.testing.assert_allclose(inner, 0.5, rtol=0, atol=1e-6)


def test_enlarging_by_area_repeats_pixels(kernels: Kernels) -> None:
    picture = noise(5, 7, 3)
    expected = picture.repeat(3, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(kernels.resize(picture, 15, 14, "area"), expected)


@given(source=st.tuples(sides, sides, st.integers(1, 4)), height=sides, width=sides, filter=filters)
def test_compiled_agrees_with_numpy(
    compiled: Kernels,
    twin: Kernels,
    source: tuple[int, ...],
    height: int,
    width: int,
    filter: str,
) -> None:
    picture = noise(*source)
    np.testing.assert_allclose(
        compiled.resize(picture, height, width, filter),
        twin.resize(picture, height, width, filter),
        rtol=0,
        atol=1e-6,
    )


@pytest.mark.parametrize("filter", sorted(PILLOW))
@pytest.mark.parametrize("size", [(61, 83), (23, 19), (2, 5), (1, 1)])
@pytest.mark.parametrize("threads", [2, 3, 100])
def test_threads_change_no_byte(
    kernels: Kernels, filter: str, size: tuple[int, int], threads: int
) -> None:
    picture = noise(37, 41, 3)
    one = kernels.resize(picture, *size, filter)
    assert kernels.resize(picture, *size, filter, threads=threads).tobytes() == one.tobytes()


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (noise(4, 4, 3).astype(np.float64), "float32 array, not float64"),
        (noise(4, 4, 3).tolist(), "float32 array, not list"),
        (noise(4, 4), r"shape \(any, any, any\)"),
        (noise(0, 4, 3), "not empty"),
        (noise(4, 4, 0), "not empty"),
        (noise(4, 4, 5), "1 to 4 channels, not 5"),
        (noise(4, 8, 3)[:, ::2], "C-contiguous"),
    ],
)
def test_refuses_arrays_that_are_no_pictures(
    kernels: Kernels, picture: Floats, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        kernels.resize(picture, 5, 5)


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, 5)])
def test_refuses_impossible_sizes(kernels: Kernels, size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least 1 x 1 pixels"):
        kernels.resize(noise(4, 4, 3), *size)


def test_refuses_unknown_filters(kernels: Kernels) -> None:
    with pytest.raises(ValueError, match="bilinear, bicubic, area, not 'lanczos'"):
        kernels.resize(noise(4, 4, 3), 5, 5, "lanczos")


def test_refuses_no_threads(kernels: Kernels) -> None:
    with pytest.raises(ValueError, match="threads must be at least 1, not 0"):
        kernels.resize(noise(4, 4, 3), 5, 5, threads=0)


@given(
    source=st.tuples(sides, sides),
    height=sides,
    width=sides,
    filter=filters,
    data=st.data(),
)
def test_some_rows_are_those_of_the_whole(
    kernels: Kernels,
    source: tuple[int, int],
    height: int,
    width: int,
    filter: str,
    data: st.DataObject,
) -> None:
    picture = noise(*source, 3)
    first = data.draw(st.integers(0, height - 1))
    last = data.draw(st.integers(first + 1, height))
    whole = kernels.resize(picture, height, width, filter)
    some = kernels.resize(picture, height, width, filter, rows=(first, last))
    np.testing.assert_array_equal(some, whole[first:last])
