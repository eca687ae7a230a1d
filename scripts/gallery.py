"""Make the pictures of the README and of docs/gallery.md.

    python scripts/gallery.py [--folder docs/gallery]

Each is a dream of a sample photograph with everything at its default but what
the table below says.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from PIL import Image

import onnxdream

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "docs" / "samples"

GALLERY: dict[str, tuple[str, str, list[str], dict[str, Any]]] = {
    "rocket": ("rocket.jpg", "efficientnet-lite0", ["block9"], {}),
    "rocket-heads": ("rocket.jpg", "efficientnet-lite0", ["block9", "block11"], {}),
    "rocket-eyes": ("rocket.jpg", "squeezenet", ["fire5", "fire7"], {}),
    "rocket-long": ("rocket.jpg", "efficientnet-lite0", ["block9"], {"octaves": 6, "steps": 30}),
    "cat": ("cat.jpg", "efficientnet-lite0", ["block9"], {}),
    "cat-scales": ("cat.jpg", "efficientnet-lite0", ["block11"], {}),
    "cat-eyes": ("cat.jpg", "squeezenet", ["fire7"], {}),
    "cat-fur": ("cat.jpg", "squeezenet", ["fire6"], {}),
}
"""The file's name: the photograph, the network, the layers, and further settings."""


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "gallery")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, (photo, network, layers, settings) in GALLERY.items():
        with onnxdream.Dreamer(network, layers) as dreamer:
            dreamer.dream(SAMPLES / photo, **settings).save(folder / f"{name}.jpg", quality=88)
        print(folder / f"{name}.jpg")
    before_and_after(folder)


def before_and_after(folder: Path) -> None:
    """Put the sample photograph and its default dream side by side."""
    pictures = [Image.open(SAMPLES / "rocket.jpg"), Image.open(folder / "rocket.jpg")]
    width, height = pictures[0].size
    both = Image.new("RGB", (2 * width, height))
    for position, picture in enumerate(pictures):
        both.paste(picture.convert("RGB"), (position * width, 0))
    both.save(folder / "before-after.jpg", quality=88)
    print(folder / "before-after.jpg")


if __name__ == "__main__":
    main()
