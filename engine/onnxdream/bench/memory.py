"""How much memory this process has used."""

from __future__ import annotations

import re
import sys
from pathlib import Path

__all__ = ["peak_memory"]

_STATUS = Path("/proc/self/status")


def peak_memory() -> int | None:
    """The most physical memory that this process has held, in bytes.

    Returns
    -------
    int or None
        None on systems that do not say.
    """
    try:
        # Linux counts in ru_maxrss what the process held that started this one.
        found = re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text())
    except OSError:
        found = None
    if found:
        return int(found[1]) << 10
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10
