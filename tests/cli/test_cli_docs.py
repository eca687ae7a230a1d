"""The reference of the command line keeps up with the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from onnxdream.autodiff import DIFFERENTIABLE, STOPS
from onnxdream.cli.program import COMMANDS, build_parser

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def page() -> str:
    return (DOCS / "cli.md").read_text("utf-8")


def test_every_command_is_there(page):
    assert all(f"`onnxdream {name}" in page for name in COMMANDS)


def test_every_option_of_dream_is_there(page):
    [commands] = [a.choices for a in build_parser()._actions if isinstance(a.choices, dict)]
    options = [o for action in commands["dream"]._actions for o in action.option_strings]
    missing = {o for o in options if o.startswith("--") and f"`{o}" not in page} - {"--help"}
    # -o stands for --output in every example.
    assert missing <= {"--output"}


def test_every_operator_is_there():
    page = (DOCS / "operators.md").read_text("utf-8")
    words = set(re.findall(r"\w+", page))
    assert {*DIFFERENTIABLE, *STOPS} <= words
