"""The kernels under test."""

from __future__ import annotations

import pytest
from implementations import kernels_over

from onnxdream.kernels._checked import Kernels


@pytest.fixture(scope="session", params=["_numpy", "_compiled", "_compiled_avx2"])
def kernels(request: pytest.FixtureRequest) -> Kernels:
    """Every implementation in turn."""
    return kernels_over(request.param)


@pytest.fixture(scope="session", params=["_compiled", "_compiled_avx2"])
def compiled(request: pytest.FixtureRequest) -> Kernels:
    """Every compiled implementation in turn."""
    return kernels_over(request.param)


@pytest.fixture(scope="session")
def twin() -> Kernels:
    """The implementation in NumPy."""
    return kernels_over("_numpy")
