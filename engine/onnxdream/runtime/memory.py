"""How much memory this process may still use."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

__all__ = ["usable_memory"]

_UNLIMITED = 1 << 60
"""Control groups of version 1 say that there is no limit by a number beyond this."""


class _Group(NamedTuple):
    """The files of a control group, and what its statistics call files that are only cached."""

    limit: str
    used: str
    statistics: str
    cached: str


_GROUPS = (
    _Group("memory.max", "memory.current", "memory.stat", "inactive_file"),
    _Group(
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file",
    ),
)


def usable_memory(
    groups: Path = Path("/sys/fs/cgroup"), process: Path = Path("/proc")
) -> int | None:
    """The memory that this process may still use, in bytes.

    It is what a container and the process's own limits leave; None where there
    are none, or on systems that do not say. What the system has available beside
    does not count: it may swap.

    Parameters
    ----------
    groups : Path
        Where control groups are mounted, of either version.
    process : Path
        Where the kernel tells about processes.
    """
    found = [*(_left(groups, group) for group in _GROUPS), _address_space(process / "self/statm")]
    known = [amount for amount in found if amount is not None]
    return max(0, min(known)) if known else None


def _left(groups: Path, group: _Group) -> int | None:
    try:
        most, now = (int((groups / name).read_text()) for name in group[:2])
    except (OSError, ValueError):
        # Without a limit, the file says "max".
        return None
    return None if most >= _UNLIMITED else most - now + _cached(groups / group.statistics, group)


def _cached(statistics: Path, group: _Group) -> int:
    """What counts as used, and is given back as soon as it is needed."""
    try:
        lines = dict(line.split() for line in statistics.read_text().splitlines())
        return int(lines.get(group.cached, 0))
    except (OSError, ValueError):
        return 0


def _address_space(statm: Path) -> int | None:
    if sys.platform == "win32":
        return None
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        return limit - int(statm.read_text().split()[0]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return None
