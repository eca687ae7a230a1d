"""A dream once more, from what its file says of itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from . import images
from .dreamer import dreamer_for
from .errors import ImageError, NetworkFormatError, NetworkNotFoundError
from .files import path_from, shown
from .network import embedded
from .progress import Progress
from .provenance import Output, Provenance
from .recipe import Recipe
from .runtime import Machine

__all__ = ["Replayed", "replay"]


class Replayed(NamedTuple):
    """A dream that was dreamed again.

    Parameters
    ----------
    picture : Picture
        The dream.
    output : Output
        How the first one was written.
    same : bool
        Whether it is the same, pixel for pixel, once it is written like that.
    differences : list of str
        What took part then and does not now.
    """

    picture: images.Picture
    output: Output
    same: bool
    differences: list[str]


def replay(
    dream: str | Path,
    source: str | Path,
    *,
    assets: str | Path | None = None,
    machine: Mapping[str, Any] | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Replayed:
    """Dream a dream again.

    Parameters
    ----------
    dream : str or Path
        A picture that onnxdream wrote.
    source : str or Path
        The picture that was dreamed.
    assets : str or Path, optional
        The folder where the network's file is, if it is not an embedded one; the
        current folder if not given.
    machine : mapping of str to object, optional
        Fields of `Machine` that are to be others than they were.
    progress : callable, optional
        Called after every step.

    Raises
    ------
    RecipeError
        If the dream does not say how it was made.
    ImageError
        If the source is another picture.
    NetworkError
        If the network's file is missing, or another.
    """
    name = shown(path_from(dream, ImageError))
    content = _read(Path(dream), name)
    record = Provenance.of(images.read_texts(content), name)
    picture = images.read(source)
    if picture.sha256() != record.input.sha256:
        raise ImageError(f"{shown(source)} is not the picture that became {name}.")
    used = record.used
    recorded = Machine(
        provider=used.provider,
        lowering=used.lowering,
        precision=used.precision,
        threads=used.threads,
    )
    where = dataclasses.replace(recorded, **(machine or {}))
    with dreamer_for(_found(record.recipe, assets), where) as dreamer:
        if dreamer.network.sha256 != used.network:
            raise NetworkFormatError(
                f"{shown(dreamer.network.location)} is not the network that made {name}: "
                "its weights are others. --assets names the folder of the right one."
            )
        differences = used.differences(dreamer.used())
        first = images.read(content)
        output = record.output or Output(format=Path(dream).suffix, depth=first.depth)
        again = dreamer.dream_picture(
            picture, depth=output.depth, progress=progress, **_settings(record.recipe)
        )
    told = Provenance.of(again.texts, name)
    again = dataclasses.replace(
        again, texts=msgspec.structs.replace(told, output=record.output).texts()
    )
    written = BytesIO()
    images.write(again, written, output.format, output.quality or 95, output.depth)
    same = written.getvalue() == content or np.array_equal(
        images.read(written.getvalue()).pixels, first.pixels
    )
    return Replayed(again, output, same, differences)


def _settings(recipe: Recipe) -> dict[str, Any]:
    """What a Dreamer of its network is told, wherever that was found."""
    said = {name: getattr(recipe, name) for name in recipe.__struct_fields__}
    return {name: value for name, value in said.items() if name != "network"}


def _found(recipe: Recipe, assets: str | Path | None) -> Recipe:
    """The recipe with its network where it lies."""
    network = recipe.network or ""
    if network in embedded():
        return recipe
    # It is a name, whatever a stranger wrote.
    path = Path(assets or "") / Path(network).name
    if not path.exists():
        raise NetworkNotFoundError(
            f"The dream was made with {network}, which is not in {shown(path.parent)}: "
            "--assets names the folder where it is."
        )
    return msgspec.structs.replace(recipe, network=str(path))


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise ImageError(f"{name} cannot be read. ({error})") from error
