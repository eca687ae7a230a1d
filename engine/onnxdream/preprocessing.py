"""How a picture is fed to a network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import force_setattr

from .errors import RecipeError
from .ranges import among, said

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Preprocessing"]

_LEAST, _LARGEST = 1e-30, 1e30
"""Of a mean and a std on the scale of 0 to 1, so that float32 holds what is made of them."""


class Preprocessing(Struct, frozen=True, forbid_unknown_fields=True):
    """What turns a picture into a network's input: (x − mean) / std.

    Parameters
    ----------
    mean, std : tuple of three floats
        In the network's channel order, on the scale of `value_range`.
    channels : {"RGB", "BGR"}
        The network's channel order.
    value_range : tuple of two floats
        The scale on which `mean` and `std` are stated: (0, 1) or (0, 255),
        or whatever black and white were when the network was trained.

    Raises
    ------
    RecipeError
        If a number is not finite, a std is not above zero, or the rest is
        none of the above.
    """

    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    channels: str = "RGB"
    value_range: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        force_setattr(self, "mean", _numbers("mean", self.mean, 3))
        force_setattr(self, "std", _numbers("std", self.std, 3))
        force_setattr(self, "value_range", _numbers("value_range", self.value_range, 2))
        if min(self.std) <= 0:
            raise RecipeError(f"std must be above zero, but is {self.std}.")
        if not among(self.channels, ("RGB", "BGR")):
            raise RecipeError(f'channels must be "RGB" or "BGR", but is {said(self.channels)}.')
        if self.value_range[0] >= self.value_range[1]:
            raise RecipeError(f"value_range must rise from low to high, not {self.value_range}.")
        self._check_units()

    def _check_units(self) -> None:
        """Refuse what is no number, or divides by nothing, in float32."""
        low, high = self.value_range
        means = [(value - low) / (high - low) for value in self.mean]
        stds = [value / (high - low) for value in self.std]
        possible = all(abs(value) <= _LARGEST for value in means)
        if not (possible and all(_LEAST <= value <= _LARGEST for value in stds)):
            raise RecipeError(
                f"mean {self.mean} and std {self.std} are out of all proportion to the "
                f"value_range {self.value_range}."
            )

    @property
    def bgr(self) -> bool:
        """Whether blue comes first."""
        return self.channels == "BGR"

    @property
    def unit_mean(self) -> np.ndarray:
        """The mean for pictures of range 0 to 1, float32 of shape (3,)."""
        import numpy as np

        low, high = self.value_range
        return ((np.array(self.mean) - low) / (high - low)).astype(np.float32)

    @property
    def unit_std(self) -> np.ndarray:
        """The standard deviation for pictures of range 0 to 1, float32 of shape (3,)."""
        import numpy as np

        low, high = self.value_range
        return (np.array(self.std) / (high - low)).astype(np.float32)


def _numbers(name: str, values: Sequence[float], count: int) -> tuple[float, ...]:
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError, OverflowError) as error:
        raise RecipeError(f"{name} must be {count} numbers, but is {said(values)}.") from error
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise RecipeError(f"{name} must be {count} finite numbers, but is {said(values)}.")
    return numbers
