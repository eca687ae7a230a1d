"""A fixed workload whose figures can be compared from a laptop to a data centre.

`plan` lists the cases, `run` measures them, each in a process of its own,
`write` and `read` keep the `Report` as JSON, `table` and `compare` put it in
columns, and `plot` draws it.
"""

from .apart import measure_apart, run
from .compare import compare
from .files import check_target
from .fingerprint import Hardware, fingerprint
from .measure import measure
from .plot import check_plot, plot
from .report import Report, Result, read, write
from .table import machine_lines, table
from .workload import FULL, NETWORKS, QUICK, SIZES, WORKLOAD, Case, Effort, plan

__all__ = [
    "FULL",
    "NETWORKS",
    "QUICK",
    "SIZES",
    "WORKLOAD",
    "Case",
    "Effort",
    "Hardware",
    "Report",
    "Result",
    "check_plot",
    "check_target",
    "compare",
    "fingerprint",
    "machine_lines",
    "measure",
    "measure_apart",
    "plan",
    "plot",
    "read",
    "run",
    "table",
    "write",
]
