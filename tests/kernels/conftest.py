from __future__ import annotations

import importlib

import numpy as np
import pytest
from numpy.typing import NDArray
from onnxdream.kernels._checked import Kernels

Floats = NDArray[np.float32]


def implementation(name: str) -> Kernels:
    """Return the kernels over one implementation, or skip where it cannot run."""
    if name == "_compiled_avx2":
        compiled = pytest.importorskip("onnxdream.kernels._compiled", exc_type=ImportError)
        if not compiled.has_avx2():
            pytest.skip("the processor has no AVX2")
    module = f"onnxdream.kernels.{name}"
    if name != "_numpy":
        pytest.importorskip(module, reason="not built", exc_type=ImportError)
    return Kernels(importlib.import_module(module))


@pytest.fixture(scope="session", params=["_numpy", "_compiled", "_compiled_avx2"])
def kernels(request: pytest.FixtureRequest) -> Kernels:
    return implementation(request.param)


@pytest.fixture(scope="session")
def twin() -> Kernels:
    return implementation("_numpy")


@pytest.fixture(scope="session", params=["_compiled", "_compiled_avx2"])
def compiled(request: pytest.FixtureRequest) -> Kernels:
    return implementation(request.param)
