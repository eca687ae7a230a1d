"""Compare an exported gradient with ``torch.autograd``.

Where a maximum or a kink is close, float32 alone decides which way a gradient goes, and
PyTorch's own is as far from the truth as anybody's. So both are compared with float64.
"""

from __future__ import annotations

import copy
import logging
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

__all__ = ["MOST_ERROR", "MOST_NOISE", "Agreement", "compare", "random_image"]

MOST_ERROR = 1e-3
"""By how much a gradient and a loss that are kept may always be off."""

MOST_NOISE = 2.0
"""How many times as far off as PyTorch's own in float32 they may be, where that is more."""

_MOST_UNREST = 1e-3
"""By how much two runs of a network may differ that is not random."""

log = logging.getLogger(__name__)

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
        ‖g − g'‖ / ‖g'‖, where g' is the gradient of ``torch.autograd`` in float64.
    loss_error : float
        |l − l'| / Σ|w|·mean(a'²): the same for the loss, whose terms may cancel.
    noise, loss_noise : float
        The same for PyTorch in float32; 0 where two runs of it differ.
    """

    height: int
    width: int
    cosine: float
    error: float
    loss_error: float
    noise: float = 0.0
    loss_noise: float = 0.0

    def check(self) -> None:
        """Raise ExportError if the two differ by more than float32 accounts for."""
        most, most_loss = (
            max(MOST_ERROR, MOST_NOISE * noise) for noise in (self.noise, self.loss_noise)
        )
        # Written so that not-a-number fails.
        if not (self.error <= most and self.loss_error <= most_loss):
            raise ExportError(
                f"The file would not do what PyTorch does. At {self.width}×{self.height} the "
                f"relative error of its gradient is {self.error:.1e} (at most {most:.1e}) and "
                f"that of its loss {self.loss_error:.1e} (at most {most_loss:.1e}); the cosine of "
                f"the gradients is {self.cosine:.6f}. A network that is random in evaluation mode, "
                "that depends on the image's size, or whose backward pass is not the derivative of "
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
    own = _by_autograd(network, layers, image)
    terms, gradient = _in_float64(network, layers, image) or own
    size = np.linalg.norm(gradient)
    if not (np.isfinite(size) and size > 0):
        raise ExportError(
            "PyTorch's own gradient is zero or not finite on a random picture. "
            "Check the preprocessing (mean, std, value_range), the weights and the layers."
        )
    made_loss, made = session.run({IMAGE: image.numpy()}, [LOSS, GRADIENT])
    made = made.astype(np.float64)

    def off(loss: float, found: np.ndarray) -> tuple[float, float]:
        error = float(np.linalg.norm(found - gradient) / size)
        return error, float(abs(loss - terms.sum()) / max(abs(terms).sum(), _TINY))

    again = _by_autograd(network, layers, image)[1]
    restless = not np.linalg.norm(again - own[1]) <= _MOST_UNREST * size
    height, width = image.shape[2:]
    cosine = float(np.vdot(made, gradient) / max(np.linalg.norm(made) * size, _TINY))
    noise = (0.0, 0.0) if restless else off(float(own[0].sum()), own[1])
    return Agreement(height, width, cosine, *off(float(made_loss), made), *noise)


def _in_float64(
    network: nn.Module, layers: Mapping[str, float], image: Tensor
) -> tuple[np.ndarray, np.ndarray] | None:
    """What `_by_autograd` returns, computed in float64; None where the network cannot."""
    try:
        return _by_autograd(copy.deepcopy(network).double(), layers, image.double())
    except ExportError as error:
        log.info("The network does not run in float64: float32 is the reference. (%s)", error)
        return None


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
