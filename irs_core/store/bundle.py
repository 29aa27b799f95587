"""Bundles: one study, its evidence and their digests in a single file (`*.irs.zip`).

A bundle may come from anybody, so nothing in it is trusted: names must be of the few known forms,
sizes are bounded before anything is unpacked, every file is checked against its digest, and
arrays must be described byte for byte as this package describes them, belong to the classifier
and draws that they are listed under, and hold the predictions whose digest the study gives.
"""

import contextlib
import hashlib
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from irs_core.errors import BundleError, StoreError, reason
from irs_core.store.bundle_sizes import (
    MAX_BYTES,
    MAX_FILE_BYTES,
    MAX_STUDY_BYTES,
    check_entries,
    check_total,
)
from irs_core.store.deltas import restore, shrink
from irs_core.store.evidence import CHUNK_DRAWS, EvidenceArray
from irs_core.store.files import append_line, write_bytes
from irs_core.store.records import StudyRecord
from irs_core.store.verify import RULES, check_evidence, check_sizes, open_array

SUFFIX = ".irs.zip"
# Version 2 has differences beside chunks; see `irs_core.store.deltas`.
_FORMAT = 2
# Written by scripts/mark_shipped. It is part of the program, so no folder of bundles can bring one.
SHIPPED_MARKS = Path(__file__).with_name("shipped_bundles.txt")
_MANIFEST = "bundle.json"
_STUDY = "study.json"
_NAME = re.compile(r"evidence/[0-9a-f]{16}/(zarr\.json|journal\.jsonl|[cd]/[0-9]{1,7}/[0-9]{1,7})")
# Zip entries need a date; a fixed one makes equal studies equal files.
_DATE = (2020, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Bundle:
    """A verified bundle in memory.

    Args:
        record: Its study.
        unpack: Gives the files of its evidence by name; asked once, when they are first needed.
    """

    record: StudyRecord
    unpack: Callable[[], Mapping[str, bytes]]

    def evidence(self, evidence_id: str) -> EvidenceArray:
        """One of its arrays, read-only."""
        files = self.arrays.get(evidence_id, {})
        if "zarr.json" not in files:
            raise StoreError(f"the bundle has no evidence {evidence_id}")
        return open_array(files)

    @cached_property
    def arrays(self) -> Mapping[str, Mapping[str, bytes]]:
        """The files of each array by their names within it, by evidence id."""
        found: dict[str, dict[str, bytes]] = {}
        for name, content in self.unpack().items():
            folder, _, rest = name.partition("/")
            evidence_id, _, inner = rest.partition("/")
            if folder == "evidence":
                found.setdefault(evidence_id, {})[inner] = content
        return found


def write_bundle(path: Path, record: StudyRecord, evidence_folder: Path) -> None:
    """Write a study and the evidence it names into one file, which `read_bundle` accepts.

    Args:
        record: As `irs_core.store.audit.exportable` gives it: digests are never made up here.

    Raises:
        StoreError: Evidence is missing, damaged or too large, or the disk refuses.
    """
    try:
        evidence = {
            name: source.read_bytes() for name, source in _evidence_files(record, evidence_folder)
        }
    except OSError as error:
        raise StoreError(f"cannot read the evidence of study {record.id}: {error}") from None
    check_sizes(record)
    check_evidence(record, Bundle(record, lambda: evidence).arrays)
    small = shrink(record, evidence)
    # What reading allows is refused here already, while the study can still be cut into two.
    restore(record, small, MAX_BYTES)
    files = {_STUDY: _json_bytes(record.to_dict()), **small}
    manifest = {
        "schema": _FORMAT,
        "files": {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for name, content in sorted(files.items())
        },
    }
    entries = [(_MANIFEST, _json_bytes(manifest)), *sorted(files.items())]
    check_total([len(content) for _, content in entries])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name, _DATE), content, zipfile.ZIP_DEFLATED)
    write_bytes(path, packed.getvalue())


def unpack_evidence(bundle: Bundle, folder: Path, ids: Collection[str] | None = None) -> None:
    """Write evidence of a bundle to where live evidence lies; what is there already stays.

    Args:
        ids: Arrays to write; None writes all.

    Raises:
        StoreError: The disk refuses.
    """
    for evidence_id, files in bundle.arrays.items():
        if ids is not None and evidence_id not in ids:
            continue
        for name, content in files.items():
            place = folder / evidence_id / name
            # A live array may hold more draws.
            if not place.exists():
                write_bytes(place, content)


