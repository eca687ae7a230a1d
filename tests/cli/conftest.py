"""A small picture, small networks, and a way to run the program in this process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small import HEIGHT, WIDTH, Answer, Program, save_network

from onnxdream.cli import main


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture with some structure in it."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = [np.sin(rows / 3) * np.cos(columns / 5), np.sin(rows * columns / 90), columns / WIDTH]
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    Image.fromarray(np.uint8(np.stack(waves, 2) * 100 + 110)).save(path)
    return path


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network."""
    return save_network(tmp_path_factory.mktemp("network") / "small.onnx")


@pytest.fixture
def onnxdream(capsys: pytest.CaptureFixture[str]) -> Program:
    """The program, called with its arguments."""

    def run(*arguments: object) -> Answer:
        code = main([str(argument) for argument in arguments])
        return Answer(code, *capsys.readouterr())

    return run


@pytest.fixture
def dream(onnxdream: Program, photo: Path, network: Path) -> Program:
    """The command `dream` on the small picture and network, as quick as can be."""

    def run(*arguments: object, photo: object = photo, network: object = network) -> Answer:
        quick = ["--octaves", 2, "--steps", 2, "--jitter", 3, "--mean", "0,0,0"]
        return onnxdream(
            "dream", photo, "--network", network, "--layer", "second", *quick, *arguments
        )

    return run
