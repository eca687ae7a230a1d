"""What a dream writes on its way, and what is left of one that is stopped."""

from __future__ import annotations

import csv
import json
import signal
from pathlib import Path

import numpy as np
import pytest
from small import HEIGHT, WIDTH, Program

from onnxdream import images, progress


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_log_has_a_row_for_every_step(suffix: str, dream: Program, tmp_path: Path) -> None:
    log, out = tmp_path / f"log{suffix}", tmp_path / "out.png"
    layers = ["--layer", "first=0.5"]
    assert dream("-q", "-o", out, "--log", log, *layers).code == 0
    text = log.read_text("utf-8")
    if suffix == ".csv":
        rows = [
            row | {"losses": json.loads(row["losses"])} for row in csv.DictReader(text.split("\n"))
        ]
    else:
        rows = [json.loads(line) for line in text.splitlines()]
    assert [(int(row["octave"]), int(row["step"])) for row in rows] == [
        (1, 1),
        (1, 2),
        (2, 1),
        (2, 2),
    ]
    for row in rows:
        assert sum(row["losses"].values()) == pytest.approx(float(row["loss"]), rel=1e-5)
        assert set(row["losses"]) == {"first", "second"}
        assert float(row["mean_gradient"]) > 0
        assert float(row["milliseconds"]) > 0
    # What it says of the last step is what the picture says.
    before, after = (255 * images.read(path).pixels for path in (tmp_path / "photo.png", out))
    assert float(rows[-1]["rms"]) == pytest.approx(
        np.sqrt(np.mean((after - before) ** 2)), rel=0.02
    )


@pytest.fixture(autouse=True)
def _copy(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(photo.read_bytes())


def test_a_log_is_a_table_or_lines(dream: Program, tmp_path: Path) -> None:
    code, _, err = dream("-o", tmp_path / "out.png", "--log", tmp_path / "log.txt")
    assert code == 1
    assert "a .csv or a .jsonl file" in err
    assert not (tmp_path / "out.png").exists()


def test_stages_are_the_octaves(dream: Program, tmp_path: Path) -> None:
    assert dream("-q", "-o", tmp_path / "out.png", "--stages", tmp_path / "stages.png").code == 0
    sheet = images.read(tmp_path / "stages.png")
    assert sheet.width > 2 * 31
    assert sheet.height > 36


def test_stages_are_of_one_dream(dream: Program, tmp_path: Path) -> None:
    assert dream("--seeds", "0-1", "--stages", tmp_path / "stages.png").code == 2


def test_every_so_many_steps(dream: Program, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    assert dream("-q", "-o", out, "--steps", 4, "--save-every", 2).code == 0
    saved = sorted(path.name for path in (tmp_path / "out.steps").iterdir())
    assert saved == [f"octave{o:02}-step{s:05}.png" for o in (1, 2) for s in (2, 4)]
    last = images.read(tmp_path / "out.steps" / saved[-1])
    assert (last.width, last.height) == (WIDTH, HEIGHT)
    assert np.abs(last.pixels - images.read(out).pixels).max() <= 1 / 255


@pytest.mark.parametrize("number", ["0", "-1", "x"])
def test_never_is_no_interval(number: str, dream: Program) -> None:
    assert dream(f"--save-every={number}").code == 2


class TestTimeout:
    def test_nothing_is_written(self, dream: Program, tmp_path: Path) -> None:
        code, _, err = dream("-q", "-o", tmp_path / "out.png", "--timeout", 1e-6)
        assert code == 1
        assert "took longer than 1e-06 seconds" in err
        assert not (tmp_path / "out.png").exists()

    def test_what_there_is_can_be_kept(self, dream: Program, tmp_path: Path, photo: Path) -> None:
        out = tmp_path / "out.png"
        assert dream("-q", "-o", out, "--timeout", 1e-6, "--keep-partial").code == 1
        kept = images.read(out)
        assert (kept.width, kept.height) == (WIDTH, HEIGHT)
        assert not np.array_equal(kept.samples, images.read(photo).samples)

    def test_enough_time_changes_nothing(self, dream: Program, tmp_path: Path) -> None:
        for name, more in (("a", []), ("b", ["--timeout", 100])):
            assert dream("-q", "-o", tmp_path / f"{name}.png", *more).code == 0
        assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_gentle_interrupt(
    dream: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first Ctrl-C ends the step, and keeps what there is."""
    told = progress.Watch.__call__

    def interrupted(self: progress.Watch, what: progress.Progress) -> None:
        if (what.octave, what.step) == (2, 1):
            signal.raise_signal(signal.SIGINT)
        told(self, what)

    monkeypatch.setattr(progress.Watch, "__call__", interrupted)
    out = tmp_path / "out.png"
    code, _, err = dream("-q", "-o", out, "--keep-partial")
    assert code == 130
    assert "stopped" in err
    assert images.read(out).width == WIDTH
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
