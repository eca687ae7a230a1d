"""What was counted, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = ["insert", "table"]

_BEGIN, _END = "<!-- attack:begin -->", "<!-- attack:end -->"
_HEAD = ("target", "cases", "done", "refused", "findings", "slowest", "most memory")
_REFUSALS = ("refused", "exit code 1", "exit code 2")


def table(results: Iterable[dict[str, Any]]) -> str:
    """The counts of several runs, added up, in Markdown."""
    sums: dict[str, Counter[str]] = {}
    for result in results:
        for name, tally in result["targets"].items():
            added = sums.setdefault(name, Counter())
            refused = sum(
                n for label, n in tally["outcomes"].items() if label.startswith(_REFUSALS)
            )
            added["cases"] += tally["cases"]
            added["refused"] += refused
            added["done"] += sum(tally["outcomes"].values()) - refused
            added["findings"] += sum(tally["findings"].values())
            added["slowest"] = max(added["slowest"], round(tally["slowest"][0] * 10))
            added["memory"] = max(added["memory"], tally["memory"] >> 20)
    rows = [
        (
            name,
            *(f"{n[key]:,}" for key in ("cases", "done", "refused", "findings")),
            f"{n['slowest'] / 10} s",
            f"{n['memory']} MiB",
        )
        for name, n in sums.items()
    ]
    lines = [_HEAD, ("---", *["---:"] * (len(_HEAD) - 1)), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def insert(results: Iterable[dict[str, Any]], page: Path) -> None:
    """Put the table between the marks of a page."""
    text = page.read_text()
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    page.write_text(f"{before}{_BEGIN}\n{table(results)}\n{_END}{after}")
