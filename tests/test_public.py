"""What ``import onnxdream`` offers, and what it costs."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import onnxdream

PACKAGE = Path(onnxdream.__file__).parent
PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"

PUBLIC = {
    "PRESETS": "recipe",
    "Cuda": "runtime.cuda",
    "Dreamer": "dreamer",
    "Preprocessing": "preprocessing",
    "Layer": "network",
    "Machine": "runtime.machine",
    "Network": "network",
    "OnnxdreamError": "errors",
    "Progress": "progress",
    "Recipe": "recipe",
    "dream": "dreamer",
    "embedded": "network",
    "load": "network",
    "read_recipe": "provenance",
}

ROOMS = {"errors", "images"}
"""Modules that are public as a whole."""

HEAVY = {"PIL", "cv2", "matplotlib", "numpy", "onnx", "onnxruntime", "scipy", "torch", "tqdm"}
DEVELOPERS = {"Cython", "_pytest", "cv2", "hypothesis", "mypy", "scipy", "setuptools", "torch"}

DOORS = {"cli", "cli.py", "__main__.py"}
"""Where a person stands in front, to whom one may print."""


def modules_after(program: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after running a program."""
    report = "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", program + report],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stderr == ""
    return set(found.stdout.split())


class TestNames:
    def test_they_are_these(self):
        assert set(onnxdream.__all__) == {*PUBLIC, *ROOMS, "__version__"}
        assert dir(onnxdream) == sorted(onnxdream.__all__)

    @pytest.mark.parametrize("name", PUBLIC)
    def test_each_is_its_home_s(self, name):
        home = import_module(f"onnxdream.{PUBLIC[name]}")
        assert getattr(onnxdream, name) is getattr(home, name)
        assert name in home.__all__

    @pytest.mark.parametrize("name", set(PUBLIC) - {"PRESETS"})
    def test_each_is_documented(self, name):
        assert inspect.getdoc(getattr(onnxdream, name))

    @pytest.mark.parametrize("name", ROOMS)
    def test_each_room_is_there_without_being_imported(self, name):
        assert "True" in modules_after(
            f"import onnxdream; print(onnxdream.{name}.__name__ == 'onnxdream.{name}', end=' ')"
        )

    def test_what_the_docs_name_is_there(self):
        page = (PROJECT.parent / "docs" / "python.md").read_text("utf-8")
        for dotted in set(re.findall(r"`onnxdream((?:\.\w+)+)", page)):
            assert attrgetter(dotted[1:])(onnxdream) is not None

    def test_type_checkers_see_the_same(self):
        tree = ast.parse((PACKAGE / "__init__.py").read_text())
        seen = {
            alias.name: node.module
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module
            for alias in node.names
        }
        assert seen == PUBLIC
        assert (PACKAGE / "py.typed").exists()

    def test_an_unknown_name_is_an_attribute_error(self):
        with pytest.raises(AttributeError, match="'onnxdream' has no attribute 'dreem'"):
            onnxdream.dreem  # noqa: B018

    def test_the_version_is_the_project_s(self):
        project = tomllib.loads(PROJECT.read_text())["project"]
        assert onnxdream.__version__ == project["version"]


class TestImport:
    def test_it_loads_nothing_else(self):
        assert not HEAVY & modules_after("import onnxdream")

    def test_errors_and_recipes_load_no_backend(self):
        names = "onnxdream.OnnxdreamError, onnxdream.Recipe, onnxdream.Preprocessing"
        assert not {"onnx", "onnxruntime", "torch"} & modules_after(f"import onnxdream; {names}")

    def test_a_network_loads_no_backend(self):
        loaded = modules_after("import onnxdream; onnxdream.load('squeezenet').layers")
        assert "onnx" in loaded
        assert not {"onnxruntime", "torch"} & loaded

    def test_a_dream_loads_nothing_of_the_developers(self, tmp_path):
        picture = tmp_path / "photo.png"
        Image.fromarray(np.full((50, 60, 3), 99, np.uint8)).save(picture)
        settings = "network='squeezenet', octaves=1, steps=1"
        loaded = modules_after(f"import onnxdream; onnxdream.dream({str(picture)!r}, {settings})")
        assert "onnxruntime" in loaded
        assert not DEVELOPERS & loaded


class TestRooms:
    """Who imports what: the layout of the package."""

    @pytest.mark.parametrize(
        ("module", "rooms"),
        [("onnx", {"graph"}), ("onnxruntime", {"runtime"}), ("torch", {"export"})],
    )
    def test_a_large_package_has_one_importer(self, module, rooms):
        importers = {
            path.relative_to(PACKAGE).parts[0].removesuffix(".py")
            for path in PACKAGE.rglob("*.py")
            if module in imported(path)
        }
        assert importers <= rooms

    def test_nothing_prints_or_exits(self):
        loud = {
            f"{path.name}:{node.lineno}"
            for path in PACKAGE.rglob("*.py")
            if path.relative_to(PACKAGE).parts[0] not in DOORS
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call)
            and ast.unparse(node.func) in {"print", "exit", "sys.exit"}
        }
        assert not loud


def imported(path: Path) -> set[str]:
    """The top-level packages that a file imports, by statement or by name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import():
                found |= {alias.name.partition(".")[0] for alias in node.names}
            case ast.ImportFrom(module=str(module), level=0):
                found.add(module.partition(".")[0])
            case ast.Call(args=[ast.Constant(value=str(module))]) if ast.unparse(
                node.func
            ).endswith("import_module"):
                found.add(module.partition(".")[0])
    return found
