"""How much memory this process may still use."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["usable_memory"]

_UNLIMITED = 1 << 60
"""Control groups of version 1 say that there is no limit by a number beyond this."""


def usable_memory(
    groups: Path = Path("/sys/fs/cgroup"), process: Path = Path("/proc")
) -> int | None:
    """The memory that this process may still use, in bytes.

    It is what the system has available, within what a container and the process's own
    limits leave; None on systems that do not say.

    Parameters
    ----------
    groups : Path
        Where control groups are mounted, of either version.
    process : Path
        Where the kernel tells about itself.
    """
    found = [
        _available(process / "meminfo"),
        _left(groups / "memory.max", groups / "memory.current"),
        _left(
            groups / "memory" / "memory.limit_in_bytes",
            groups / "memory" / "memory.usage_in_bytes",
        ),
        _address_space(process / "self" / "statm"),
    ]
    known = [amount for amount in found if amount is not None]
    return max(0, min(known)) if known else None


def _available(meminfo: Path) -> int | None:
    try:
        for line in meminfo.read_text().splitlines():
            name, _, amount = line.partition(":")
            if name == "MemAvailable":
                return int(amount.split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None


def _left(limit: Path, used: Path) -> int | None:
    try:
        most, now = int(limit.read_text()), int(used.read_text())
    except (OSError, ValueError):
        # Without a limit, the file says "max".
        return None
    return None if most >= _UNLIMITED else most - now


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
