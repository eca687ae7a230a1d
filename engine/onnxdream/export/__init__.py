"""PyTorch networks to ONNX files with a gradient.

`export` writes the network and its backward pass to one file, compared with
``torch.autograd`` before it is kept; `open_source` finds a network in
torchvision, in timm or in a file of the user's.

This is the only part of onnxdream that imports torch, and it does so when it
is first used.
"""

from .exporting import Report, export
from .sources import Source, open_source

__all__ = ["Report", "Source", "export", "open_source"]
