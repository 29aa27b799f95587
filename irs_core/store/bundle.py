"""Bundles: one study, its evidence and their digests in a single file (`*.irs.zip`).

A bundle may come from anybody, so nothing in it is trusted: names must be of the few known forms,
sizes are bounded before anything is unpacked, every file is checked against its digest, and
arrays must have exactly the layout and codecs that this package writes.
"""

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zarr.core.buffer import default_buffer_prototype
from zarr.storage import MemoryStore

from irs_core.errors import BundleError, StoreError
from irs_core.specs import SCHEMA_VERSION
from irs_core.store.evidence import (
    CHUNK_DRAWS,
    MAX_DRAWS,
    EvidenceArray,
    read_evidence,
    tile_rows_for,
)
from irs_core.store.records import StudyRecord

SUFFIX = ".irs.zip"
MAX_BYTES = 1 << 30
MAX_FILES = 200_000
_MANIFEST = "bundle.json"
_STUDY = "study.json"
_NAME = re.compile(r"evidence/[0-9a-f]{16}/(zarr\.json|journal\.jsonl|c/\d{1,7}/\d{1,7})")
_CODECS = ["bytes", "zstd", "crc32c"]
# Zip entries need a date; a fixed one makes equal studies equal files.
_DATE = (2020, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Bundle:
    """A verified bundle in memory: its study and the files of its evidence."""

    record: StudyRecord
    files: Mapping[str, bytes]

    def evidence(self, evidence_id: str) -> EvidenceArray:
        """One of its arrays, read-only."""
        prefix = f"evidence/{evidence_id}/"
        if f"{prefix}zarr.json" not in self.files:
            raise StoreError(f"the bundle has no evidence {evidence_id}")
        make = default_buffer_prototype().buffer.from_bytes
        store = MemoryStore(
            {
                name.removeprefix(prefix): make(content)
                for name, content in self.files.items()
                if name.startswith(prefix)
            }
        ).with_read_only(True)
        journal = self.files.get(f"{prefix}journal.jsonl", b"").decode(errors="replace")
        return read_evidence(store, journal)


def write_bundle(path: Path, record: StudyRecord, evidence_folder: Path) -> None:
    """Write a study and the evidence it names into one file.

    Raises:
        StoreError: Evidence is missing, or the disk refuses.
    """
    files = {_STUDY: _json_bytes(record.to_dict())}
    for name, source in _evidence_files(record, evidence_folder):
        files[name] = source.read_bytes()
    manifest = {
        "schema": SCHEMA_VERSION,
        "files": {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for name, content in sorted(files.items())
        },
    }
    temporary = path.with_suffix(".partial")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [(_MANIFEST, _json_bytes(manifest)), *sorted(files.items())]:
            archive.writestr(zipfile.ZipInfo(name, _DATE), content, zipfile.ZIP_DEFLATED)
    temporary.replace(path)


def read_bundle(path: Path) -> Bundle:
    """Read and verify a bundle.

    Raises:
        BundleError: It is damaged, unsafe, too large or of another version.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            files = _unpack(archive)
    except (
        OSError,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise BundleError(f"{path.name} is not a readable bundle: {error}") from None
    _verify(files, path.name)
    try:
        record = StudyRecord.from_dict(json.loads(files[_STUDY]))
    except (ValueError, RecursionError, StoreError) as error:
        raise BundleError(f"{path.name} holds no valid study: {error}") from None
    for evidence_id in evidence_ids(record):
        _check_layout(files, evidence_id, len(record.data.indices), path.name)
    return Bundle(record, files)


def evidence_ids(record: StudyRecord) -> list[str]:
    """Ids of all arrays of a study, each once."""
    return sorted({one for model in record.models for one in model.evidence.values()})


def _evidence_files(record: StudyRecord, folder: Path) -> Iterator[tuple[str, Path]]:
    for evidence_id in evidence_ids(record):
        place = folder / evidence_id
        if not (place / "zarr.json").exists():
            raise StoreError(f"evidence {evidence_id} is not in the store; run the study first")
        for source in sorted(place.rglob("*")):
            name = f"evidence/{evidence_id}/{source.relative_to(place).as_posix()}"
            if source.is_file() and _NAME.fullmatch(name):
                yield name, source


def _unpack(archive: zipfile.ZipFile) -> dict[str, bytes]:
    entries = archive.infolist()
    if len(entries) > MAX_FILES:
        raise BundleError(f"a bundle may hold {MAX_FILES} files; this one has {len(entries)}")
    total = sum(entry.file_size for entry in entries)
    if total > MAX_BYTES:
        raise BundleError(f"a bundle may unpack to {MAX_BYTES} bytes; this one to {total}")
    files = {}
    for entry in entries:
        name = entry.filename
        if name not in (_MANIFEST, _STUDY) and not _NAME.fullmatch(name):
            raise BundleError(f"a bundle may not hold a file named {name!r}")
        if name in files:
            raise BundleError(f"a bundle may hold each file once; {name!r} is there twice")
        # zipfile stops at the declared size, so the bound above holds for what is unpacked.
        files[name] = archive.read(entry)
    return files


def _verify(files: dict[str, bytes], source: str) -> None:
    if _MANIFEST not in files or _STUDY not in files:
        raise BundleError(f"{source} has no {_MANIFEST} or no {_STUDY}")
    try:
        manifest = json.loads(files[_MANIFEST])
        schema, listed = manifest["schema"], manifest["files"]
        expected = {name: entry["sha256"] for name, entry in listed.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BundleError(f"{source} has a malformed {_MANIFEST}") from None
    if schema != SCHEMA_VERSION:
        raise BundleError(
            f"{source} has format version {schema}; this program reads {SCHEMA_VERSION}"
        )
    found = {
        name: hashlib.sha256(content).hexdigest()
        for name, content in files.items()
        if name != _MANIFEST
    }
    if found != expected:
        wrong = sorted({name for name, _ in set(found.items()) ^ set(expected.items())})
        raise BundleError(f"{source}: {wrong[0]} does not match its digest")


def _check_layout(files: dict[str, bytes], evidence_id: str, n_inputs: int, source: str) -> None:
    try:
        described = json.loads(files[f"evidence/{evidence_id}/zarr.json"])
        layout = _layout(described)
        pixels_fit = layout["chunks"][0] in range(1, tile_rows_for(1) + 1)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BundleError(f"{source}: evidence {evidence_id} is missing or malformed") from None
    good = (
        layout["shape"] == [n_inputs, MAX_DRAWS]
        and pixels_fit
        and layout["chunks"][1] == CHUNK_DRAWS
        and layout["dtype"] in ("uint8", "uint16")
        and layout["codecs"] == _CODECS
        and layout["other"] == ("regular", "default", "array", 3, [])
    )
    if not good:
        raise BundleError(
            f"{source}: evidence {evidence_id} has a layout that this program does not write"
        )


def _layout(described: dict[str, Any]) -> dict[str, Any]:
    return {
        "shape": described["shape"],
        "chunks": described["chunk_grid"]["configuration"]["chunk_shape"],
        "dtype": described["data_type"],
        "codecs": [codec["name"] for codec in described["codecs"]],
        "other": (
            described["chunk_grid"]["name"],
            described["chunk_key_encoding"]["name"],
            described["node_type"],
            described["zarr_format"],
            described["storage_transformers"],
        ),
    }


def _json_bytes(value: object) -> bytes:
    return (json.dumps(value, sort_keys=True, allow_nan=False) + "\n").encode()
