"""Make the pictures of the README and of docs/gallery.md.

    python scripts/gallery.py [--folder docs/gallery]

Every preset on every sample photograph, on one sheet; some of them by themselves; and the
first photograph beside its dream.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

import onnxdream
from onnxdream import images

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "docs" / "samples"

PHOTOGRAPHS = ("rocket", "cat", "astronaut", "coffee")

ALONE = {
    "animals": "astronaut",
    "hints": "cat",
    "eyes": "rocket",
    "swirls": "cat",
    "spirals": "astronaut",
    "patchwork": "coffee",
    "strokes": "cat",
    "beads": "coffee",
}
"""Presets that have a picture of their own, each with its photograph."""

SIDE = 260
"""Of a picture on the sheet, in pixels."""


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "gallery")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    cells = [Image.open(SAMPLES / f"{name}.jpg") for name in PHOTOGRAPHS]
    labels = list(PHOTOGRAPHS)
    for preset in ALONE:
        for photograph in PHOTOGRAPHS:
            dreamt = onnxdream.dream(SAMPLES / f"{photograph}.jpg", preset)
            cells.append(dreamt)
            labels.append(preset)
            if ALONE[preset] == photograph:
                save(dreamt, folder / f"{preset}.jpg")
            if (preset, photograph) == ("animals", "rocket"):
                save(beside(cells[0], dreamt), folder / "before-after.jpg")
    sheet = images.contact_sheet(cells, labels, len(PHOTOGRAPHS), SIDE)
    save(sheet, folder / "presets.jpg")


def beside(one: Image.Image, other: Image.Image) -> Image.Image:
    """Two pictures of one size, side by side."""
    width, height = one.size
    both = Image.new("RGB", (2 * width, height))
    for position, picture in enumerate((one, other)):
        both.paste(picture.convert("RGB"), (position * width, 0))
    return both


def save(picture: Image.Image, path: Path) -> None:
    """Write a picture, and say where."""
    images.write(images.read(picture), path, quality=80)
    print(path)


if __name__ == "__main__":
    main()
