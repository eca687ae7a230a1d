"""The recipe: plain data, validated once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from ..errors import RecipeError
from ..preprocessing import Preprocessing
from ..ranges import number_within, said, whole_number_within

__all__ = ["FORMS", "Form", "Layers", "Recipe"]

Layers = str | Iterable[str] | Mapping[str, float]
"""A layer, several of equal weight, or each with its weight."""

_LONGEST_NAME = 4096
_MOST_LAYERS = 4096

_LARGEST_FLOAT32 = 3.4028234663852886e38


class Recipe(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of a dream; with the same input and machine they give the same bytes.

    Parameters
    ----------
    network : str, optional
        An embedded network, or the path of an ONNX file; the one that is loaded,
        or the default one, if not given.
    preprocessing : Preprocessing, optional
        How the network is fed; what its file says if not given.
    layers : mapping of str to float
        What is amplified: layers, each with its weight; the network's own
        suggestion if empty.
    size : int or "full"
        The longer side at which is dreamed, in pixels; the detail is enlarged
        then and added to the picture, which keeps its own size. A smaller
        picture is dreamed as it is, and with "full" every picture is.
    octaves : int or "auto"
        How many scales of the image pyramid; with "auto" as many as it takes
        for the smallest to have a shorter side of 70 to 100 pixels.
    octave_scale : float
        The ratio of an octave's sides to those of the next smaller one.
    steps : int
        Gradient ascent steps an octave.
    step_size : float
        How far the mean pixel moves in a step, in 8-bit grey levels.
    jitter : int
        The picture is rolled by up to so many pixels each way before a step.
    blur : float
        σ of the Gaussian blur of the gradient, in pixels; 0 for none.
    resize : {"bilinear", "bicubic", "area"}
        The filter that resizes octaves and the detail.
    strength : float
        The detail is multiplied by it in the end: 0.5 is half the change.
    target_rms : float, optional
        How far the dream is from the picture in the end, root mean square in
        8-bit grey levels; the strength that reaches it is found.
    seed : int
        The seed of all random numbers.

    Raises
    ------
    RecipeError
        If a setting is impossible.
    """

    network: Annotated[str, Meta(max_length=_LONGEST_NAME)] | None = None
    preprocessing: Preprocessing | None = None
    layers: Mapping[str, float] = {}
    size: Annotated[int, Meta(ge=16, le=1_000_000)] | Literal["full"] = 1024
    octaves: Annotated[int, Meta(ge=1, le=64)] | Literal["auto"] = "auto"
    octave_scale: Annotated[float, Meta(ge=1.01, le=16)] = 1.4
    steps: Annotated[int, Meta(ge=1, le=100_000)] = 20
    step_size: Annotated[float, Meta(ge=1e-6, le=255)] = 2.0
    jitter: Annotated[int, Meta(ge=0, le=100_000)] = 32
    blur: Annotated[float, Meta(ge=0, le=100)] = 1.0
    resize: Literal["bilinear", "bicubic", "area"] = "bilinear"
    strength: Annotated[float, Meta(ge=0, le=100)] = 1.0
    target_rms: Annotated[float, Meta(ge=0.01, le=255)] | None = None
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0

    def __post_init__(self) -> None:
        for name, form in FORMS.items():
            value = getattr(self, name)
            record = _RECORDS.get(name)
            kept = form.checked(name, value) if record is None else record(value)
            msgspec.structs.force_setattr(self, name, kept)
        if self.strength != 1 and self.target_rms is not None:
            raise RecipeError("target_rms finds the strength: give one of them, not both.")


class Form(NamedTuple):
    """What a setting may be, as its annotation says.

    Parameters
    ----------
    number : type or None
        Of which kind, int or float, if it may be a number.
    low, high : float
        Its limits then.
    words : tuple of str
        The words that it may be.
    optional : bool
        Whether it may be None.
    """

    number: type[int] | type[float] | None
    low: float
    high: float
    words: tuple[str, ...]
    optional: bool

    @classmethod
    def of(cls, hint: Any) -> Form:
        """Read an annotation: a number within limits, some words, or both; or None."""
        kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
        number, low, high, words = None, 0.0, 0.0, ()
        for kind in kinds:
            if get_origin(kind) is Literal:
                words = get_args(kind)
            elif get_origin(kind) is Annotated and get_args(kind)[0] in _NUMBERS:
                base, meta = get_args(kind)
                number, low, high = base, meta.ge, meta.le
        return cls(number, low, high, words, type(None) in kinds)

    def checked(self, name: str, value: Any) -> Any:
        """A value in the form in which it is kept, if it is possible."""
        if value is None and self.optional:
            return None
        if isinstance(value, str) and value in self.words:
            return str(value)
        if self.number is None:
            raise RecipeError(f"{name} must be one of {', '.join(self.words)}, not {said(value)}.")
        try:
            return _NUMBERS[self.number](name, value, self.low, self.high)
        except RecipeError as error:
            if not self.words:
                raise
            also = " or ".join(f'"{word}"' for word in self.words)
            raise RecipeError(f"{str(error).removesuffix('.')}, or {also}.") from None


_NUMBERS: dict[type, Any] = {int: whole_number_within, float: number_within}

FORMS = {name: Form.of(hint) for name, hint in get_type_hints(Recipe, include_extras=True).items()}
"""Every setting by its name, in order, and what it may be."""


def _name(value: Any) -> str | None:
    if value is None:
        return None
    if not _is_text(value):
        raise RecipeError(f"network must be a name or a path, but is {said(value)}.")
    return str(value)


def _is_text(value: Any) -> bool:
    """Whether it is a string that TOML and JSON can hold."""
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NAME:
        return False
    # What is left of a path that is not UTF-8.
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _preprocessing(value: Any) -> Preprocessing | None:
    if value is not None and not isinstance(value, Preprocessing):
        raise RecipeError(f"preprocessing must be a Preprocessing, but is {said(value)}.")
    return value


def _layers(value: Any) -> dict[str, float]:
    if isinstance(value, str):
        value = [value]
    try:
        weights = dict(value) if isinstance(value, Mapping) else dict.fromkeys(value, 1.0)
    except TypeError as error:
        # It is nothing to iterate over, or holds what no name could be.
        raise RecipeError(f"Layers are named by strings, not by {said(value)}.") from error
    if len(weights) > _MOST_LAYERS:
        raise RecipeError(f"{len(weights)} layers are too many: at most {_MOST_LAYERS} are read.")
    kept = {}
    for layer, weight in weights.items():
        if not _is_text(layer):
            raise RecipeError(f"A layer is named by a string, not by {said(layer)}.")
        limit = _LARGEST_FLOAT32
        kept[str(layer)] = number_within(f"The weight of {layer!r}", weight, -limit, limit)
    return kept


_RECORDS = {"network": _name, "preprocessing": _preprocessing, "layers": _layers}
"""How the settings are checked that are neither numbers nor words."""
