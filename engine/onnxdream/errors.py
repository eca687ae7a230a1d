"""Everything that onnxdream raises on purpose.

::

    OnnxdreamError
    ├── ImageError                  a picture could not be read or written
    │   ├── ImageNotFoundError      there is no such file
    │   ├── ImageFormatError        it is no picture, or of a kind that cannot be read or written
    │   ├── ImageTruncatedError     the picture ends too early
    │   └── ImageTooLargeError      it has more pixels, or longer sides, than are sane
    ├── NetworkError                a network could not be used
    │   ├── NetworkNotFoundError    no embedded network and no file has this name
    │   ├── NetworkFormatError      the file is corrupt, too large, too new, or no CNN
    │   ├── UnsupportedOperatorError  the gradient of an operator is not known
    │   └── LayerNotFoundError      the network has no such layer
    ├── RecipeError                 a setting is impossible (a ValueError, too)
    ├── GradientError               the gradient is zero, infinite or not a number
    ├── DreamStoppedError           a dream was cancelled; `partial` is what there was
    │   └── DreamTimeoutError       it took too long (a TimeoutError, too)
    ├── BackendError                ONNX Runtime could not be used
    │   ├── BackendNotFoundError    it is not installed
    │   └── ProviderError           it cannot run on the provider that was asked for
    ├── OutOfMemoryError            there is not enough memory (a MemoryError, too)
    ├── MissingExtraError           an optional package is not installed
    ├── ExportError                 a PyTorch network could not be exported
    └── BenchmarkError              a benchmark could not be run, or its results not be read
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "BackendError",
    "BackendNotFoundError",
    "BenchmarkError",
    "DreamStoppedError",
    "DreamTimeoutError",
    "ExportError",
    "GradientError",
    "ImageError",
    "ImageFormatError",
    "ImageNotFoundError",
    "ImageTooLargeError",
    "ImageTruncatedError",
    "LayerNotFoundError",
    "MissingExtraError",
    "NetworkError",
    "NetworkFormatError",
    "NetworkNotFoundError",
    "OnnxdreamError",
    "OutOfMemoryError",
    "ProviderError",
    "RecipeError",
    "UnsupportedOperatorError",
]


class OnnxdreamError(Exception):
    """The root of the tree: whatever onnxdream raises on purpose is one of these."""


class ImageError(OnnxdreamError):
    """A picture could not be read or written."""


class ImageNotFoundError(ImageError, FileNotFoundError):
    """There is no such file."""


class ImageFormatError(ImageError):
    """The file is no picture, or of a kind that cannot be read or written."""


class ImageTruncatedError(ImageError):
    """The picture ends too early."""


class ImageTooLargeError(ImageError):
    """The picture has more pixels, or longer sides, than are sane."""


class NetworkError(OnnxdreamError):
    """A network could not be used."""


class NetworkNotFoundError(NetworkError):
    """No embedded network and no file has this name."""


class NetworkFormatError(NetworkError):
    """The file is corrupt, too large, too new, or no convolutional network."""


class UnsupportedOperatorError(NetworkError):
    """The gradient of an operator is not known; the message lists every one of them."""


class LayerNotFoundError(NetworkError):
    """The network has no such layer; the message names the closest ones."""


class RecipeError(OnnxdreamError, ValueError):
    """A setting is impossible."""


class GradientError(OnnxdreamError):
    """The gradient is zero, infinite or not a number, so that there is no way up."""


class DreamStoppedError(OnnxdreamError):
    """A dream was cancelled before its end.

    Attributes
    ----------
    partial : Picture, ndarray or None
        What would have been returned, with the detail that there was by then.
    """

    partial: Any = None


class DreamTimeoutError(DreamStoppedError, TimeoutError):
    """A dream took longer than it may."""


class BackendError(OnnxdreamError):
    """ONNX Runtime could not be used."""


class BackendNotFoundError(BackendError):
    """ONNX Runtime is not installed; the message names the extra that brings it."""


class ProviderError(BackendError):
    """ONNX Runtime cannot run on the provider that was asked for."""


class OutOfMemoryError(OnnxdreamError, MemoryError):
    """There is not enough memory; the message says how much was wanted, where that is known."""


class MissingExtraError(OnnxdreamError):
    """An optional package is not installed; the message names the extra that brings it."""


class ExportError(OnnxdreamError):
    """A PyTorch network could not be exported."""


class BenchmarkError(OnnxdreamError):
    """A benchmark could not be run, or its results not be read."""
