"""HEIC and HEIF, which Pillow reads with the help of pillow-heif."""

from __future__ import annotations

from ..extras import need

__all__ = ["is_heif", "prepare"]

_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
"""HEVC in a HEIF container (ISO/IEC 23008-12, annex B); of AVIF, Pillow knows itself."""


def is_heif(head: bytes) -> bool:
    """Whether a file that begins so is of this kind (ISO/IEC 14496-12, 4.3)."""
    if head[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(head[:4], "big"), len(head))
    # Behind the major brand and a version come those that it is compatible with.
    return any(head[i : i + 4] in _BRANDS for i in (8, *range(16, end, 4)))


def prepare() -> None:
    """Let Pillow open such files.

    Raises
    ------
    MissingExtraError
        If pillow-heif is not installed.
    """
    need("pillow_heif").register_heif_opener()
