"""Each kernel against its NumPy twin, and against the libraries that do the same.

One picture of 1024 x 768 pixels, and two threads for those who can use them. What a
contender returns is checked before it is timed::

    pytest benchmarks/test_kernels.py --benchmark-columns=median,iqr,rounds
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from onnxdream.kernels import IMPLEMENTATION, _loops, _numpy
from onnxdream.kernels._checked import Kernels

pytestmark = pytest.mark.skipif(IMPLEMENTATION == "numpy", reason="the kernels are not compiled")

Floats = NDArray[np.float32]

HEIGHT, WIDTH = 768, 1024
THREADS = 2
SIGMA = 0.7
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
ONE = np.ones(3, np.float32)
TWIN = Kernels(_numpy)


class Contender(NamedTuple):
    """One way of running our kernels."""

    kernels: Kernels
    threads: int


CONTENDERS = {
    "numpy": Contender(TWIN, 1),
    "compiled": Contender(Kernels(_loops), 1),
    "compiled-threads": Contender(Kernels(_loops), THREADS),
}
contenders = pytest.mark.parametrize("contender", CONTENDERS.values(), ids=CONTENDERS)


class Resize(NamedTuple):
    """A new size, our name of a filter, and what other libraries call it."""

    height: int
    width: int
    filter: str
    pillow: Image.Resampling
    opencv: str = ""
    opencv_differs: float = 0


RESIZES = {
    "enlarge": Resize(
        1075, 1434, "bilinear", Image.Resampling.BILINEAR, "INTER_LINEAR", opencv_differs=1e-4
    ),
    "enlarge-bicubic": Resize(1075, 1434, "bicubic", Image.Resampling.BICUBIC),
    "shrink": Resize(549, 731, "bilinear", Image.Resampling.BILINEAR),
    # OpenCV weighs a pixel by how much of it is covered, Pillow takes all of it or none.
    "shrink-area": Resize(
        549, 731, "area", Image.Resampling.BOX, "INTER_AREA", opencv_differs=2e-2
    ),
    "halve-area": Resize(384, 512, "area", Image.Resampling.BOX, "INTER_AREA", opencv_differs=1e-5),
}
resizes = pytest.mark.parametrize("case", RESIZES)


def smooth_picture() -> Floats:
    """Return waves so slow that filters which differ in detail agree on them."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] / 40
    waves = [0.5 + 0.4 * np.sin(a * x + b * y) for a, b in ((1, 0.3), (0.2, 1), (0.7, -0.7))]
    return np.stack(waves, axis=-1).astype(np.float32)


def noise(*shape: int) -> Floats:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def opencv() -> Any:
    cv2 = pytest.importorskip("cv2")
    cv2.setNumThreads(THREADS)
    return cv2


@resizes
@contenders
def test_resize(benchmark: Any, contender: Contender, case: str) -> None:
    height, width, filter, *_ = RESIZES[case]
    picture = smooth_picture()

    def run() -> Floats:
        return contender.kernels.resize(picture, height, width, filter, contender.threads)

    expected = TWIN.resize(picture, height, width, filter)
    np.testing.assert_allclose(run(), expected, rtol=0, atol=1e-5)
    benchmark.group = f"resize: {case}"
    benchmark(run)


@resizes
def test_resize_by_pillow(benchmark: Any, case: str) -> None:
    height, width, filter, resampling, *_ = RESIZES[case]
    picture = smooth_picture()
    planes = [Image.fromarray(np.ascontiguousarray(picture[..., c])) for c in range(3)]

    def run() -> list[Image.Image]:
        return [plane.resize((width, height), resampling) for plane in planes]

    resized = np.stack([np.asarray(plane) for plane in run()], axis=-1)
    expected = TWIN.resize(picture, height, width, filter)
    np.testing.assert_allclose(resized, expected, rtol=0, atol=1e-5)
    benchmark.group = f"resize: {case}"
    benchmark(run)


