"""``onnxdream show``: how a dream was made."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from .command import Command
from .text import rows

__all__ = ["COMMAND"]


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("dream", metavar="DREAM", help="a picture that onnxdream wrote")
    parser.add_argument(
        "--json", action="store_true", help="print the whole record (default: what matters)"
    )


def _run(options: Namespace) -> int:
    import msgspec

    from .. import images
    from ..provenance import Provenance

    texts = images.read_texts(options.dream)
    found = Provenance.of(texts, Path(options.dream).name)
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(found)).decode())
        return 0
    used, size = found.used, found.input
    facts = {
        "recipe": str(found),
        "picture": f"{size.width}×{size.height}, sha256 {size.sha256}",
        "network": f"sha256 {used.network}",
        "octaves": ", ".join(f"{width}×{height}" for width, height in found.octaves),
        "strength": f"{found.strength:.4g}, {found.rms:.2f} grey levels from the picture",
        "ran on": f"{used.provider}, {used.lowering}, {used.precision}, {used.threads} threads, "
        f"{used.processor}",
        "versions": ", ".join(f"{name} {number}" for name, number in used.versions.items()),
    }
    for line in rows(list(facts.items())):
        print(line)
    return 0


COMMAND = Command("Show how a dream was made", _run, _add_options)