def open_bundle(
    path: Path, verified: Path, check: Callable[[Path], object] | None = None
) -> Bundle:
    """A bundle; equal bytes that passed under the same rules before are not verified again.

    Those that come with this program passed before it was shipped.

    Args:
        path: The bundle.
        verified: File that remembers bundles that passed; it may be missing.
        check: What verifies one elsewhere, raising what is wrong with it; None does it here.

    Raises:
        BundleError: It is damaged, unsafe, too large or of another version.
    """
    content = _content(path)
    mark = bundle_mark(content)
    if mark in _lines(SHIPPED_MARKS) or mark in _lines(verified):
        return _bundle_of(content, path)
    if check is None:
        bundle = _verified(content, path.name)
    else:
        check(path)
        bundle = _bundle_of(content, path)
    remember(content, verified)
    return bundle


def remember(content: bytes, verified: Path) -> None:
    """Note that a bundle passed; without a place to note it, it is verified again the next time."""
    with contextlib.suppress(StoreError):
        append_line(verified, bundle_mark(content))


def bundle_mark(content: bytes) -> str:
    """What is remembered of a bundle that passed: the digest of its bytes, and the rules."""
    return f"{hashlib.sha256(content).hexdigest()} {RULES}"


def read_bundle(path: Path, most: int = MAX_BYTES) -> Bundle:
    """Read and verify a bundle.

    Args:
        most: Bytes that it may unpack to.

    Raises:
        BundleError: It is damaged, unsafe, too large or of another version.
    """
    return _verified(_content(path), path.name, most)


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise BundleError(f"a bundle may take {MAX_FILE_BYTES} bytes; {path.name} takes {size}")
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path.name} is not a readable bundle: {reason(error)}") from None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except (OSError, ValueError):
        return []


def _bundle_of(content: bytes, path: Path) -> Bundle:
    """What holds a bundle that was verified; its evidence is read again when it is needed.

    Its bytes are not kept: a library may hold hundreds of bundles.
    """
    known = hashlib.sha256(content).digest()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        record = _record(archive.read(_STUDY))

    def unpack() -> Mapping[str, bytes]:
        again = _content(path)
        if hashlib.sha256(again).digest() != known:
            raise BundleError(f"{path.name} was changed since it was opened; open its study again")
        with zipfile.ZipFile(io.BytesIO(again)) as archive:
            return restore(record, _unpack(archive), MAX_BYTES)

    return Bundle(record, unpack)


def _verified(content: bytes, name: str, most: int = MAX_BYTES) -> Bundle:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = _unpack(archive, most)
    except BundleError:
        raise
    except (
        OSError,
        ValueError,
        struct.error,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise BundleError(f"{name} is not a readable bundle: {reason(error)}") from None
    _verify(files, name)
    try:
        record = _record(files[_STUDY])
    except (ValueError, RecursionError, StoreError) as error:
        raise BundleError(f"{name} holds no valid study: {error}") from None
    try:
        restored = restore(record, files, most)
        bundle = Bundle(record, lambda: restored)
        check_evidence(record, bundle.arrays)
    except StoreError as error:
        raise BundleError(f"{name}: {error}") from None
    return bundle


def _record(content: bytes) -> StudyRecord:
    if len(content) > MAX_STUDY_BYTES:
        raise BundleError(
            f"the description of a study may take {MAX_STUDY_BYTES} bytes; this one takes "
            f"{len(content)}"
        )
    record = StudyRecord.from_dict(json.loads(content))
    check_sizes(record)
    return record


def _evidence_files(record: StudyRecord, folder: Path) -> Iterator[tuple[str, Path]]:
    for evidence_id, draws in sorted(record.digest_draws().items()):
        place = folder / evidence_id
        if not (place / "zarr.json").exists():
            raise StoreError(f"evidence {evidence_id} is not in the store; run the study first")
        for source in sorted(place.rglob("*")):
            name = f"evidence/{evidence_id}/{source.relative_to(place).as_posix()}"
            if not source.is_file() or not _NAME.fullmatch(name):
                continue
            # Another study may have drawn further; its draws are not this one's.
            if "/c/" not in name or int(source.name) * CHUNK_DRAWS < draws:
                yield name, source


def _unpack(archive: zipfile.ZipFile, most: int = MAX_BYTES) -> dict[str, bytes]:
    entries = archive.infolist()
    check_entries(entries, most)
    files = {}
    for entry in entries:
        name = entry.filename
        # Other methods have decoders that take memory as the file tells them to.
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BundleError(f"a bundle may only be stored or deflated; {name!r} is neither")
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
    if schema not in (1, _FORMAT):
        raise BundleError(
            f"{source} has format version {schema}; this program reads 1 and {_FORMAT}"
        )
    found = {
        name: hashlib.sha256(content).hexdigest()
        for name, content in files.items()
        if name != _MANIFEST
    }
    if found != expected:
        names = sorted({*found, *expected})
        wrong = next(name for name in names if found.get(name) != expected.get(name))
        raise BundleError(f"{source}: {wrong!r} does not match its digest")


def _json_bytes(value: object) -> bytes:
    return (json.dumps(value, sort_keys=True, allow_nan=False) + "\n").encode()