@pytest.mark.parametrize("case", [case for case, resize in RESIZES.items() if resize.opencv])
def test_resize_by_opencv(benchmark: Any, case: str) -> None:
    cv2 = opencv()
    height, width, filter, _, interpolation, tolerance = RESIZES[case]
    picture = smooth_picture()

    def run() -> Any:
        return cv2.resize(picture, (width, height), interpolation=getattr(cv2, interpolation))

    expected = TWIN.resize(picture, height, width, filter)
    np.testing.assert_allclose(run(), expected, rtol=0, atol=tolerance)
    benchmark.group = f"resize: {case}"
    benchmark(run)


@contenders
def test_jitter_normalize(benchmark: Any, contender: Contender) -> None:
    arguments = (smooth_picture(), 17, -9, MEAN, STD, True)

    def run() -> Floats:
        return contender.kernels.jitter_normalize(*arguments, contender.threads)

    np.testing.assert_allclose(run(), TWIN.jitter_normalize(*arguments), rtol=0, atol=1e-5)
    benchmark.group = "jitter_normalize"
    benchmark(run)


@contenders
def test_unjitter_blur(benchmark: Any, contender: Contender) -> None:
    arguments = (noise(1, 3, HEIGHT, WIDTH), 17, -9, STD, True, SIGMA)

    def run() -> Floats:
        return contender.kernels.unjitter_blur(*arguments, contender.threads)

    np.testing.assert_allclose(run(), TWIN.unjitter_blur(*arguments), rtol=0, atol=1e-4)
    benchmark.group = "unjitter_blur"
    benchmark(run)


def blurred(pixels: Floats) -> Floats:
    """Blur by the twin, with nothing to undo."""
    gradient = np.ascontiguousarray(pixels.transpose(2, 0, 1))[np.newaxis]
    return TWIN.unjitter_blur(gradient, 0, 0, ONE, False, SIGMA)


def test_blur_by_opencv(benchmark: Any) -> None:
    """Only the blur: OpenCV finds the gradient rolled back, in RGB, pixel by pixel."""
    cv2 = opencv()
    pixels = noise(HEIGHT, WIDTH, 3)
    side = 2 * int(4 * SIGMA + 0.5) + 1

    def run() -> Any:
        return cv2.GaussianBlur(pixels, (side, side), SIGMA, borderType=cv2.BORDER_REPLICATE)

    np.testing.assert_allclose(run(), blurred(pixels), rtol=0, atol=1e-4)
    benchmark.group = "unjitter_blur"
    benchmark(run)


def test_blur_by_scipy(benchmark: Any) -> None:
    """Only the blur, as for OpenCV."""
    ndimage = pytest.importorskip("scipy.ndimage")
    pixels = noise(HEIGHT, WIDTH, 3)

    def run() -> Any:
        return ndimage.gaussian_filter(pixels, (SIGMA, SIGMA, 0), mode="nearest")

    np.testing.assert_allclose(run(), blurred(pixels), rtol=0, atol=1e-4)
    benchmark.group = "unjitter_blur"
    benchmark(run)


@contenders
def test_mean_abs(benchmark: Any, contender: Contender) -> None:
    gradient = noise(HEIGHT, WIDTH, 3)

    def run() -> float:
        return contender.kernels.mean_abs(gradient, contender.threads)

    assert run() == pytest.approx(np.abs(gradient).mean(dtype=np.float64), rel=1e-9)
    benchmark.group = "mean_abs"
    benchmark(run)


@contenders
def test_ascend(benchmark: Any, contender: Contender) -> None:
    arguments = (smooth_picture(), noise(HEIGHT, WIDTH, 3) * np.float32(1e-8), 1.5)

    def run() -> tuple[Floats, float]:
        return contender.kernels.ascend(*arguments, contender.threads)

    np.testing.assert_allclose(run()[0], TWIN.ascend(*arguments)[0], rtol=0, atol=1e-6)
    benchmark.group = "ascend"
    benchmark(run)
