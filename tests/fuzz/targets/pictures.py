"""Damaged pictures, read in every way, and written again where they can be read."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from random import Random

import numpy as np

from onnxdream import images

from ..damage import DAMAGES, Damage, damaged, seeds
from ..target import MIB, BrokenError, Outcome, Plan, Target, check_finite
from ..valid_pictures import EXIF, PICTURES, PROFILES, chunk, picture

__all__ = ["TARGET"]

_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "TIFF", "BMP", "PPM")

_A_PIXEL = 48
"""The bytes that a pixel may take on its way in and out again, all copies counted."""


def plan(random: Random) -> Plan:
    drawn: Plan = {
        "of": random.choice(names()),
        "through": random.choice(("bytes", "path", "stream")),
        "write": random.choice(_FORMATS),
        "damage": seeds(random, 4),
    }
    # A third of the cases have damage inside what is wrapped with care.
    if random.random() < 0.3:
        drawn["profile"] = [random.choice(list(PROFILES)), *seeds(random, 3)]
    if random.random() < 0.3:
        drawn["exif"] = seeds(random, 3)
    if ("profile" in drawn or "exif" in drawn) and random.random() < 0.7:
        drawn["damage"] = []
    return drawn


def build(plan: Plan) -> bytes:
    profile, exif = None, None
    if "profile" in plan:
        name, *damage = plan["profile"]
        profile = damaged(PROFILES[name], damage, DAMAGES)
    if "exif" in plan:
        exif = b"Exif\0\0" + damaged(EXIF[6:], plan["exif"], DAMAGES)
    try:
        content = picture(plan["of"], profile, exif)
    except Exception:  # noqa: BLE001 - the writer looks into it, too, and does not like it
        content = picture(plan["of"])
    return damaged(content, plan["damage"], kinds(content))


def attack(plan: Plan, folder: Path, content: bytes) -> Outcome:
    path = folder / "content"
    match plan["through"]:
        case "path":
            found = images.read(path)
        case "stream":
            with path.open("rb") as file:
                found = images.read(file)
        case _:
            found = images.read(content)
    height, width = check(found)
    allowance = _A_PIXEL * height * width
    # What is large enough takes minutes to write, and tells nothing new.
    if height * width > 1 << 21:
        return Outcome("read, large", allowance)
    written = BytesIO()
    try:
        images.write(found, written, plan["write"])
    except images.reading.ImageError:
        return Outcome("read, not written", allowance)
    again = images.read(written.getvalue())
    if check(again) != (height, width):
        raise BrokenError("promise", f"{height, width} came back as {again.pixels.shape}")
    return Outcome("read and written", allowance)


def check(found: images.Picture) -> tuple[int, int]:
    """Hold a picture against what is promised of it, and return its size."""
    planes = [found.pixels] + ([] if found.opacity is None else [found.opacity])
    for values in planes:
        check_finite("A picture", values)
        if values.dtype != np.float32 or values.min() < 0 or values.max() > 1:
            raise BrokenError("promise", f"{values.dtype} from {values.min()} to {values.max()}")
    if not found.pixels.flags.c_contiguous:
        raise BrokenError("promise", "the pixels are not contiguous")
    return found.pixels.shape[:2]


@cache
def names() -> tuple[str, ...]:
    """The pictures that this Pillow can write."""
    return tuple(name for name in PICTURES if _writes(name))


def _writes(name: str) -> bool:
    try:
        return bool(picture(name))
    except (KeyError, OSError, ValueError):
        return False


def kinds(content: bytes) -> Sequence[Damage]:
    """Damage to any bytes, and to what a file of this kind is made of."""
    own: tuple[Damage, ...] = ()
    if content.startswith(b"\x89PNG"):
        own = (_png_header, _png_chunks, _png_rows)
    elif content.startswith(b"\xff\xd8"):
        own = (_jpeg_segment,)
    elif content[:4] in (b"II*\0", b"MM\0*"):
        own = (_tiff_entry, _tiff_entry)
    splice = partial(_splice, names())
    return (*DAMAGES, splice, *own * 3)


def _splice(others: Sequence[str], content: bytes, random: Random) -> bytes:
    """Go on as another picture does."""
    other = picture(random.choice(others))
    at = random.randint(0, len(content))
    return content[:at] + other[min(at, random.randint(0, len(other))) :]


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        found.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def _png(chunks: Sequence[tuple[bytes, bytes]]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)


_SIDES = (0, 1, 2, 16, 22, 24, 25, 255, 256, 4096, 13377, 65535, 1 << 20, (1 << 31) - 1, 1 << 31)


def _png_header(content: bytes, random: Random) -> bytes:
    """Change what the header says, and its sum with it."""
    chunks = _chunks(content)
    if not chunks or len(chunks[0][1]) != 13:
        return content
    header = bytearray(chunks[0][1])
    match random.randrange(4):
        case 0:
            struct.pack_into(">I", header, random.choice((0, 4)), random.choice(_SIDES))
        case 1:
            header[8] = random.choice((1, 2, 4, 8, 16, 3, 0))
        case 2:
            header[9] = random.choice((0, 2, 3, 4, 6, 1, 5))
        case _:
            header[random.choice((10, 11, 12))] = random.choice((0, 1, 2, 255))
    return _png([(chunks[0][0], bytes(header)), *chunks[1:]])


def _png_chunks(content: bytes, random: Random) -> bytes:
    """Leave out, repeat, exchange, rename or damage whole chunks, and put the sums right."""
    chunks = _chunks(content)
    if not chunks:
        return content
    at = random.randrange(len(chunks))
    kind, data = chunks[at]
    match random.randrange(6):
        case 0:
            del chunks[at]
        case 1:
            chunks.insert(at, chunks[at])
        case 2:
            random.shuffle(chunks)
        case 3:
            names = (b"tRNS", b"PLTE", b"iCCP", b"eXIf", b"sRGB", b"gAMA", b"acTL", b"fcTL")
            chunks[at] = random.choice((*names, b"fdAT", b"zTXt", b"iTXt", b"pHYs", b"cHRM")), data
        case 4:
            chunks[at] = kind, damaged(data, [random.getrandbits(32)], DAMAGES)
        case _:
            bomb = zlib.compress(bytes(random.choice((100, 1 << 20, 1 << 26))))
            text = random.choice(((b"zTXt", b"k\0\0"), (b"iCCP", b"k\0\0"), (b"IDAT", b"")))
            chunks.insert(at, (text[0], text[1] + bomb))
    return _png(chunks)


def _png_rows(content: bytes, random: Random) -> bytes:
    """Damage the rows inside their compression."""
    chunks = _chunks(content)
    made = []
    for kind, data in chunks:
        if kind == b"IDAT":
            try:
                rows = zlib.decompress(data)
            except zlib.error:
                return content
            data = zlib.compress(damaged(rows, [random.getrandbits(32)], DAMAGES))
        made.append((kind, data))
    return _png(made)


def _jpeg_segment(content: bytes, random: Random) -> bytes:
    """Change the length, the size or the tables in a segment before the scan."""
    places, at = [], 2
    while at + 4 < len(content) and content[at] == 0xFF and content[at + 1] != 0xDA:
        places.append(at)
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    if not places:
        return content
    made = bytearray(content)
    at = random.choice(places)
    where = at + random.choice((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12))
    if where + 2 < len(made):
        made[where : where + 2] = random.choice(_SIDES[:12]).to_bytes(4, "big")[-2:]
    return bytes(made)


def _tiff_entry(content: bytes, random: Random) -> bytes:
    """Change an entry of the first directory: its tag, type, count or value."""
    order = "little" if content[:2] == b"II" else "big"
    start = int.from_bytes(content[4:8], order)
    count = int.from_bytes(content[start : start + 2], order)
    if not 0 < count < 100 or start + 2 + 12 * count > len(content):
        return content
    entry = start + 2 + 12 * random.randrange(count)
    where, size = random.choice(((0, 2), (2, 2), (4, 4), (8, 4), (8, 2)))
    value = random.choice((*_SIDES, 3, 4, 5, 7, 8, 12, 32773, 34712, 50001)) % (1 << 8 * size)
    made = bytearray(content)
    made[entry + where : entry + where + size] = value.to_bytes(size, order)
    return bytes(made)


TARGET = Target("damaged pictures of every format", plan, attack, build, memory=1024 * MIB)
