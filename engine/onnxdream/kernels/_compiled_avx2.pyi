"""What the compiled kernels look like from Python (see ``_compiled.pyi``)."""

from onnxdream.kernels._compiled import *
