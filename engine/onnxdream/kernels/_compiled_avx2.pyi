"""What the compiled kernels look like from Python (see ``_compiled.pyi``)."""

from onnxdream.kernels._compiled import absolute_block_sums as absolute_block_sums
from onnxdream.kernels._compiled import ascend as ascend
from onnxdream.kernels._compiled import jitter_normalize as jitter_normalize
from onnxdream.kernels._compiled import resize as resize
from onnxdream.kernels._compiled import unjitter_blur as unjitter_blur
