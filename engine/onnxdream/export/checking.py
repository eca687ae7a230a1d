"""Compare an exported gradient with ``torch.autograd``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import ExportError
from ..graph import GRADIENT, IMAGE, LOSS
from ..preprocessing import Preprocessing
from ..runtime import Session
from .modules import Tapped

__all__ = ["LEAST_COSINE", "MOST_ERROR", "Agreement", "compare", "random_image"]

LEAST_COSINE = 0.9999
"""The least cosine between a gradient that is kept and that of ``torch.autograd``."""

MOST_ERROR = 1e-2
"""The most that a gradient and a loss that are kept may be off."""

_TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True)
class Agreement:
    """How well an exported network agrees with PyTorch on an image.

    Parameters
    ----------
    height, width : int
        The size of the image in pixels.
    cosine : float
        Of the angle between the two gradients.
    error : float
        ‖g − g'‖ / ‖g'‖, where g' is the gradient of ``torch.autograd``.
    loss_error : float
        |l − l'| / Σ|w|·mean(a'²): the same for the loss, whose terms may cancel.
    """

    height: int
    width: int
    cosine: float
    error: float
    loss_error: float

    def check(self) -> None:
        """Raise ExportError if the two differ by more than float32 accounts for."""
        # Written so that not-a-number fails.
        if not (
            self.cosine >= LEAST_COSINE
            and self.error <= MOST_ERROR
            and self.loss_error <= MOST_ERROR
        ):
            raise ExportError(
                f"The file would not do what PyTorch does. At {self.width}×{self.height} the "
                f"cosine of the gradients is {self.cosine:.6f} (at least {LEAST_COSINE}), their "
                f"relative error {self.error:.1e} and that of the loss {self.loss_error:.1e} "
                f"(at most {MOST_ERROR}). A network that is random in evaluation mode, that "
                "depends on the image's size, or whose backward pass is not the derivative of "
                "its forward pass cannot be exported."
            )


def random_image(height: int, width: int, preprocessing: Preprocessing) -> Tensor:
    """A random picture as it is fed to a network, float32 (1, 3, height, width)."""
    pixels = np.random.default_rng(0).random((height, width, 3), np.float32)
    fed = (pixels - preprocessing.unit_mean) / preprocessing.unit_std
    return torch.from_numpy(np.ascontiguousarray(fed.transpose(2, 0, 1)[None]))


def compare(
    network: nn.Module, layers: Mapping[str, float], session: Session, image: Tensor
) -> Agreement:
    """Compare a session of an exported file with the network that it was made from.

    Parameters
    ----------
    network : nn.Module
        The network, in evaluation mode.
    layers : mapping of str to float
        The modules that are amplified, each with its weight.
    session : Session
        The file, loaded.
    image : Tensor of float32, shape (1, 3, H, W)
        What both are run on.

    Raises
    ------
    ExportError
        If PyTorch has no gradient, or one that is zero or not finite.
    """
    terms, gradient = _by_autograd(network, layers, image)
    size = np.linalg.norm(gradient)
    if not (np.isfinite(size) and size > 0):
        raise ExportError(
            "PyTorch's own gradient is zero or not finite on a random picture. "
            "Check the preprocessing (mean, std, value_range), the weights and the layers."
        )
    made_loss, made = session.run({IMAGE: image.numpy()}, [LOSS, GRADIENT])
    made = made.astype(np.float64)
    height, width = image.shape[2:]
    return Agreement(
        height,
        width,
        cosine=float(np.vdot(made, gradient) / max(np.linalg.norm(made) * size, _TINY)),
        error=float(np.linalg.norm(made - gradient) / size),
        loss_error=float(abs(made_loss - terms.sum()) / abs(terms).sum()),
    )


def _by_autograd(
    network: nn.Module, layers: Mapping[str, float], image: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """The terms of the loss, and d loss / d image, in float64."""
    leaf = image.clone().requires_grad_()
    try:
        activations = Tapped(network, list(layers))(leaf)
        terms = torch.stack(
            [w * a.square().mean() for w, a in zip(layers.values(), activations, strict=True)]
        )
        (gradient,) = torch.autograd.grad(terms.sum(), leaf)
    except Exception as error:
        raise ExportError(f"PyTorch has no gradient of this network: {error}") from error
    return terms.detach().double().numpy(), gradient.double().numpy()
