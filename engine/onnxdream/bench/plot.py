"""Throughput by size and provider, drawn."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

from ..errors import BenchmarkError, MissingExtraError
from .compare import Column, columns_of
from .files import check_target, save
from .report import Report

__all__ = ["check_plot", "plot"]

_FORMATS = (".svg", ".png")
_PANEL = (5.0, 4.0)


def check_plot(path: str | os.PathLike[str]) -> None:
    """Raise now what `plot` would raise after a long benchmark."""
    if Path(path).suffix.lower() not in _FORMATS:
        raise BenchmarkError(f"{path} cannot be drawn: name a file that ends in .svg or .png.")
    check_target(path)
    _matplotlib()


def plot(reports: Mapping[str, Report], path: str | os.PathLike[str]) -> None:
    """Draw megapixel-steps a second over the size of the picture, a panel a network.

    There is a line for every report and every way in which it ran the cases.

    Parameters
    ----------
    reports : mapping of str to Report
        Each with what to call it.
    path : path
        The file to write, SVG or PNG by its suffix.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    BenchmarkError
        If there is nothing to draw, or the file cannot be written.
    """
    check_plot(path)
    columns = columns_of(reports)
    networks = sorted({(name, layer) for c in columns for name, layer, _ in c.results})
    if not networks:
        raise BenchmarkError("There is nothing to draw: no file has results.")
    width, height = _PANEL
    figure = _matplotlib().Figure(figsize=(width * len(networks), height), layout="constrained")
    panels = figure.subplots(1, len(networks), sharey=True, squeeze=False)[0]
    lines: dict[str, Any] = {}
    for panel, (name, layer) in zip(panels, networks, strict=True):
        lines |= _draw(panel, columns, name, layer)
    panels[0].set_ylabel("megapixel-steps per second")
    # Only now: the panels share the axis, and a limit ends its scaling.
    panels[0].set_ylim(bottom=0)
    figure.legend(lines.values(), lines.keys(), loc="outside lower center", frameon=False)
    drawn = BytesIO()
    figure.savefig(drawn, format=Path(path).suffix[1:].lower(), dpi=150)
    save(drawn.getvalue(), path)


def _draw(panel: Any, columns: list[Column], name: str, layer: str) -> dict[str, Any]:
    """Draw one network, and return the line of each column that has it."""
    lines = {}
    sizes: set[int] = set()
    for number, (report, way, results) in enumerate(columns):
        points = {
            size: result.megapixel_steps_per_second
            for (*network, size), result in sorted(results.items())
            if network == [name, layer]
        }
        if points:
            sizes |= set(points)
            style = {"marker": "o", "color": f"C{number}"}
            [lines[_literally(f"{report}: {way}")]] = panel.plot(
                [*points], [*points.values()], **style
            )
    panel.set_title(_literally(f"{name} → {layer}"))
    panel.set_xlabel("height and width, pixels")
    panel.set_xscale("log", base=2)
    panel.set_xticks(sorted(sizes), [str(size) for size in sorted(sizes)])
    panel.grid(alpha=0.3)
    return lines


def _literally(text: str) -> str:
    """Text in which matplotlib looks for no formulas."""
    return text.replace("$", r"\$")


def _matplotlib() -> Any:
    """The module of its figures, which need no screen."""
    try:
        return import_module("matplotlib.figure")
    except ImportError as error:
        raise MissingExtraError(
            "A plot needs matplotlib, which cannot be imported. Install onnxdream[plot]."
        ) from error
