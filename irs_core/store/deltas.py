"""Chunks of a bundle as differences from another classifier's on the same noise.

The classifiers of a study mostly agree, so where they differ takes a tenth of the room. The
reference of a chunk is the same chunk of the first classifier of the study that has it, the
original as a rule. `evidence/ID/c/...` holds predictions as the store keeps them, and
`evidence/ID/d/...` their exclusive or with the reference's, as one Zstandard frame.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from google_crc32c import value as crc32c
from numcodecs.zstd import Zstd
from numpy.typing import NDArray

from irs_core.errors import BundleError, StoreError
from irs_core.store.evidence import CHUNK_DRAWS, tile_rows_for
from irs_core.store.frames import declared_size
from irs_core.store.records import StudyRecord

CHECKSUM_BYTES = 4
# The largest chunk there is: class ids of two bytes.
_MOST = tile_rows_for(1) * CHUNK_DRAWS * 2
_SMALL, _FAST = Zstd(level=19), Zstd(level=1)

Files = Mapping[str, bytes]


def shrink(record: StudyRecord, files: Files) -> dict[str, bytes]:
    """The files with differences in place of the chunks that have a reference.

    Args:
        files: Of the study's evidence, as the store keeps it and checked.
    """
    found = dict(files)
    for name, reference in _pairs(record, files, "c"):
        try:
            chunk, other = _predictions(files[name]), _predictions(files[reference])
        except StoreError:
            # Damaged ones stay as they are, so that they remain recognisable.
            continue
        if len(chunk) == len(other):
            del found[name]
            found[name.replace("/c/", "/d/")] = bytes(_SMALL.encode(chunk ^ other))
    return found


def restore(record: StudyRecord, files: Files, most: int) -> dict[str, bytes]:
    """The files with chunks as the store keeps them in place of differences.

    Args:
        files: Of a bundle that may come from anybody.
        most: Bytes that the chunks may unpack to in all.

    Raises:
        StoreError: A difference has no reference, is no frame of its reference's size, or all
            take too much.
    """
    found = dict(files)
    unpacked = 0
    for name, reference in _pairs(record, files, "d"):
        other = _predictions(files[reference])
        if declared_size(files[name]) != len(other):
            raise BundleError(f"{name} must unpack to {len(other)} bytes, as its reference does")
        unpacked += len(other)
        if unpacked > most:
            raise BundleError(f"a bundle's differences may unpack to {most} bytes; these to more")
        del found[name]
        frame = bytes(_FAST.encode(_unpacked(files[name]) ^ other))
        found[name.replace("/d/", "/c/")] = frame + _checksum(frame)
    lonely = next((name for name in found if "/d/" in name), None)
    if lonely is not None:
        raise BundleError(f"{lonely} is a difference from a chunk that the bundle lacks")
    return found


def _pairs(record: StudyRecord, files: Files, kind: str) -> Iterator[tuple[str, str]]:
    """Files of a kind that are not references, each with its reference."""
    places: dict[str, list[str]] = {}
    for name in files:
        _, _, rest = name.partition("/")
        places.setdefault(rest.partition("/")[0], []).append(name)
    for stream in {stream for model in record.models for stream in model.evidence}:
        ids = [model.evidence[stream] for model in record.models if stream in model.evidence]
        names = [name for one in dict.fromkeys(ids) for name in places.get(one, [])]
        references: dict[str, str] = {}
        for name in names:
            if "/c/" in name:
                references.setdefault(_place(name), name)
        for name in names:
            reference = references.get(_place(name))
            if f"/{kind}/" in name and reference is not None and reference != name:
                yield name, reference


def _place(name: str) -> str:
    """Tile and chunk of a file of predictions."""
    return name.split("/", 3)[-1]


def _predictions(chunk: bytes) -> NDArray[np.uint8]:
    """The bytes of a chunk as the store keeps it."""
    frame = chunk[:-CHECKSUM_BYTES]
    if chunk[-CHECKSUM_BYTES:] != _checksum(frame):
        raise StoreError("a chunk does not match its checksum")
    size = declared_size(frame)
    if size > _MOST:
        raise StoreError(f"a chunk must unpack to {_MOST} bytes at most; this one to {size}")
    return _unpacked(frame)


def _checksum(frame: bytes) -> bytes:
    checksum: int = crc32c(frame)
    return checksum.to_bytes(CHECKSUM_BYTES, "little")


def _unpacked(frame: bytes) -> NDArray[np.uint8]:
    # Damage that the checks of its length let pass.
    try:
        return np.frombuffer(_FAST.decode(frame), np.uint8)
    except RuntimeError as error:
        raise StoreError(f"a chunk cannot be unpacked: {error}") from None
