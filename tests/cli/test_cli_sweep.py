"""One photograph under many conditions."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from small import Program

from onnxdream import images
from onnxdream.errors import RecipeError
from onnxdream.recipe import PRESETS
from onnxdream.sweep import conditions


@pytest.fixture
def sweep(onnxdream: Program, photo: Path, network: Path) -> Program:
    def run(*arguments: object):
        small = ["--network", network, "--layer", "second", "--mean", "0,0,0"]
        quick = ["--octaves", 1, "--steps", 1, "--jitter", 3]
        return onnxdream("sweep", photo, *small, *quick, *arguments)

    return run


def test_every_combination_is_dreamed(
    sweep: Program, dream: Program, photo: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.png"
    code, out, _ = sweep("--vary", "steps=1,3", "--vary", "seed=0,1,2", "-o", sheet)
    assert code == 0
    assert out.splitlines() == [str(sheet), str(tmp_path / "sheet" / "manifest.csv")]
    manifest = (tmp_path / "sheet" / "manifest.csv").read_text("utf-8")
    rows = list(csv.DictReader(manifest.splitlines()))
    assert [(r["steps"], r["seed"]) for r in rows] == [(s, d) for s in "13" for d in "012"]
    assert len({row["dream_sha256"] for row in rows}) == 6
    before = 255 * images.read(photo).pixels
    for row in rows:
        after = 255 * images.read(tmp_path / "sheet" / row["file"]).pixels
        difference = np.sqrt(np.mean((after - before) ** 2))
        assert float(row["rms"]) == pytest.approx(difference, rel=0.05)
    assert images.read(sheet).width > images.read(sheet).height
    alone = tmp_path / "alone.png"
    assert dream("-q", "-o", alone, "--octaves", 1, "--steps", 3, "--seed", 1).code == 0
    found = images.read(tmp_path / "sheet" / rows[4]["file"])
    assert np.array_equal(found.samples, images.read(alone).samples)


def test_how_large_its_pictures_are(sweep: Program, tmp_path: Path) -> None:
    widths = []
    for side in (20, 40):
        sheet = tmp_path / f"{side}.png"
        assert sweep("--vary", "seed=0,1", "-o", sheet, "--side", side, "-q").code == 0
        widths.append(images.read(sheet).width)
    assert widths[1] > widths[0] + 15


def test_a_folder_that_is_there_is_left_alone(sweep: Program, tmp_path: Path) -> None:
    (tmp_path / "sheet").mkdir()
    again = ["--vary", "seed=0,1", "-o", tmp_path / "sheet.png", "-q"]
    assert "exists already" in sweep(*again).err
    assert sweep(*again, "--force").code == 0


class TestConditions:
    def test_presets_and_settings(self):
        found = conditions(["preset=animals,eyes", "step-size=1,2"], "animals", {"steps": 4})
        assert [c.label for c in found] == [
            f"preset={p}, step_size={s}" for p in ("animals", "eyes") for s in "12"
        ]
        assert {c.recipe.steps for c in found} == {4}
        assert found[2].recipe.network == PRESETS["eyes"].recipe.network
        assert found[3].recipe.step_size == 2

    def test_words_and_numbers(self):
        found = conditions(["octaves=auto,3"], "animals", {})
        assert [c.recipe.octaves for c in found] == ["auto", 3]

    @pytest.mark.parametrize(
        ("varied", "why"),
        [
            (["octavs=1,2"], "no setting 'octavs'"),
            (["octaves"], "not of the form"),
            (["octaves="], "not of the form"),
            (["octaves=0"], "octaves must be from"),
            (["steps=1.5"], "steps cannot be '1.5'"),
            (["preset=nightmare"], "no preset 'nightmare'"),
            (["steps=1", "steps=2"], "varies twice"),
            (
                [
                    f"seed={','.join(map(str, range(200)))}",
                    f"steps={','.join(map(str, range(1, 99)))}",
                ],
                "too many",
            ),
        ],
        ids=lambda v: str(v)[:20],
    )
    def test_what_is_impossible(self, varied, why):
        with pytest.raises(RecipeError, match=why):
            conditions(varied, "animals", {})
