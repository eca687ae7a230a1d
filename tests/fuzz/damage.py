"""Damage to bytes of any kind: each kind takes bytes and a random generator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

__all__ = ["DAMAGES", "Damage", "damaged", "seeds"]

Damage = Callable[[bytes, Random], bytes]

_NUMBERS = (0, 1, 2, 3, 4, 7, 8, 15, 16, 24, 32, 64, 127, 128, 255, 256, 32767, 32768, 65535)
_LARGE = (65536, 1 << 20, (1 << 24) - 1, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 13377)


def seeds(random: Random, most: int) -> list[int]:
    """Draw what `damaged` does: a seed for each piece of damage, most often one only."""
    return [random.getrandbits(32) for _ in range(random.choice((1, 1, random.randint(1, most))))]


def damaged(content: bytes, plan: Sequence[int], kinds: Sequence[Damage]) -> bytes:
    """Do damage, piece by piece, of kinds that are drawn."""
    for seed in plan:
        random = Random(seed)
        content = random.choice(kinds)(content, random)
    return content


def flip(content: bytes, random: Random) -> bytes:
    """Flip a few bits."""
    made = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 5, 20))):
        if made:
            made[_place(made, random)] ^= 1 << random.randrange(8)
    return bytes(made)


def number(content: bytes, random: Random) -> bytes:
    """Write a number of a few bytes somewhere: a length, a size or a count, maybe."""
    size = random.choice((1, 2, 2, 4, 4, 8))
    value = random.choice(_NUMBERS + _LARGE) % (1 << 8 * size)
    at = _place(content, random)
    order = random.choice(("big", "little"))
    return content[:at] + value.to_bytes(size, order) + content[at + size :]


def cut(content: bytes, random: Random) -> bytes:
    """Leave out the end."""
    return content[: _place(content, random)]


def leave_out(content: bytes, random: Random) -> bytes:
    """Leave out a piece of the middle."""
    start, end = _span(content, random)
    return content[:start] + content[end:]


def repeat(content: bytes, random: Random) -> bytes:
    """Repeat a piece, now and then many times."""
    start, end = _span(content, random)
    return content[:end] + content[start:end] * random.choice((1, 1, 2, 50)) + content[end:]


def move(content: bytes, random: Random) -> bytes:
    """Copy a piece over another place."""
    start, end = _span(content, random)
    at = _place(content, random)
    return content[:at] + content[start:end] + content[at + end - start :]


def insert(content: bytes, random: Random) -> bytes:
    """Put noise between two bytes."""
    at = _place(content, random)
    return content[:at] + random.randbytes(random.choice((1, 2, 4, 64))) + content[at:]


def blank(content: bytes, random: Random) -> bytes:
    """Make a piece all zeros, or all ones."""
    start, end = _span(content, random)
    return content[:start] + random.choice((b"\0", b"\xff")) * (end - start) + content[end:]


DAMAGES: tuple[Damage, ...] = (
    flip, flip, number, number, number, cut, leave_out, repeat, move, insert, blank
)  # fmt: skip


def _place(content: Sequence[int], random: Random) -> int:
    """A place, in the beginning as often as anywhere: there are the headers."""
    last = max(len(content) - 1, 0)
    return random.randint(0, random.choice((min(64, last), min(400, last), last)))


def _span(content: bytes, random: Random) -> tuple[int, int]:
    start = _place(content, random)
    return start, start + random.choice((1, 2, 4, 12, 64, random.randint(1, len(content) + 1)))
