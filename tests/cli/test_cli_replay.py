"""What a dream says of itself, and the same dream once more."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small import Program, save_network

from onnxdream import images, read_recipe


@pytest.fixture
def made(dream: Program, tmp_path: Path) -> Path:
    """A dream of the small network."""
    out = tmp_path / "dream.png"
    assert dream("-q", "-o", out, "--seed", 5).code == 0
    return out


class TestShow:
    def test_what_matters(self, onnxdream: Program, made: Path) -> None:
        code, out, err = onnxdream("show", made)
        assert (code, err) == (0, "")
        for words in ("small.onnx", "second", "seed: 5", "44×36", "cpu", "onnxruntime"):
            assert words in out

    def test_the_whole_record(self, onnxdream: Program, made: Path) -> None:
        record = json.loads(onnxdream("show", made, "--json").out)
        assert record["recipe"]["seed"] == 5
        assert record["output"] == {"format": "png", "quality": 95, "depth": 8}
        assert str(made.parent) not in json.dumps(record)

    def test_a_photograph_says_nothing(self, onnxdream: Program, photo: Path) -> None:
        code, _, err = onnxdream("show", photo)
        assert code == 1
        assert "does not say how it was dreamed" in err


class TestRecipe:
    def test_of_a_dream(self, made: Path) -> None:
        recipe = read_recipe(made)
        assert (recipe.seed, recipe.octaves, recipe.layers) == (5, 2, {"second": 1.0})

    def test_it_can_be_edited(self, onnxdream: Program, dream: Program, tmp_path: Path) -> None:
        quick = ["--octaves", 2, "--steps", 2, "--jitter", 3, "--seed", 5]
        for name, more in (("recipe.toml", []), ("recipe.json", ["--json"])):
            text = onnxdream("recipe", *quick, *more).out
            (tmp_path / name).write_text(text, "utf-8")
            assert read_recipe(tmp_path / name).seed == 5
            out = tmp_path / f"{name}.png"
            assert dream("-q", "-o", out, "--recipe", tmp_path / name).code == 0
        assert dream("-q", "-o", tmp_path / "plain.png", "--seed", 5).code == 0
        found = {images.read(path).samples.tobytes() for path in tmp_path.glob("*.png")}
        assert len(found) == 1

    @pytest.mark.parametrize("name", ["absent.toml", "absent.png"])
    def test_of_what_is_not_there(self, name: str, dream: Program, tmp_path: Path) -> None:
        assert dream("-o", tmp_path / "out.png", "--recipe", tmp_path / name).code == 1

    def test_a_recipe_or_a_preset(self, dream: Program, made: Path) -> None:
        assert dream("--recipe", made, "--preset", "eyes").code == 2


class TestReplay:
    @pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tiff"])
    def test_the_same_bytes(
        self, suffix: str, onnxdream: Program, dream: Program, photo: Path, network: Path, tmp_path
    ) -> None:
        one, again = tmp_path / f"one{suffix}", tmp_path / f"again{suffix}"
        options = ["--strength", 0.7, "--size", 30, "--layer", "first=0.25", "--quality", 80]
        assert dream("-q", "-o", one, *options).code == 0
        answer = onnxdream(
            "replay", one, "--input", photo, "-o", again, "--assets", network.parent, "-q"
        )
        assert answer == (0, "", "")
        assert one.read_bytes() == again.read_bytes()

    def test_in_a_new_process(self, photo: Path, tmp_path: Path) -> None:
        run = [sys.executable, "-P", "-m", "onnxdream"]
        quick = ["--size", "120", "--octaves", "2", "--steps", "2", "--target-rms", "9"]
        one, again = str(tmp_path / "one.png"), str(tmp_path / "again.png")
        subprocess.run([*run, str(photo), "-q", "-o", one, *quick], check=True)
        subprocess.run([*run, "replay", one, "--input", str(photo), "-o", again, "-q"], check=True)
        assert Path(one).read_bytes() == Path(again).read_bytes()

    def test_sixteen_bits(self, onnxdream, dream: Program, photo, network, tmp_path) -> None:
        one, again = tmp_path / "one.png", tmp_path / "again.png"
        assert dream("-q", "-o", one, "--depth", 16).code == 0
        where = ["--input", photo, "--assets", network.parent]
        assert onnxdream("replay", one, *where, "-o", again, "-q").code == 0
        assert one.read_bytes() == again.read_bytes()
        assert onnxdream("replay", one, *where, "-o", tmp_path / "again.jpg", "-q").code == 0

    def test_another_picture_is_refused(self, onnxdream, made, tmp_path) -> None:
        answer = onnxdream("replay", made, "--input", made, "-o", tmp_path / "again.png", "-q")
        assert answer.code == 1
        assert "is not the picture that became" in answer.err

    def test_a_missing_network(self, onnxdream, made, photo, tmp_path, monkeypatch) -> None:
        monkeypatch.chdir(tmp_path)
        answer = onnxdream("replay", made, "--input", photo, "-o", tmp_path / "again.png", "-q")
        assert answer.code == 1
        assert "--assets names the folder" in answer.err

    def test_another_network(self, onnxdream, made, photo, tmp_path) -> None:
        save_network(tmp_path / "small.onnx", seed=9)
        where = ["--input", photo, "--assets", tmp_path]
        answer = onnxdream("replay", made, *where, "-o", tmp_path / "again.png", "-q")
        assert answer.code == 1
        assert "its weights are others" in answer.err

    def test_what_differs_is_said(self, onnxdream, made, photo, network, tmp_path) -> None:
        where = ["--input", photo, "--assets", network.parent, "--threads", 1]
        answer = onnxdream("replay", made, *where, "-o", tmp_path / "again.png", "-q")
        recorded = json.loads(images.read_texts(made)["onnxdream"])["used"]["threads"]
        assert ("threads: " in answer.err) == (recorded != 1)

    def test_a_record_that_was_changed(self, onnxdream, made, photo, network, tmp_path) -> None:
        other = tmp_path / "other.png"
        shutil.copy(made, other)
        content = other.read_bytes()
        assert b'"seed":5' in content
        # Pillow skips the checksums of text chunks that it does not need, or refuses them.
        picture = images.read(made)
        texts = images.read_texts(made)
        changed = {k: v.replace('"seed":5', '"seed":6') for k, v in texts.items()}
        images.write(images.Picture(picture.samples, texts=changed), other)
        where = ["--input", photo, "--assets", network.parent]
        answer = onnxdream("replay", other, *where, "-o", tmp_path / "again.png", "-q")
        assert answer.code == 1
        assert "is not the same, pixel for pixel" in answer.err
