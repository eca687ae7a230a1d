"""Contact sheets."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from onnxdream import images

COLOURS = [(200, 10, 10), (10, 200, 10), (10, 10, 200), (200, 200, 10), (10, 200, 200)]


def plain(colour, width: int = 80, height: int = 60) -> Image.Image:
    return Image.new("RGB", (width, height), colour)


@pytest.mark.parametrize("columns", [1, 2, 3, 5, None])
def test_every_picture_is_there_in_order(columns):
    sheet = images.contact_sheet([plain(c) for c in COLOURS], ["x"] * 5, columns, 40)
    pixels = np.asarray(sheet)
    places = []
    for colour in COLOURS:
        rows, cols = np.nonzero((pixels == colour).all(axis=2))
        assert (np.ptp(rows) + 1, np.ptp(cols) + 1) == (30, 40)
        places.append((rows.min(), cols.min()))
    assert places == sorted(places)
    across = len({column for _, column in places})
    assert across == (columns or across)


def test_labels_are_written_below():
    one, other = (images.contact_sheet([plain(COLOURS[0])], [text]) for text in ("", "eyes"))
    changed = np.nonzero((np.asarray(one) != np.asarray(other)).any(axis=2))[0]
    assert changed.min() >= 60


def test_a_long_label_stays_below_its_picture():
    wide = images.contact_sheet([plain(c) for c in COLOURS[:2]], ["W" * 400, ""], 2, 60)
    ink = np.nonzero((np.asarray(wide) > 180).all(axis=2))[1]
    assert ink.max() < wide.width // 2


def test_pictures_of_every_kind():
    deep = images.Picture(np.full((9, 7, 3), 0.5, np.float32))
    grey = Image.new("L", (700, 20), 128)
    sheet = images.contact_sheet([deep, grey], ["float", "×σ\n"], side=100)
    assert sheet.mode == "RGB"
    assert max(images.thumbnail(grey, 50).size) == 50
