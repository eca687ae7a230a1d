"""Reports, drawn."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from msgspec.structs import replace
from reports import CASE, MACHINE, report, result

from onnxdream.bench import Report, plot
from onnxdream.errors import BenchmarkError, MissingExtraError

SIZES = [result(replace(CASE, size=size), size / 1e4) for size in (224, 512, 1024)]
OTHER = result(replace(CASE, network="efficientnet-lite0", layer="block9"), 0.2)


@pytest.mark.parametrize("module", ["matplotlib", "matplotlib.figure"])
def test_without_matplotlib_it_says_what_to_install(module, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "matplotlib.figure", raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"onnxdream\[plot\]"):
        plot({"a": report()}, tmp_path / "plot.svg")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["plot", "plot.pdf", "plot.svg.txt"])
def test_another_format_is_refused(name, tmp_path):
    with pytest.raises(BenchmarkError, match=r"\.svg or \.png"):
        plot({"a": report()}, tmp_path / name)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(BenchmarkError, match="There is no folder"):
        plot({"a": report()}, tmp_path / "none" / "plot.png")


class TestDrawn:
    @pytest.fixture(autouse=True)
    def matplotlib(self) -> None:
        pytest.importorskip("matplotlib", reason="matplotlib, the extra plot, is not installed")

    @pytest.mark.parametrize(("name", "magic"), [("p.svg", b"<?xml"), ("p.PNG", b"\x89PNG")])
    def test_the_suffix_names_the_format(self, name, magic, tmp_path: Path):
        plot({"a": report(*SIZES, OTHER), "b": report(OTHER)}, tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(magic)

    def test_every_way_is_named(self, tmp_path):
        cuda = [replace(one, case=replace(one.case, provider="cuda")) for one in SIZES]
        plot({"laptop": report(*SIZES), "server": report(*cuda)}, tmp_path / "p.svg")
        text = (tmp_path / "p.svg").read_text("utf-8")
        assert "laptop: cpu, portable" in text
        assert "server: cuda, portable" in text

    def test_names_are_no_formulas(self, tmp_path):
        odd = replace(OTHER, case=replace(OTHER.case, layer=r"$\nothing$"))
        plot({"$\\frac$": report(odd)}, tmp_path / "p.png")

    def test_nothing_is_cut_off(self, tmp_path, monkeypatch):
        from matplotlib.figure import Figure

        figures = []
        save = Figure.savefig
        monkeypatch.setattr(
            Figure, "savefig", lambda self, *a, **k: (figures.append(self), save(self, *a, **k))
        )
        fast = replace(OTHER, case=replace(OTHER.case, network="z"), step=[0.001])
        plot({"a": report(*SIZES), "b": report(OTHER, fast)}, tmp_path / "p.png")
        [figure] = figures
        for panel in figure.axes:
            low, high = panel.get_ylim()
            assert low == 0
            for line in panel.lines:
                assert max(line.get_ydata()) < high
        assert [len(panel.lines) for panel in figure.axes] == [1, 1, 1]
        assert len(figure.legends[0].get_texts()) == 2

    def test_nothing_to_draw(self, tmp_path):
        with pytest.raises(BenchmarkError, match="no file has results"):
            plot({"a": Report(1, False, MACHINE, [])}, tmp_path / "p.svg")
