# A library of operators for ONNX Runtime, as SessionOptions.register_custom_ops_library
# loads it. The domain is `onnxdream`; see operators.py for what it offers.
#
# This file and those that it includes are compiled once for each processor that has
# vectors of another width.

from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from onnxdream.kernels._lanes cimport LANES, Lanes, between, lanes, spread, where_equal
from onnxdream.kernels._ort_api cimport *

include "_attributes.pxi"
include "_tensors.pxi"
include "_windows.pxi"
include "_gated_sum.pxi"
include "_max_pool_grad.pxi"
include "_average_pool_grad.pxi"
include "_depthwise_grad.pxi"
include "_interleave.pxi"
include "_library.pxi"
