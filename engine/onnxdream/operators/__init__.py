"""Operators of our own, inside ONNX Runtime.

A library of operators of the domain ``onnxdream``, for the CPU, that
``SessionOptions.register_custom_ops_library`` loads. They run on the threads of the
session, and give the same result on any number of them. Tensors are float32, unless it
says otherwise.

=========================  ====================  ============================================
operator                   inputs                computes
=========================  ====================  ============================================
``GatedSum``               y, g...               the sum of 1 to 8 gradients, gated by y
``MaxPoolGrad``            x, y, g               g moved to the first maximum of each window,
                                                 gated by y
``AveragePoolGrad``        x, g                  g shared among the elements of each window,
                                                 gated by x
``Interleave``             x, phases...          the picture whose every s-th pixel is that
                                                 of a phase, gated by x; row-major phases
``PixelShuffle``           x, phases             the same, from phases that are channels, as
                                                 plain NCHW; of x, only the shape is used
``DepthwiseGrad``          g, y, w, x            the gradient of a depthwise convolution with
                                                 respect to x; g gated by y (``gate_low``,
                                                 ``gate_high``), the result by x
``Pointwise``              x, w, b, total        a 1x1 convolution w, b, added to the total
                                                 and clipped to ``low``, ``high``; b and the
                                                 total may be missing
``PointwiseGrad``          g, y, w, x, total     the gradient of a 1x1 convolution, added to
                                                 the total; g gated by y (``gate_low``,
                                                 ``gate_high``), the result by x. w is
                                                 turned; y, x and the total may be missing
``Winograd``               x, w, b, total        a 3x3 convolution of stride 1 and ``pads``,
                                                 else as ``Pointwise``; w is mixed
``WinogradGrad``           g, y, w, x, total     its gradient, else as ``PointwiseGrad``; w
                                                 is turned, then mixed
``ExpandedDepthwise``      x, v, a, w, b         a 1x1 convolution v, a and a depthwise one
                                                 w, b behind it, clipped to ``expand_low``,
                                                 ``expand_high`` and to ``low``, ``high``;
                                                 and the marks of both: where a gradient
                                                 passes. Of x, ``channels`` are not zero
``ExpandedDepthwiseGrad``  g, marks, w,          its gradient with respect to x, added to
                           expanded marks,       the total, if any; v is turned
                           v, total
``LRNGrad``                x, g                  the gradient of local response normalization
``Jitter``                 picture, shift        the picture rolled by shift (int64),
                                                 normalized, channels first
``Unjitter``               gradient, shift       the same, backwards
``Blur``                   picture, taps         the picture convolved with taps, along both
                                                 axes, its edges repeated
``Ascend``                 picture, gradient,    picture + step / 255 · gradient / mean, from
                           step                  0 to 1; and mean, that of abs(gradient)
=========================  ====================  ============================================

A gradient gated by an activation passes where ``low`` < activation < ``high``, and is
zero elsewhere; the attributes are infinite where they are absent.

Tensors [N, C, H, W] of operators with an attribute ``block`` lie in memory as
[N][C / block][H][W][block], which is ONNX Runtime's own blocked layout; with 1, the
default, they are plain. The weights of depthwise convolutions, declared [C, 1, kh, kw],
lie as [C / block][kh][kw][block]; those of 1x1 convolutions, declared [C, D, 1, 1], as
[C / block][D / block][block of D][block of C]; those of 3x3 convolutions, mixed to
[C, D, 4, 4] (G g G' of Lavin and Gray, Fast Algorithms for Convolutional Neural Networks,
2015), as [C / block][4][4][D / block][block of D][block of C]: where their x is infinite,
their results may be no numbers. Marks are bits: declared as uint8
[N, C / block * bytes, H, W], they lie as [N][C / block][H][W][bytes], and the lowest bit of
the first byte is that of a block's first channel. The other attributes are those of the
ONNX operators.

The library is compiled for several kinds of processor. Each kind gives the same
result every time, but their results differ from each other's by rounding.
"""

from __future__ import annotations

import os
from importlib.util import find_spec

__all__ = ["VARIANT", "libraries", "library"]


def libraries() -> dict[str, str]:
    """Return the paths of the variants that this processor can run, the best first.

    Returns
    -------
    dict of str to str
        From names (``"avx512"``, ``"avx2"``, ``"baseline"``) to files; empty where
        none was compiled.
    """
    try:
        from onnxdream.kernels._processor import variants
    except ImportError:
        return {}
    found = {}
    for variant in variants():
        spec = find_spec(f"onnxdream.operators._{variant}")
        if spec is not None and spec.origin is not None:
            found[variant] = spec.origin
    return found


def _choose() -> tuple[str | None, str | None]:
    """Return the name and the path of the best variant."""
    if os.environ.get("ONNXDREAM_KERNELS") == "numpy":
        return None, None
    return next(iter(libraries().items()), (None, None))


VARIANT, _LIBRARY = _choose()
"""The variant that `library` is, or None."""


def library() -> str | None:
    """Return the path of the library for this processor.

    None where the package was built without a compiler, or where the environment
    variable ``ONNXDREAM_KERNELS`` is ``numpy``.
    """
    return _LIBRARY
