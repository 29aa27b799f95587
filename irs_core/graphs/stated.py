"""What the makers of a graph file wrote beside its network: short texts by name, never run.

Only these texts are read: of an ONNX file the entries of its `metadata_props`, whatever weighs
gigabytes being passed over, of an OpenVINO IR the `rt_info` of its network.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree

from irs_core.errors import CheckpointError, reason
from irs_core.graphs.files import read_bytes
from irs_core.graphs.ir_xml import parse_xml, texts_of
from irs_core.sandbox.opening import opened

_MOST_BYTES, _MOST_ENTRIES, _MOST_FIELDS = 8 << 20, 1000, 1_000_000
# Fields of ModelProto and of StringStringEntryProto, and kinds of fields (protocol buffers).
_METADATA, _KEY, _VALUE = 14, 1, 2
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_INFO = "model_info/"


def stated(path: Path) -> Mapping[str, str]:
    """The texts of a graph file by name; empty where it is damaged or has none.

    Those of an IR have their path below `rt_info` as name, as in `model_info/labels`.

    Raises:
        CheckpointError: The file cannot be read, or its texts are too many or too long.
    """
    if path.suffix.lower() == ".xml":
        try:
            return texts_of(parse_xml(read_bytes(path), path.name))
        except (ElementTree.ParseError, ValueError):
            return {}
    try:
        with opened(path) as file:
            return dict(_entries(file, path.name))
    except OSError as error:
        raise CheckpointError(f"cannot read {str(path)!r}: {reason(error)}") from None


def named_in(texts: Mapping[str, str], name: str) -> str | None:
    """A text under its name, or under that name in the part of an IR that describes the model."""
    return texts.get(name, texts.get(f"{_INFO}{name}"))


def _entries(file: BinaryIO, name: str) -> Iterator[tuple[str, str]]:
    size, spent, count = os.fstat(file.fileno()).st_size, 0, 0
    for number, length in _fields(file, size):
        if number != _METADATA:
            file.seek(length, os.SEEK_CUR)
            continue
        spent, count = spent + length, count + 1
        if spent > _MOST_BYTES or count > _MOST_ENTRIES:
            raise CheckpointError(
                f"{name!r} may have at most {_MOST_ENTRIES} entries of metadata in {_MOST_BYTES} "
                "bytes; it has more"
            )
        entry = _texts(file, length)
        if _KEY in entry:
            yield entry[_KEY], entry.get(_VALUE, "")


def _texts(file: BinaryIO, length: int) -> dict[int, str]:
    end, found = file.tell() + length, {}
    for number, inner in _fields(file, end):
        found[number] = file.read(inner).decode("utf-8", "replace")
    file.seek(end)
    return found


def _fields(file: BinaryIO, end: int) -> Iterator[tuple[int, int]]:
    """Numbers and lengths of the fields that have one, up to `end`; others are passed over.

    The caller moves on to the end of each. Stops where the bytes make no sense.
    """
    for _ in range(_MOST_FIELDS):
        if file.tell() >= end:
            return
        key = _varint(file)
        kind = None if key is None else key & 7
        if key is None or kind not in (_VARINT, _FIXED64, _LENGTH, _FIXED32):
            return
        if kind == _LENGTH:
            length = _varint(file)
            if length is None or file.tell() + length > end:
                return
            yield key >> 3, length
        elif kind == _VARINT:
            if _varint(file) is None:
                return
        else:
            file.seek(8 if kind == _FIXED64 else 4, os.SEEK_CUR)


def _varint(file: BinaryIO) -> int | None:
    """A number of at most 64 bits, 7 in a byte; None where there is none."""
    value = 0
    for shift in range(0, 70, 7):
        one = file.read(1)
        if not one:
            return None
        value |= (one[0] & 0x7F) << shift
        if one[0] < 0x80:
            return value
    return None
