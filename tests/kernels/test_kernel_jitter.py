from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from onnxdream.kernels._checked import Kernels

Floats = NDArray[np.float32]
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
sides = st.integers(1, 40)
shifts = st.integers(-100, 100)


def noise(*shape: int) -> Floats:
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def expected(picture: Floats, shift_y: int, shift_x: int, bgr: bool) -> NDArray[np.float64]:
    """Compute the definition, in float64."""
    height, width, _ = picture.shape
    rows = (np.arange(height) - shift_y) % height
    columns = (np.arange(width) - shift_x) % width
    rolled = picture.astype(np.float64)[np.ix_(rows, columns)]
    planes = [rolled[..., channel] for channel in ((2, 1, 0) if bgr else (0, 1, 2))]
    normalized = [(plane - MEAN[c]) / STD[c] for c, plane in enumerate(planes)]
    return np.stack(normalized)[np.newaxis]


@given(height=sides, width=sides, shift_y=shifts, shift_x=shifts, bgr=st.booleans())
def test_rolls_normalizes_and_separates(
    kernels: Kernels, height: int, width: int, shift_y: int, shift_x: int, bgr: bool
) -> None:
    picture = noise(height, width, 3)
    image = kernels.jitter_normalize(picture, shift_y, shift_x, MEAN, STD, bgr)
    assert image.dtype == np.float32
    assert image.flags.c_contiguous
    np.testing.assert_allclose(
        image, expected(picture, shift_y, shift_x, bgr), rtol=1e-5, atol=1e-6
    )


def test_rolls_as_numpy_does(kernels: Kernels) -> None:
    picture = noise(7, 11, 3)
    one = np.ones(3, np.float32)
    image = kernels.jitter_normalize(picture, 3, -4, 0 * one, one, False)
    np.testing.assert_array_equal(image[0], np.roll(picture, (3, -4), (0, 1)).transpose(2, 0, 1))


@pytest.mark.parametrize("threads", [2, 3, 100])
def test_threads_change_no_byte(kernels: Kernels, threads: int) -> None:
    picture = noise(37, 41, 3)
    one = kernels.jitter_normalize(picture, 5, 40, MEAN, STD, True)
    many = kernels.jitter_normalize(picture, 5, 40, MEAN, STD, True, threads=threads)
    assert many.tobytes() == one.tobytes()


@given(height=sides, width=sides, shift_y=shifts, shift_x=shifts, bgr=st.booleans())
def test_compiled_agrees_with_numpy(
    compiled: Kernels,
    twin: Kernels,
    height: int,
    width: int,
    shift_y: int,
    shift_x: int,
    bgr: bool,
) -> None:
    arguments = (noise(height, width, 3), shift_y, shift_x, MEAN, STD, bgr)
    np.testing.assert_allclose(
        compiled.jitter_normalize(*arguments),
        twin.jitter_normalize(*arguments),
        rtol=1e-6,
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"picture": noise(4, 4, 4)}, r"picture must be of shape \(any, any, 3\)"),
        ({"picture": noise(4, 4, 3).astype(np.float16)}, "float32 array, not float16"),
        ({"picture": noise(4, 8, 3)[:, ::2]}, "picture must be C-contiguous"),
        ({"mean": MEAN[:2]}, r"mean must be of shape \(3\)"),
        ({"std": STD.astype(np.float64)}, "std must be a float32 array"),
        ({"threads": 0}, "threads must be at least 1"),
    ],
)
def test_refuses_what_is_impossible(
    kernels: Kernels, changes: dict[str, object], message: str
) -> None:
    arguments = {
        "picture": noise(4, 4, 3),
        "shift_y": 0,
        "shift_x": 0,
        "mean": MEAN,
        "std": STD,
        "bgr": False,
        **changes,
    }
    with pytest.raises(ValueError, match=message):
        kernels.jitter_normalize(**arguments)  # type: ignore[arg-type]
