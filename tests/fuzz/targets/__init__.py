"""The table of targets: a new way in for strangers' data is a file here, and a line."""

from __future__ import annotations

from collections.abc import Mapping

from ..target import Target
from . import commands, networks, operators, pictures, recipes, reports, signals

__all__ = ["TARGETS"]

TARGETS: Mapping[str, Target] = {
    "pictures": pictures.TARGET,
    "networks": networks.TARGET,
    "operators": operators.TARGET,
    "recipes": recipes.TARGET,
    "reports": reports.TARGET,
    "commands": commands.TARGET,
    "signals": signals.TARGET,
}
"""By their names."""
