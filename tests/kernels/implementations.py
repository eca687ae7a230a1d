"""The kernels over each of their implementations."""

from __future__ import annotations

import importlib

import pytest

from onnxdream.kernels._checked import Kernels


def kernels_over(name: str) -> Kernels:
    """Return the kernels over one implementation; skip the test where it cannot run."""
    if name == "_compiled_avx2":
        processor = pytest.importorskip("onnxdream.kernels._processor", exc_type=ImportError)
        if "avx2" not in processor.variants():
            pytest.skip("the processor has no AVX2")
    module = f"onnxdream.kernels.{name}"
    pytest.importorskip(module, reason=f"{module} was not built", exc_type=ImportError)
    return Kernels(importlib.import_module(module))
