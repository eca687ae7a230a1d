"""The tree in the docstring of onnxdream.errors is the tree in the code."""

from __future__ import annotations

import inspect
import re

import pytest

from onnxdream import errors


def drawn() -> dict[str, str | None]:
    """Each class of the drawing with its parent."""
    line = re.compile(r"^ {4}(?P<stem>[│├└─ ]*)(?P<name>\w+)(?P<text>  .+)?$")
    path: list[str] = []
    parents: dict[str, str | None] = {}
    for text in (errors.__doc__ or "").splitlines():
        found = line.match(text)
        if found:
            depth = len(found["stem"]) // 4
            path[depth:] = [found["name"]]
            parents[found["name"]] = path[depth - 1] if depth else None
            assert found["text"] or not depth, f"nothing is said of {found['name']}"
    return parents


def test_every_error_is_drawn():
    defined = {name for name, kind in vars(errors).items() if inspect.isclass(kind)}
    assert set(drawn()) == set(errors.__all__) == defined


@pytest.mark.parametrize("name", errors.__all__)
class TestEach:
    def test_is_drawn_below_its_parent(self, name):
        parent = drawn()[name]
        bases = {base.__name__ for base in getattr(errors, name).__bases__}
        assert (parent or "Exception") in bases

    def test_descends_from_the_root(self, name):
        assert issubclass(getattr(errors, name), errors.OnnxdreamError)

    def test_says_what_it_means(self, name):
        assert inspect.getdoc(getattr(errors, name)).endswith(".")

    def test_carries_its_message(self, name):
        assert str(getattr(errors, name)("Do this.")) == "Do this."


def test_an_impossible_setting_is_a_value_error_too():
    assert issubclass(errors.RecipeError, ValueError)


def test_a_missing_picture_is_a_missing_file_too():
    assert issubclass(errors.ImageNotFoundError, FileNotFoundError)
