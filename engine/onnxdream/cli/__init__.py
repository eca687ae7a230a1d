"""The command line: a skin over the API, one file a command.

Nothing here loads numpy, onnx or ONNX Runtime before a command runs that needs
them, so that help and ``--version`` come at once.
"""

from .program import main

__all__ = ["main"]
