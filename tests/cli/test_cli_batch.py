"""Many pictures, many seeds, and how each is written."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small import Program

from onnxdream import images
from onnxdream.cli.batch import seeds


@pytest.fixture
def folder(tmp_path: Path, photo: Path) -> Path:
    """Two photographs, a dream, and what is no picture."""
    path = tmp_path / "in"
    path.mkdir()
    shutil.copy(photo, path / "one.png")
    Image.open(photo).save(path / "two.jpg")
    shutil.copy(photo, path / "one.dream.png")
    (path / "notes.txt").write_text("no picture")
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class TestSeveral:
    def test_a_folder(self, dream: Program, folder: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        out.mkdir()
        code, said, err = dream("-o", out, photo=folder)
        assert code == 0
        assert names(out) == ["one.dream.png", "two.dream.png"]
        assert said == f"{out / 'one.dream.png'}\n{out / 'two.dream.png'}\n"
        assert "two.jpg, octave 2/2" in err
        assert "100%" in err

    def test_a_pattern_that_no_shell_filled_in(self, dream: Program, folder: Path) -> None:
        assert dream("-q", photo=folder / "*.jpg").code == 0
        assert "two.dream.png" in names(folder)

    def test_they_are_what_each_is_alone(
        self, dream: Program, folder: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        out.mkdir()
        dream("-q", "-o", out, photo=folder)
        dream("-q", "-o", tmp_path / "alone.png", photo=folder / "two.jpg")
        assert (out / "two.dream.png").read_bytes() == (tmp_path / "alone.png").read_bytes()

    def test_one_that_fails_is_told_at_the_end(
        self, dream: Program, folder: Path, tmp_path: Path
    ) -> None:
        (folder / "broken.png").write_bytes(b"no picture")
        out = tmp_path / "out"
        out.mkdir()
        code, _, err = dream("-q", "-o", out, photo=folder)
        assert code == 1
        assert err.startswith("onnxdream: ")
        assert "broken.png" in err
        assert "is no picture" in err
        assert err.count("\n") == 1
        assert names(out) == ["one.dream.png", "two.dream.png"]

    def test_those_that_are_there_are_left_alone(
        self, dream: Program, folder: Path, tmp_path: Path
    ) -> None:
        code, _, err = dream("-q", photo=folder)
        assert code == 1
        assert "one.dream.png exists already: say --force" in err
        assert names(folder) == ["notes.txt", "one.dream.png", "one.png", "two.jpg"]
        assert dream("-q", "--force", photo=folder).code == 0

    def test_equal_stems_are_refused(self, dream: Program, folder: Path) -> None:
        shutil.copy(folder / "one.png", folder / "two.png")
        code, _, err = dream("-q", "--force", photo=folder)
        assert code == 1
        assert "two.jpg" in err
        assert "would both become" in err

    def test_a_folder_without_pictures(self, dream: Program, tmp_path: Path) -> None:
        assert "There is no picture in" in dream(photo=tmp_path).err

    def test_their_folder_is_made(self, dream: Program, folder: Path, tmp_path: Path) -> None:
        assert dream("-q", "-o", f"{tmp_path}/new/er/", photo=folder).code == 0
        assert names(tmp_path / "new" / "er") == ["one.dream.png", "two.dream.png"]

    def test_a_folder_of_one(self, dream: Program, tmp_path: Path) -> None:
        assert dream("-q", "-o", f"{tmp_path}/new/").code == 0
        assert names(tmp_path / "new") == ["photo.dream.png"]

    def test_a_picture_s_name_is_no_folder(self, dream: Program, folder: Path) -> None:
        err = dream("-q", "-o", folder / "no.png", photo=folder).err
        assert "is the name of a picture: several go into a folder" in err

    def test_not_to_standard_output(self, dream: Program, folder: Path) -> None:
        assert dream("-o", "-", photo=folder).code == 2


class TestSeeds:
    def test_each_is_a_dream(self, dream: Program, own: Path) -> None:
        assert dream("-q", "--seeds", "0,2-3", photo=own).code == 0
        made = {name: (own.parent / f"my.seed{name}.dream.png").read_bytes() for name in (0, 2, 3)}
        assert len(set(made.values())) == 3
        dream("-q", "--seed", 2, "-o", own.parent / "alone.png", photo=own)
        assert (own.parent / "alone.png").read_bytes() == made[2]

    @pytest.mark.parametrize(
        ("text", "found"), [("3", [3]), ("0-2", [0, 1, 2]), ("5,1,4-5", [5, 1, 4])]
    )
    def test_they_are_read(self, text, found):
        assert seeds(text) == found

    @pytest.mark.parametrize("text", ["", "x", "3-1", "-1", "0-99999999999", "1,,2", "1.5"])
    def test_what_is_none_is_refused(self, text, dream: Program):
        with pytest.raises(ValueError):
            seeds(text)
        assert dream(f"--seeds={text}").code == 2


@pytest.fixture
def own(photo: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(photo, tmp_path / "my.png"))


class TestWriting:
    @pytest.mark.parametrize("form", ["jpeg", "JPG", "webp", "tiff", "npy"])
    def test_a_format(self, form: str, dream: Program, own: Path) -> None:
        assert dream("-q", "--format", form, photo=own).code == 0
        assert images.read(own.parent / f"my.dream.{form.lower()}").width == 44

    def test_a_format_wins_over_the_suffix(self, dream: Program, tmp_path: Path) -> None:
        assert dream("-q", "-o", tmp_path / "out", "--format", "webp").code == 0
        assert (tmp_path / "out").read_bytes()[8:12] == b"WEBP"

    def test_a_quality(self, dream: Program, tmp_path: Path) -> None:
        sizes = []
        for quality in (20, 95):
            path = tmp_path / f"{quality}.jpg"
            assert dream("-q", "-o", path, "--quality", quality, "--no-metadata").code == 0
            sizes.append(path.stat().st_size)
        assert 2 * sizes[0] < sizes[1]

    def test_a_depth(self, dream: Program, tmp_path: Path) -> None:
        for depth in (8, 16):
            path = tmp_path / f"{depth}.png"
            assert dream("-q", "-o", path, "--depth", depth).code == 0
            assert images.read(path).depth == depth
        fine, coarse = (images.read(tmp_path / f"{depth}.png").pixels for depth in (16, 8))
        assert 0 < np.abs(fine - coarse).max() <= 0.51 / 255

    def test_a_depth_that_the_format_lacks(self, dream: Program, tmp_path: Path) -> None:
        code, _, err = dream("-q", "-o", tmp_path / "out.jpg", "--depth", 16)
        assert code == 1
        assert "16" in err

    def test_nothing_is_said_of_the_dream(self, dream: Program, tmp_path: Path) -> None:
        assert dream("-q", "-o", tmp_path / "a.png").code == 0
        assert dream("-q", "-o", tmp_path / "b.png", "--no-metadata").code == 0
        assert set(images.read_texts(tmp_path / "a.png")) == {"onnxdream", "parameters"}
        assert images.read_texts(tmp_path / "b.png") == {}
        one, other = (images.read(tmp_path / f"{name}.png").samples for name in "ab")
        assert np.array_equal(one, other)


class TestShortcut:
    def test_a_picture_is_dreamed(self, onnxdream: Program, own: Path, network: Path) -> None:
        quick = ["--network", network, "--layer", "second", "--octaves", 1, "--steps", 1]
        assert onnxdream(own, *quick, "--mean", "0,0,0").code == 0
        assert (own.parent / "my.dream.png").exists()

    def test_a_near_miss(self, onnxdream: Program) -> None:
        code, _, err = onnxdream("dreem")
        assert code == 2
        assert "did you mean 'dream'?" in err

    def test_neither_picture_nor_command(self, onnxdream: Program) -> None:
        code, _, err = onnxdream("xyzzy")
        assert code == 2
        assert "neither a picture nor a command; there are dream, " in err
