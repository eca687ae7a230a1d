"""How a dream was made: a record that travels with the picture.

It is JSON under the key ``onnxdream`` of the picture's texts, and a line for people
under ``parameters``. It holds no date, no path and nothing of who dreamed: with the same
picture it makes the same bytes again.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from . import __version__, operators
from .errors import RecipeError
from .files import path_from, shown, why
from .kernels import IMPLEMENTATION
from .recipe import MOST_BYTES, Recipe, decode
from .runtime import backend_version

__all__ = ["Input", "Output", "Provenance", "Used", "read_recipe"]

_KEY, _LINE = "onnxdream", "parameters"

SCHEMA = 1
"""The version of the record; a later one is refused."""


class Input(Struct, frozen=True, kw_only=True):
    """The picture that was dreamed.

    Parameters
    ----------
    width, height : int
        In pixels.
    sha256 : str
        Of its pixels, transparency and colour profile.
    """

    width: int
    height: int
    sha256: str


class Used(Struct, frozen=True, kw_only=True):
    """What took part beside the recipe.

    Parameters
    ----------
    network : str
        SHA-256 of the network's nodes and weights.
    provider, lowering, precision : str
        Where it ran, and how.
    threads : int
        On how many threads.
    processor : str
        The architecture, and the variant of the compiled operators.
    kernels : str
        ``"compiled"``, or ``"numpy"`` for their twin.
    versions : mapping of str to str
        Of onnxdream and the packages that take part.
    """

    network: str
    provider: str
    lowering: str
    precision: str
    threads: int
    processor: str
    kernels: str
    versions: Mapping[str, str]

    @classmethod
    def here(cls, network: str, provider: str, lowering: str, precision: str, threads: int) -> Used:
        """What takes part in this process."""
        packages = ("numpy", "onnx", "pillow")
        return cls(
            network=network,
            provider=provider,
            lowering=lowering,
            precision=precision,
            threads=threads,
            processor=f"{platform.machine()}, {operators.VARIANT or 'no operators'}",
            kernels=IMPLEMENTATION,
            versions={
                "onnxdream": __version__,
                "onnxruntime": backend_version(),
                **{name: version(name) for name in packages},
            },
        )

    def differences(self, other: Used) -> list[str]:
        """What is different in another: ``"threads: 2, then 4"`` say."""
        mine, theirs = ({**msgspec.structs.asdict(each), **each.versions} for each in (self, other))
        return [
            f"{name}: {mine.get(name, 'none')}, then {theirs.get(name, 'none')}"
            for name in dict.fromkeys([*mine, *theirs])
            if name != "versions" and mine.get(name) != theirs.get(name)
        ]


class Output(Struct, frozen=True, kw_only=True):
    """How the dream was written.

    Parameters
    ----------
    format : str
        ``"PNG"``, say.
    quality : int, optional
        1 to 100, where the format has one.
    depth : int
        Bits a channel.
    """

    format: str
    quality: int | None = None
    depth: int = 8


class Provenance(Struct, frozen=True, kw_only=True):
    """How a dream was made.

    Parameters
    ----------
    recipe : Recipe
        Its settings, the layers named by their tensors.
    input : Input
        The picture.
    used : Used
        The network, the machine and the versions.
    octaves : list of pairs of int
        The width and height of each octave, from small to large.
    strength : float
        By what the detail was multiplied.
    rms : float
        How far the dream is from the picture, root mean square in 8-bit grey levels.
    output : Output, optional
        How it was written, where that is known.
    schema : int
        The version of this record.
    """

    recipe: Recipe
    input: Input
    used: Used
    octaves: Annotated[list[tuple[int, int]], Meta(min_length=1, max_length=64)]
    strength: float
    rms: float
    output: Output | None = None
    schema: int = SCHEMA

    def texts(self) -> dict[str, str]:
        """What is written into the picture."""
        return {_KEY: msgspec.json.encode(self).decode(), _LINE: str(self)}

    def __str__(self) -> str:
        recipe = self.recipe
        layers = ", ".join(
            name if weight == 1 else f"{name}={weight:g}" for name, weight in recipe.layers.items()
        )
        width, height = self.octaves[-1]
        settings = {
            "size": f"{width}x{height}",
            "octaves": f"{len(self.octaves)} x {recipe.octave_scale:g}",
            "steps": recipe.steps,
            "step size": f"{recipe.step_size:g}",
            "jitter": recipe.jitter,
            "blur": f"{recipe.blur:g}",
            "strength": f"{self.strength:.4g}",
            "seed": recipe.seed,
        }
        said = ", ".join(f"{name}: {value}" for name, value in settings.items())
        version = self.used.versions.get("onnxdream", "of an unknown version")
        return f"{recipe.network}: {layers}; {said}; onnxdream {version}"

    @classmethod
    def of(cls, texts: Mapping[str, str], name: str) -> Provenance:
        """The record in a picture's texts.

        Parameters
        ----------
        texts : mapping of str to str
            What `onnxdream.images.read_texts` found.
        name : str
            What the picture is called, for messages.

        Raises
        ------
        RecipeError
            If there is none, it is damaged, or a later version wrote it.
        """
        if _KEY not in texts:
            raise RecipeError(f"{name} does not say how it was dreamed.")
        try:
            schema = msgspec.json.decode(texts[_KEY], type=_Version).schema
            if schema > SCHEMA:
                raise RecipeError(f"{name} was written by a later onnxdream: update this one.")
            return msgspec.json.decode(texts[_KEY], type=cls)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise RecipeError(f"What {name} says of its dream is damaged: {error}.") from error


class _Version(Struct):
    schema: int


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe from a TOML or JSON file, or from a dream.

    Raises
    ------
    RecipeError
        If the file cannot be read, or holds no recipe.
    """
    from . import images

    path = path_from(path, RecipeError)
    suffix = path.suffix.lower()
    if suffix not in (".toml", ".json"):
        return Provenance.of(images.read_texts(path), shown(path.name)).recipe
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise RecipeError(f"The recipe {shown(path)} cannot be read: {why(error)}.") from error
    return decode(content, path.name, toml=suffix == ".toml")
