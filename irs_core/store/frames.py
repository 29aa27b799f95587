"""Frames of the Zstandard format: what one says of itself, read without unpacking it."""

from irs_core.errors import StoreError

_MAGIC = 0xFD2FB528
_RUN_BLOCK, _RESERVED_BLOCK = 1, 3


def declared_size(frame: bytes) -> int:
    """Bytes that a frame declares to unpack to.

    A decoder that allots this much and no more is never made to write more.

    Args:
        frame: Exactly one frame, from its magic number to its last block or checksum.

    Raises:
        StoreError: It is no such frame, it is followed by something, it needs a dictionary, or
            it does not declare its size.

    Source:
        RFC 8878, Sec. 3.1.1.
    """
    if len(frame) < 6 or int.from_bytes(frame[:4], "little") != _MAGIC:
        raise StoreError("a chunk must be a Zstandard frame")
    descriptor = frame[4]
    flag, single_segment = descriptor >> 6, bool(descriptor & 0x20)
    # Bit 3 is reserved; the two lowest give the length of a dictionary's id.
    if descriptor & 0x0B:
        raise StoreError("a chunk must be a Zstandard frame without dictionary")
    length = (int(single_segment), 2, 4, 8)[flag]
    if not length:
        raise StoreError("a chunk must declare the size that it unpacks to")
    # The window's size stands before the content's, unless there is a single segment.
    start = 5 + (not single_segment)
    if _end_of_blocks(frame, start + length) + 4 * bool(descriptor & 0x04) != len(frame):
        raise StoreError("a chunk must be one whole Zstandard frame")
    # Sizes of two bytes start at 256: smaller ones fit into one.
    return int.from_bytes(frame[start : start + length], "little") + 256 * (flag == 1)


def _end_of_blocks(frame: bytes, start: int) -> int:
    last = False
    while not last:
        header = int.from_bytes(frame[start : start + 3], "little")
        last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
        if start + 3 > len(frame) or kind == _RESERVED_BLOCK:
            raise StoreError("a chunk must be one whole Zstandard frame")
        start += 3 + (1 if kind == _RUN_BLOCK else size)
    return start
