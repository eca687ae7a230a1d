"""The C-accelerated core: what runs over every pixel, once a step or once an octave.

Compiled loops where the package was built with a C compiler, their NumPy twin where
it was not, or where the environment variable ``ONNXDREAM_KERNELS`` is ``numpy``.
`IMPLEMENTATION` says which: ``"compiled"`` or ``"numpy"``.
"""

from __future__ import annotations

import contextlib
import logging
import os

from onnxdream.kernels import _numpy
from onnxdream.kernels._checked import Kernels, Loops
from onnxdream.kernels._weights import gaussian

__all__ = [
    "IMPLEMENTATION",
    "ascend",
    "gaussian",
    "jitter_normalize",
    "mean_abs",
    "resize",
    "unjitter_blur",
]


def _choose() -> tuple[str, Loops]:
    """Return the name and the module of the implementation to use."""
    if os.environ.get("ONNXDREAM_KERNELS") == "numpy":
        return "numpy", _numpy
    try:
        # As "from onnxdream.kernels import", an absent module looks like a circle.
        import onnxdream.kernels._compiled as _compiled
        from onnxdream.kernels._processor import variants
    except ImportError as error:
        logging.getLogger(__name__).warning(
            "no compiled kernels, NumPy takes their place and is slower (%s); "
            "reinstall onnxdream where there is a C compiler",
            error,
        )
        return "numpy", _numpy
    if "avx2" in variants():
        # Built only where the compiler can; it gives the same bytes, sooner.
        with contextlib.suppress(ImportError):
            from onnxdream.kernels import _compiled_avx2

            return "compiled", _compiled_avx2
    return "compiled", _compiled


IMPLEMENTATION, _loops = _choose()

_kernels = Kernels(_loops)
resize = _kernels.resize
jitter_normalize = _kernels.jitter_normalize
unjitter_blur = _kernels.unjitter_blur
mean_abs = _kernels.mean_abs
ascend = _kernels.ascend
