"""Manifests of the live store: a study's record and a digest of it, checked when one is opened.

A manifest is named by the id of its specification. Its digest covers everything else in the file,
as canonical JSON. Manifests without a digest were written before there was one: they are opened as
unsealed, and what can be checked without it is: the name, and the keys of the evidence.
"""

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path

from irs_core.errors import StoreError
from irs_core.store.files import read_json, write_json
from irs_core.store.layout import EvidenceKey
from irs_core.store.records import StudyRecord

logger = logging.getLogger(__name__)
_SEAL = "sha256"


@dataclass(frozen=True)
class Manifest:
    """An opened manifest.

    Args:
        sealed: Whether it carries a digest, which then is that of its contents.
    """

    record: StudyRecord
    sealed: bool


def content_digest(described: object) -> str:
    """SHA-256 of canonical JSON: keys sorted, no spaces.

    Raises:
        ValueError: A number is not finite, which JSON does not know.
    """
    text = json.dumps(described, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def record_digest(record: StudyRecord) -> str:
    """SHA-256 of all that a record says; equal for equal records."""
    return content_digest(record.to_dict())


def write_manifest(path: Path, record: StudyRecord) -> None:
    """Write or replace a manifest with its digest.

    Raises:
        StoreError: The disk refuses.
    """
    described = record.to_dict()
    write_json(path, {**described, _SEAL: content_digest(described)})


def read_manifest(path: Path) -> Manifest:
    """Open a manifest.

    Raises:
        StoreError: It is missing, damaged or was changed, or belongs to another study.
    """
    described = read_json(path)
    if not isinstance(described, dict):
        raise StoreError(f"{path.name} is no manifest of a study")
    sealed = _SEAL in described
    seal = described.pop(_SEAL, None)
    try:
        intact = not sealed or seal == content_digest(described)
    except ValueError:
        intact = False
    if not intact:
        raise StoreError("the manifest does not match its own digest: it was changed or damaged")
    record = StudyRecord.from_dict(described)
    if record.id != path.stem:
        raise StoreError(
            f"the manifest is that of study {record.id}, whose name the file does not bear"
        )
    check_keys(record)
    return Manifest(record, sealed)


def check_keys(record: StudyRecord) -> None:
    """Refuse a record that lists evidence of another classifier, inputs, noise or stream.

    Raises:
        StoreError: Names the first.
    """
    for model in record.models:
        for stream, evidence_id in model.evidence.items():
            key = EvidenceKey(
                model.digest, record.data.digest, record.spec.noise, stream, model.execution
            )
            if key.id != evidence_id:
                raise StoreError(
                    f"evidence {evidence_id} is not that of {model.name} on {stream} draws"
                )


def readable_record(path: Path) -> StudyRecord | None:
    """The record in a manifest; None where there is none that can be read."""
    if not path.exists():
        return None
    try:
        return read_manifest(path).record
    except StoreError as error:
        logger.warning("%s of %s is not used: %s", path.name, path.parent.name, error)
        return None
