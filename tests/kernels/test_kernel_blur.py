from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from onnxdream.kernels._checked import Kernels

Floats = NDArray[np.float32]
ONE = np.ones(3, np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
sides = st.integers(1, 30)
shifts = st.integers(-100, 100)
sigmas = st.one_of(st.just(0.0), st.floats(0.01, 3), st.floats(1e-200, 1e-3))


def noise(*shape: int) -> Floats:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def expected(
    gradient: Floats, shift_y: int, shift_x: int, std: Floats, bgr: bool, sigma: float
) -> NDArray[np.float64]:
    """Compute the definition in float64, with the kernel as one square of weights."""
    _, _, height, width = gradient.shape
    planes = gradient[0].astype(np.float64) / std[:, None, None]
    pixels = (planes[::-1] if bgr else planes).transpose(1, 2, 0)
    rows = (np.arange(height) + shift_y) % height
    columns = (np.arange(width) + shift_x) % width
    rolled: NDArray[np.float64] = pixels[np.ix_(rows, columns)]
    if sigma == 0:
        return rolled
    radius = max(1, int(4 * sigma + 0.5))
    with np.errstate(over="ignore"):
        line = np.exp(-((np.arange(-radius, radius + 1) / sigma) ** 2) / 2)
    line /= line.sum()
    padded = np.pad(rolled, ((radius, radius), (radius, radius), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (len(line), len(line)), (0, 1))
    blurred: NDArray[np.float64] = np.einsum("yxcij,i,j->yxc", windows, line, line)
    return blurred


@given(height=sides, width=sides, shift_y=shifts, shift_x=shifts, bgr=st.booleans(), sigma=sigmas)
def test_equals_the_definition(
    kernels: Kernels,
    height: int,
    width: int,
    shift_y: int,
    shift_x: int,
    bgr: bool,
    sigma: float,
) -> None:
    gradient = noise(1, 3, height, width)
    blurred = kernels.unjitter_blur(gradient, shift_y, shift_x, STD, bgr, sigma)
    assert blurred.dtype == np.float32
    assert blurred.flags.c_contiguous
    reference = expected(gradient, shift_y, shift_x, STD, bgr, sigma)
    np.testing.assert_allclose(blurred, reference, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (3, 5)])
def test_a_radius_beyond_the_picture_sees_its_edge_repeated(
    kernels: Kernels, shape: tuple[int, int]
) -> None:
    gradient = noise(1, 3, *shape)
    blurred = kernels.unjitter_blur(gradient, 1, 2, STD, True, 5.0)
    reference = expected(gradient, 1, 2, STD, True, 5.0)
    np.testing.assert_allclose(blurred, reference, rtol=1e-5, atol=1e-5)


def test_one_value_stays_one_value(kernels: Kernels) -> None:
    gradient = np.full((1, 3, 12, 17), 1e-8, np.float32)
    blurred = kernels.unjitter_blur(gradient, 5, 5, ONE, False, 2.0)
    np.testing.assert_allclose(blurred, 1e-8, rtol=1e-6)


@given(height=sides, width=sides, shift_y=shifts, shift_x=shifts, bgr=st.booleans())
def test_undoes_the_roll_and_the_channel_order(
    kernels: Kernels, height: int, width: int, shift_y: int, shift_x: int, bgr: bool
) -> None:
    picture = noise(height, width, 3)
    image = kernels.jitter_normalize(picture, shift_y, shift_x, 0 * ONE, ONE, bgr)
    back = kernels.unjitter_blur(image, shift_y, shift_x, ONE, bgr, 0.0)
    np.testing.assert_array_equal(back, picture)


def test_is_the_chain_rule_of_normalization(kernels: Kernels) -> None:
    """Moving one value of the picture moves <image, gradient> by the gradient's value."""
    picture, gradient = noise(5, 6, 3), noise(1, 3, 5, 6)
    back = kernels.unjitter_blur(gradient, 3, 2, STD, True, 0.0)

    def product(pixels: Floats) -> float:
        image = kernels.jitter_normalize(pixels, 3, 2, 0 * ONE, STD, True)
        return float(np.vdot(image.astype(np.float64), gradient))

    for place in np.ndindex(picture.shape):
        moved = picture.copy()
        moved[place] += 1
        slope = product(moved) - product(picture)
        assert slope == pytest.approx(float(back[place]), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("sigma", [0.0, 0.7, 2.0])
@pytest.mark.parametrize("threads", [2, 3, 100])
def test_threads_change_no_byte(kernels: Kernels, sigma: float, threads: int) -> None:
    gradient = noise(1, 3, 37, 41)
    one = kernels.unjitter_blur(gradient, 5, 40, STD, True, sigma)
    many = kernels.unjitter_blur(gradient, 5, 40, STD, True, sigma, threads=threads)
    assert many.tobytes() == one.tobytes()


@given(height=sides, width=sides, shift_y=shifts, shift_x=shifts, bgr=st.booleans(), sigma=sigmas)
def test_compiled_agrees_with_numpy(
    compiled: Kernels,
    twin: Kernels,
    height: int,
    width: int,
    shift_y: int,
    shift_x: int,
    bgr: bool,
    sigma: float,
) -> None:
    arguments = (noise(1, 3, height, width), shift_y, shift_x, STD, bgr, sigma)
    np.testing.assert_allclose(
        compiled.unjitter_blur(*arguments), twin.unjitter_blur(*arguments), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gradient": noise(3, 4, 4)}, r"gradient must be of shape \(1, 3, any, any\)"),
        ({"gradient": noise(2, 3, 4, 4)}, r"gradient must be of shape \(1, 3, any, any\)"),
        ({"gradient": noise(1, 3, 4, 0)}, "not empty"),
        ({"gradient": noise(1, 3, 4, 4).astype(np.float64)}, "float32 array, not float64"),
        ({"gradient": noise(1, 3, 4, 8)[..., ::2]}, "gradient must be C-contiguous"),
        ({"std": STD[:, None]}, r"std must be of shape \(3\)"),
        ({"sigma": -0.1}, "sigma must be a number of pixels, at least 0, not -0.1"),
        ({"sigma": float("nan")}, "sigma must be"),
        ({"sigma": float("inf")}, "sigma must be"),
        ({"threads": 0}, "threads must be at least 1"),
    ],
)
def test_refuses_what_is_impossible(
    kernels: Kernels, changes: dict[str, object], message: str
) -> None:
    arguments = {
        "gradient": noise(1, 3, 4, 4),
        "shift_y": 0,
        "shift_x": 0,
        "std": STD,
        "bgr": False,
        "sigma": 0.7,
        **changes,
    }
    with pytest.raises(ValueError, match=message):
        kernels.unjitter_blur(**arguments)  # type: ignore[arg-type]
