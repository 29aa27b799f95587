"""Image files of 16 bits per channel, which Pillow reads but does not write."""

import struct
import zlib

import numpy as np

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def png16(values: np.ndarray) -> bytes:
    """A PNG of uint16 (height, width, channels): grey, with alpha, colours, with alpha."""
    height, width, channels = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[channels], 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, parts))


def _chunk(part: tuple[bytes, bytes]) -> bytes:
    name, data = part
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def tiff16(values: np.ndarray, order: str = "<", *, packed: bool = False) -> bytes:
    """A TIFF of uint16 colours (height, width, 3), in a byte order, deflated or not."""
    height, width, channels = values.shape
    data = values.astype(f"{order}u2").tobytes()
    data = zlib.compress(data) if packed else data
    entries: list[tuple[int, int, int, int]] = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, channels, 8 + 2 + 12 * 9 + 4),
        (259, 3, 1, 8 if packed else 1),
        (262, 3, 1, 2),
        (273, 4, 1, 8 + 2 + 12 * 9 + 4 + 2 * channels),
        (277, 3, 1, channels),
        (278, 4, 1, height),
        (279, 4, 1, len(data)),
    ]
    made = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    made += struct.pack(f"{order}H", len(entries))
    for tag, kind, count, value in entries:
        short = kind == 3 and count == 1
        made += struct.pack(
            f"{order}HHIHH" if short else f"{order}HHII", tag, kind, count, value, *([0] * short)
        )
    return made + struct.pack(f"{order}I", 0) + struct.pack(f"{order}3H", 16, 16, 16) + data
