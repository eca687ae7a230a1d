"""The README's tables: the same results make the same section."""

from __future__ import annotations

import json
import shutil
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).resolve().parent
SAMPLE, EXPECTED = HERE / "sample", HERE / "sample.md"
BENCHMARKS = HERE.parent.parent / "benchmarks"


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return import_module("tables")


def test_the_sample_makes_its_section(tables):
    assert tables.section([SAMPLE]) + "\n" == EXPECTED.read_text("utf-8")


def test_every_row_has_as_many_cells_as_its_head(tables):
    found = tables.section([SAMPLE]).split("\n\n")
    grids = [block.splitlines() for block in found if block.startswith("|")]
    assert len(grids) == 6
    for grid in grids:
        assert len({row.count("|") for row in grid}) == 1


@pytest.mark.parametrize("part", ["gradient", "floor", "memory", "startup", "kernels", "bench"])
def test_a_part_that_was_not_run_is_left_out(tables, part, tmp_path):
    run = shutil.copytree(SAMPLE, tmp_path / "run")
    (run / f"{part}.json").unlink()
    assert tables.section([run]).count("| --- |") == 5


def test_losses_are_shown(tables):
    part = json.loads((SAMPLE / "gradient.json").read_text("utf-8"))
    part["networks"][0]["seconds"] |= {
        "onnxdream accelerated": [1.0],
        "PyTorch eager": [0.8],
        "PyTorch channels-last": [0.5],
        "PyTorch bfloat16": [0.25],
    }
    [row] = [line for line in tables.gradients(part).splitlines() if "squeezenet" in line]
    assert row.endswith("| 0.50× | 0.80× | 0.25× |")


def test_a_quick_run_is_called_so(tables, tmp_path):
    run = shutil.copytree(SAMPLE, tmp_path / "run")
    assert "not for quoting" in tables.section([run])
    for path in run.iterdir():
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"quick": False}))
    assert "not for quoting" not in tables.section([run])


class TestPage:
    def test_only_what_is_between_the_comments_changes(self, tables):
        page = f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n"
        once = tables.replaced(page, "new")
        assert once == f"before\n{tables.BEGIN}\n\nnew\n\n{tables.END}\nafter\n"
        assert tables.replaced(once, "new") == once

    @pytest.mark.parametrize("page", ["", "<!-- performance:begin -->", "<!-- performance:end -->"])
    def test_without_comments_it_says_so(self, tables, page):
        with pytest.raises(SystemExit, match="performance:begin"):
            tables.replaced(page, "new")

    def test_the_readme_has_them(self, tables):
        page = tables.README.read_text("utf-8")
        assert tables.replaced(page, "new").count("new") >= 1


def test_nothing_committed_says_whose_machine_it_was(tables):
    for path in [*SAMPLE.glob("*.json"), *tables.RESULTS.glob("*/*.json")]:
        text = path.read_text("utf-8")
        assert "/home/" not in text
        assert '"node"' not in text
