"""Pictures of every kind that can be written here, all of the same few pixels."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable
from functools import cache, partial
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageCms, features

__all__ = ["EXIF", "PICTURES", "PROFILES", "chunk", "picture"]

WIDTH, HEIGHT = 23, 17

Make = Callable[[dict[str, Any]], bytes]
"""Writes a picture, given further options for `Image.save`: its profile and its EXIF data."""


def _values(
    channels: int = 3, kind: type = np.uint8, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> np.ndarray:
    columns, rows = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    waves = [columns * 7 + rows, rows * 11, (columns * rows) % 97 * 2, 255 - columns * 9]
    top = np.iinfo(kind).max // 255
    return (np.stack(waves[:channels], 2) % 256).astype(kind) * top


def _image(mode: str, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Image.Image:
    if mode.startswith("I;16"):
        return Image.fromarray(_values(1, np.uint16, size)[..., 0])
    return Image.fromarray(_values(4, size=size)).convert("RGB").convert(mode)


def _saved(form: str, mode: str, size: tuple[int, int] = (WIDTH, HEIGHT), **options: Any) -> Make:
    def make(more: dict[str, Any]) -> bytes:
        content = BytesIO()
        image = _image(mode, size)
        image.save(content, form, **options, **more)
        return content.getvalue()

    return make


def _animated(form: str, mode: str = "RGB") -> Make:
    frames = [_image(mode).transpose(Image.Transpose.FLIP_LEFT_RIGHT), _image(mode).rotate(90)]
    return _saved(form, mode, save_all=True, append_images=frames)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _deep_png(channels: int, interlaced: bool, more: dict[str, Any]) -> bytes:
    """Sixteen bits a channel, which Pillow does not write; row by row, or in seven passes."""
    values = _values(channels, np.uint16).astype(">u2")
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4)]
        passes += [(1, 0, 2, 2), (0, 1, 1, 2)]
    rows = b"".join(
        b"\0" + row.tobytes() for x, y, dx, dy in passes for row in values[y::dy, x::dx] if row.size
    )
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, colour, 0, 0, int(interlaced))
    said = chunk(b"IHDR", header)
    if "icc_profile" in more:
        said += chunk(b"iCCP", b"icc\0\0" + zlib.compress(more["icc_profile"]))
    if "exif" in more:
        said += chunk(b"eXIf", more["exif"].removeprefix(b"Exif\0\0"))
    return b"\x89PNG\r\n\x1a\n" + said + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _tiled_tiff(compressed: bool, more: dict[str, Any]) -> bytes:
    """Tiles of 16 by 16 pixels, which Pillow does not write; more is left out."""
    padded = np.zeros((32, 32, 3), np.uint8)
    padded[:HEIGHT, :WIDTH] = _values()
    tiles = [padded[y : y + 16, x : x + 16].tobytes() for y in (0, 16) for x in (0, 16)]
    if compressed:
        tiles = [zlib.compress(tile) for tile in tiles]
    starts = np.cumsum([8, *map(len, tiles)])
    entries = [(256, 3, [WIDTH]), (257, 3, [HEIGHT]), (258, 3, [8, 8, 8]), (262, 3, [2])]
    entries += [(259, 3, [8 if compressed else 1]), (277, 3, [3]), (284, 3, [1])]
    entries += [(322, 3, [16]), (323, 3, [16])]
    entries += [(324, 4, starts[:-1].tolist()), (325, 4, [len(tile) for tile in tiles])]
    end = int(starts[-1])
    directory, extra = struct.pack("<H", len(entries)), b""
    behind = end + 2 + 12 * len(entries) + 4
    for tag, kind, values in sorted(entries):
        packed = struct.pack(f"<{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(packed) > 4:
            place = struct.pack("<I", behind + len(extra))
            extra += packed
        else:
            place = packed.ljust(4, b"\0")
        directory += struct.pack("<HHI", tag, kind, len(values)) + place
    header = b"II*\0" + struct.pack("<I", end)
    return header + b"".join(tiles) + directory + struct.pack("<I", 0) + extra


_TIFF_OF_RGB = ("raw", "tiff_lzw", "tiff_deflate", "packbits", "jpeg", "lzma", "zstd")

PICTURES: dict[str, Make] = {
    **{f"png {mode}": _saved("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I")},
    "png I;16": _saved("PNG", "I;16"),
    **{f"png P {bits} bits": _saved("PNG", "P", bits=bits) for bits in (1, 2, 4)},
    "png P transparent": _saved("PNG", "P", transparency=3),
    "png RGB transparent": _saved("PNG", "RGB", transparency=(7, 0, 0)),
    "png animated": _animated("PNG"),
    **{
        f"png of 16 bits, {n} channels{', interlaced' * i}": partial(_deep_png, n, i)
        for n in (1, 2, 3, 4)
        for i in (False, True)
    },
    **{f"jpeg {mode}": _saved("JPEG", mode) for mode in ("L", "RGB", "CMYK")},
    "jpeg progressive": _saved("JPEG", "RGB", progressive=True, quality=95),
    "jpeg restarting": _saved("JPEG", "RGB", restart_marker_blocks=1, subsampling="4:4:4"),
    "jpeg of several": _animated("MPO"),
    **{
        f"tiff {name}": _saved("TIFF", "RGB", compression=name)
        for name in _TIFF_OF_RGB
        if features.check("libtiff") or name == "raw"
    },
    **{
        f"tiff {mode}": _saved("TIFF", mode)
        for mode in ("1", "L", "LA", "P", "RGBA", "CMYK", "LAB", "I;16", "I", "F")
    },
    **{
        f"tiff {name}": _saved("TIFF", "1", compression=name) for name in ("group3", "group4")
    },
    "tiff of several": _animated("TIFF"),
    "tiff tiled": partial(_tiled_tiff, False),
    "tiff tiled deflate": partial(_tiled_tiff, True),
    **{f"webp {mode}": _saved("WEBP", mode) for mode in ("RGB", "RGBA")},
    "webp lossless": _saved("WEBP", "RGB", lossless=True),
    "webp animated": _animated("WEBP"),
    "avif": _saved("AVIF", "RGB", speed=10),
    "avif RGBA": _saved("AVIF", "RGBA", speed=10),
    "gif": _saved("GIF", "P"),
    "gif animated": _animated("GIF", "P"),
    **{f"bmp {mode}": _saved("BMP", mode) for mode in ("1", "L", "P", "RGB", "RGBA")},
    **{f"ppm {mode}": _saved("PPM", mode) for mode in ("1", "L", "RGB", "I;16")},
    "pfm": _saved("PPM", "F"),
    **{f"tga {mode}": _saved("TGA", mode) for mode in ("L", "P", "RGB", "RGBA")},
    "tga rle": _saved("TGA", "RGB", compression="tga_rle"),
    "ico": _saved("ICO", "RGBA", (32, 32), sizes=[(16, 16), (32, 32)]),
    "ico bmp": _saved("ICO", "RGB", (32, 32), sizes=[(32, 32)], bitmap_format="bmp"),
    "icns": _saved("ICNS", "RGBA", (32, 32)),
    **{f"jpeg2000 {mode}": _saved("JPEG2000", mode) for mode in ("L", "LA", "RGB", "RGBA")},
    "jpeg2000 tiled": _saved("JPEG2000", "RGB", tile_size=(16, 16), irreversible=True),
    **{f"dds {mode}": _saved("DDS", mode) for mode in ("L", "LA", "RGB", "RGBA")},
    "dds DXT1": _saved("DDS", "RGBA", (24, 16), pixel_format="DXT1"),
    "dds BC3": _saved("DDS", "RGBA", (24, 16), pixel_format="BC3"),
    **{f"sgi {mode}": _saved("SGI", mode) for mode in ("L", "RGB", "RGBA")},
    "sgi of 16 bits": _saved("SGI", "RGB", bpc=2),
    **{f"pcx {mode}": _saved("PCX", mode) for mode in ("1", "L", "P", "RGB")},
    **{f"im {mode}": _saved("IM", mode) for mode in ("L", "P", "RGB", "YCbCr", "CMYK", "F")},
    "msp": _saved("MSP", "1"),
    "xbm": _saved("XBM", "1"),
    "spider": _saved("SPIDER", "F"),
    "blp": _saved("BLP", "P"),
    **{f"qoi {mode}": _saved("QOI", mode) for mode in ("RGB", "RGBA")},
    "eps": _saved("EPS", "RGB"),
}  # fmt: skip
"""By their names, what writes them. Those that this Pillow cannot write are never drawn."""


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a picture"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 12.0, 0.0)})
    return exif.tobytes()


EXIF = _exif()
"""An orientation, a description, and a place."""

PROFILES: dict[str, bytes] = {
    name: ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()
    for name in ("sRGB", "LAB", "XYZ")
}
# Their class and colour space stand in the header; what follows need not fit.
PROFILES["GRAY"] = PROFILES["sRGB"][:16] + b"GRAY" + PROFILES["sRGB"][20:]
PROFILES["CMYK"] = PROFILES["sRGB"][:16] + b"CMYK" + PROFILES["sRGB"][20:]


@cache
def picture(name: str, profile: bytes | None = None, exif: bytes | None = None) -> bytes:
    """The bytes of a picture, with as much of the rest as its format takes."""
    more: dict[str, Any] = {}
    if profile is not None:
        more["icc_profile"] = profile
    if exif is not None:
        more["exif"] = exif
    # That some formats will go is no news here.
    with warnings.catch_warnings(action="ignore"):
        return PICTURES[name](more)
