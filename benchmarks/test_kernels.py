"""Each kernel against its NumPy twin, and against the libraries that do the same.

A picture of 1024 x 768 pixels, two threads where a contender can use them. What a
contender returns is checked before it is timed. Run with::

    pytest benchmarks/test_kernels.py --benchmark-group-by=group --benchmark-columns=median,iqr
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from onnxdream.kernels import _loops, _numpy
from onnxdream.kernels._checked import Kernels

Floats = NDArray[np.float32]

HEIGHT, WIDTH = 768, 1024
THREADS = 2
SIGMA = 0.7
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
ONE = np.ones(3, np.float32)

OURS = {
    "NumPy twin": (Kernels(_numpy), 1),
    "compiled, 1 thread": (Kernels(_loops), 1),
    f"compiled, {THREADS} threads": (Kernels(_loops), THREADS),
}
ours = pytest.mark.parametrize("contender", OURS)


def smooth_picture() -> Floats:
    """Return waves, slow enough that filters which differ in detail agree on them."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] / 40
    waves = [0.5 + 0.4 * np.sin(a * x + b * y) for a, b in ((1, 0.3), (0.2, 1), (0.7, -0.7))]
    return np.stack(waves, axis=-1).astype(np.float32)


def noise(*shape: int) -> Floats:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def library(name: str) -> ModuleType:
    pytest.importorskip(name)
    return importlib.import_module(name)


def opencv() -> Any:
    cv2 = library("cv2")
    cv2.setNumThreads(THREADS)
    return cv2


@pytest.fixture(autouse=True)
def needs_compiled() -> None:
    if _loops is _numpy:
        pytest.skip("the kernels were not compiled")


RESIZES = {
    # name: (height, width, filter, Pillow's name, OpenCV's name, how far OpenCV may differ)
    "enlarged by 1.4": (1075, 1434, "bilinear", "BILINEAR", "INTER_LINEAR", 1e-4),
    # OpenCV weighs a pixel that is partly covered, Pillow takes or leaves it.
    "shrunk by 1.4": (549, 731, "area", "BOX", "INTER_AREA", 2e-2),
    "halved": (384, 512, "area", "BOX", "INTER_AREA", 1e-5),
    "shrunk by 1.4, bilinear": (549, 731, "bilinear", "BILINEAR", None, 0),
    "enlarged by 1.4, bicubic": (1075, 1434, "bicubic", "BICUBIC", None, 0),
}


@pytest.mark.parametrize("contender", [*OURS, "Pillow", "OpenCV"])
@pytest.mark.parametrize("case", RESIZES)
def test_resize(benchmark: Any, contender: str, case: str) -> None:
    benchmark.group = f"resize, {case}"
    height, width, filter, pillow_name, opencv_name, tolerance = RESIZES[case]
    picture = smooth_picture()
    planes = [Image.fromarray(np.ascontiguousarray(picture[..., c])) for c in range(3)]

    def pillow() -> list[Image.Image]:
        resampling = Image.Resampling[pillow_name]
        return [plane.resize((width, height), resampling) for plane in planes]

    run: Callable[[], Any]
    if contender == "Pillow":
        run = pillow
    elif contender == "OpenCV":
        if opencv_name is None:
            pytest.skip("OpenCV has no such filter")
        cv2 = opencv()
        how = getattr(cv2, opencv_name)

        def run() -> Floats:
            return cv2.resize(picture, (width, height), interpolation=how)  # type: ignore[no-any-return]

        expected = Kernels(_numpy).resize(picture, height, width, filter)
        np.testing.assert_allclose(run(), expected, rtol=0, atol=tolerance)
    else:
        kernels, threads = OURS[contender]

        def run() -> Floats:
            return kernels.resize(picture, height, width, filter, threads=threads)

        expected = np.stack([np.asarray(plane) for plane in pillow()], axis=-1)
        np.testing.assert_allclose(run(), expected, rtol=0, atol=1e-5)
    benchmark(run)
