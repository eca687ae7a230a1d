# A library of operators for ONNX Runtime, as SessionOptions.register_custom_ops_library
# loads it. The domain is `onnxdream`; see __init__.py for what it offers.
#
# This file and those that it includes are compiled once for each processor that has
# vectors of another width. ONNX Runtime loads the library without importing it as a
# module: nothing here may rely on Python, nor on a variable's having been given a value
# at the top level.

from libc.math cimport powf, sqrtf
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from onnxdream.kernels._ascent cimport absolute_sums, ascend_values, ascent_scale
from onnxdream.kernels._blur cimport unjitter_blur_rows, unjitter_blur_scratch
from onnxdream.kernels._jitter cimport jitter_normalize_rows
from onnxdream.kernels._lanes cimport (
    LANES, Lanes, between, clip, inside, keep, lanes, prefetch, prefetch_room, spread, where_equal,
)
from onnxdream.operators._ort_api cimport *
from onnxdream.kernels._rows cimport blend_rows

include "_attributes.pxi"
include "_tensors.pxi"
include "_windows.pxi"
include "_gated_sum.pxi"
include "_max_pool_grad.pxi"
include "_average_pool_grad.pxi"
include "_depthwise_grad.pxi"
include "_marks.pxi"
include "_products.pxi"
include "_dense.pxi"
include "_pointwise.pxi"
include "_winograd.pxi"
include "_expanded_depthwise.pxi"
include "_expanded_depthwise_grad.pxi"
include "_interleave.pxi"
include "_lrn_grad.pxi"
include "_step.pxi"
include "_library.pxi"
