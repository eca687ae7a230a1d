"""Pictures and profiles that Pillow cannot make itself."""

import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest

D50 = b"XYZ \0\0\0\0" + struct.pack(">III", 0xF6D6, 0x10000, 0xD32D)


def icc(space: bytes, kind: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile of version 2.4 with these tags and a white point."""
    tags = {b"wtpt": D50, **tags}
    table, body = b"", b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, 132 + 12 * len(tags) + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = 132 + len(table) + len(body)
    header = struct.pack(">I4xI4s4s4s12x4s28x", size, 0x02400000, kind, space, connection, b"acsp")
    return (header + D50[8:]).ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


@pytest.fixture(scope="session")
def linear_grey() -> bytes:
    """A profile of greys that are proportional to light."""
    return icc(b"GRAY", b"mntr", b"XYZ ", {b"kTRC": b"curv" + struct.pack(">4xIH", 1, 256)})


@pytest.fixture(scope="session")
def colourless_cmyk() -> bytes:
    """A profile of four inks that are all black: L* 100 without ink, 60 with one, 20 with two."""
    inks = [sum(map(int, f"{corner:04b}")) for corner in range(16)]
    lightness = bytes(v for n in inks for v in (max(0, 255 - 102 * n), 128, 128))
    identity = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    ramp = bytes(range(256))
    table = b"mft1" + bytes((0, 0, 0, 0, 4, 3, 2, 0)) + identity + 4 * ramp + lightness + 3 * ramp
    return icc(b"CMYK", b"prtr", b"Lab ", {b"A2B0": table})


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png16(values: np.ndarray, *extra: bytes) -> bytes:
    """A PNG of 16 bits a channel, (H, W, 3) or (H, W, 4)."""
    height, width, channels = values.shape
    header = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (chunk(b"IHDR", header), *extra, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    )


def tiff16(values: np.ndarray, order: str, deflated: bool = False) -> bytes:
    """An RGB TIFF of 16 bits a channel; `order` is "<" or ">"."""
    height, width, _ = values.shape
    strips = values.astype(f"{order}u2").tobytes()
    if deflated:
        strips = zlib.compress(strips)
    short, long = 3, 4
    start, bits = 8, 8 + len(strips)
    entries = [
        (256, long, 1, width),
        (257, long, 1, height),
        (258, short, 3, bits),
        (259, long, 1, 8 if deflated else 1),
        (262, long, 1, 2),
        (273, long, 1, start),
        (277, long, 1, 3),
        (278, long, 1, height),
        (279, long, 1, len(strips)),
    ]
    mark = b"II" if order == "<" else b"MM"
    return b"".join(
        (
            struct.pack(f"{order}2sHI", mark, 42, bits + 6),
            strips,
            struct.pack(f"{order}3H", 16, 16, 16),
            struct.pack(f"{order}H", len(entries)),
            *(struct.pack(f"{order}HHII", *entry) for entry in entries),
            bytes(4),
        )
    )


Deep = Callable[[np.ndarray], bytes]


@pytest.fixture(
    scope="session",
    params=[
        pytest.param(png16, id="png"),
        pytest.param(lambda v: tiff16(v, "<"), id="tiff-little"),
        pytest.param(lambda v: tiff16(v, ">"), id="tiff-big"),
        pytest.param(lambda v: tiff16(v, "<", deflated=True), id="tiff-deflated"),
        pytest.param(lambda v: tiff16(v, ">", deflated=True), id="tiff-big-deflated"),
    ],
)
def sixteen_bit_file(request: pytest.FixtureRequest) -> Deep:
    """What makes the bytes of a file of (H, W, 3) uint16 RGB."""
    return request.param


@pytest.fixture(scope="session")
def sixteen_bit_png() -> Callable[..., bytes]:
    """What makes a PNG of uint16 channels, with the chunks (name, data) before the pixels."""
    return lambda values, *extra: png16(values, *(chunk(*each) for each in extra))
