"""How many cores this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path

__all__ = ["usable_cores"]


def usable_cores(root: Path = Path("/sys/fs/cgroup")) -> int:
    """The cores that this process may use: its affinity, and its container's share.

    Parameters
    ----------
    root : Path
        Where control groups are mounted, of either version.

    Returns
    -------
    int
        At least one.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    share = _container_share(root)
    return max(1, cores if share is None else min(cores, math.ceil(share)))


def _container_share(root: Path) -> float | None:
    """Cores that the control group grants, or None where it sets no limit."""
    try:
        quota, period = (root / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (root / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (root / "cpu" / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    try:
        share = int(quota) / int(period)
    except (ValueError, ZeroDivisionError):
        return None
    return share if share > 0 else None
