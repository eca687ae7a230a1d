"""ONNX graphs: reading within limits, one working opset, building, cutting, metadata.

This is the only part of onnxdream that imports onnx.
"""

from .builder import Builder
from .cutting import cut, descendants
from .folding import fold_normalizations
from .half import in_half
from .ir import DOMAIN, FLOAT, HALF, PREFIX, Attribute, Graph, Node, Tensor
from .metadata import Card, fingerprint, read_card
from .names import GRADIENT, IMAGE, LOSS, forward_part, free_names
from .protobuf import to_bytes, to_model
from .reading import read
from .shapes import Shapes, infer, least_size
from .writing import write

__all__ = [
    "DOMAIN",
    "FLOAT",
    "GRADIENT",
    "HALF",
    "IMAGE",
    "LOSS",
    "PREFIX",
    "Attribute",
    "Builder",
    "Card",
    "Graph",
    "Node",
    "Shapes",
    "Tensor",
    "cut",
    "descendants",
    "fingerprint",
    "fold_normalizations",
    "forward_part",
    "free_names",
    "in_half",
    "infer",
    "least_size",
    "read",
    "read_card",
    "to_bytes",
    "to_model",
    "write",
]
