"""PNG of 16 bits a channel, which Pillow reads and does not write.

ISO/IEC 15948: a signature, then chunks, each a length, a name, its data and a
checksum. The samples are big-endian; every row is the difference to the one above
it, which is deflated.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np

from .picture import Picture, strips

__all__ = ["to_png"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGB, _RGBA = 2, 6
_UP = 2

_LEVEL = 1
"""How hard zlib tries, of 1 to 9."""

_LONGEST_KEY = 79


def to_png(picture: Picture) -> bytes:
    """The bytes of a PNG.

    Parameters
    ----------
    picture : Picture
        In 16 bits; its profile and its texts are embedded.
    """
    return b"".join([_SIGNATURE, *_chunks(picture)])


def _chunks(picture: Picture) -> Iterator[bytes]:
    kind = _RGB if picture.alpha is None else _RGBA
    yield _chunk(b"IHDR", struct.pack(">IIBBBBB", picture.width, picture.height, 16, kind, 0, 0, 0))
    if picture.icc_profile is not None:
        yield _chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(picture.icc_profile))
    for key, text in picture.texts.items():
        yield _text(key, text)
    packer = zlib.compressobj(_LEVEL)
    for rows in _differences(picture):
        packed = packer.compress(rows.data)
        if packed:
            yield _chunk(b"IDAT", packed)
    yield _chunk(b"IDAT", packer.flush())
    yield _chunk(b"IEND", b"")


def _differences(picture: Picture) -> Iterator[np.ndarray]:
    """The rows as they are deflated, each behind the number of its filter, by strips."""
    channels = 3 if picture.alpha is None else 4
    above = np.zeros((1, 2 * channels * picture.width), np.uint8)
    for rows in strips(picture.height, picture.width):
        samples = picture.samples[rows]
        if picture.alpha is not None:
            samples = np.dstack([samples, picture.alpha[rows]])
        values = samples.astype(">u2").view(np.uint8).reshape(len(samples), -1)
        out = np.empty((len(values), values.shape[1] + 1), np.uint8)
        out[:, 0] = _UP
        np.subtract(values[:1], above, out=out[:1, 1:])
        np.subtract(values[1:], values[:-1], out=out[1:, 1:])
        above = values[-1:].copy()
        yield out


def _text(key: str, text: str) -> bytes:
    name = key.encode("latin-1", "replace")[:_LONGEST_KEY] + b"\0"
    try:
        return _chunk(b"tEXt", name + text.encode("latin-1"))
    except UnicodeEncodeError:
        # Neither deflated, nor in a language, nor with a translated key.
        return _chunk(b"iTXt", name + b"\0\0\0\0" + text.encode())


def _chunk(name: bytes, data: bytes) -> bytes:
    check = zlib.crc32(data, zlib.crc32(name))
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)
