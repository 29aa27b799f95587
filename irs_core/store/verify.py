"""What the evidence of a bundle must satisfy before anything is made of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import MemoryStore

from irs_core.errors import BundleError, StoreError
from irs_core.spec.fields import is_a
from irs_core.spec.study import MAX_CLASSES, Stream
from irs_core.store.deltas import CHECKSUM_BYTES, Files
from irs_core.store.evidence import (
    CHUNK_DRAWS,
    EvidenceArray,
    EvidenceKey,
    describe_array,
    read_evidence,
    tile_rows_for,
)
from irs_core.store.frames import declared_size
from irs_core.store.records import ModelRecord, StudyRecord

# What reading all predictions of a bundle may take; its files can be far smaller.
MAX_PREDICTION_BYTES = 1 << 30
# What counting a study may take: a study of somebody else is opened before it is looked at.
MAX_BUDGETS = 1000
MAX_COUNTS = 1 << 26
# Raised with every rule that is added: what passed under fewer rules is verified again.
RULES = 1


@dataclass(frozen=True)
class _Described:
    id: str
    array: EvidenceArray
    classes: int
    draws: int


def open_array(files: Files) -> EvidenceArray:
    """An array in memory, read-only.

    Args:
        files: By their names in the array's folder, `zarr.json` among them.

    Raises:
        StoreError: Its description is damaged.
    """
    make = default_buffer_prototype().buffer.from_bytes
    store = MemoryStore({name: make(content) for name, content in files.items()})
    journal = files.get("journal.jsonl", b"").decode(errors="replace")
    return read_evidence(store.with_read_only(True), journal)


def check_sizes(record: StudyRecord) -> None:
    """Refuse a study of somebody else that would take too much to count or to show.

    Raises:
        BundleError: It has more budgets, or counts of inputs, models and budgets, than allowed.
    """
    budgets = len(record.spec.n_p)
    if budgets > MAX_BUDGETS:
        raise BundleError(
            f"a bundle's study may have {MAX_BUDGETS} budgets; this one has {budgets}"
        )
    counts = len(record.data.indices) * len(record.models) * budgets
    if counts > MAX_COUNTS:
        raise BundleError(
            f"a bundle's study may have {MAX_COUNTS} counts of inputs x models x budgets; this one "
            f"has {counts}"
        )


def check_evidence(record: StudyRecord, arrays: Mapping[str, Files]) -> None:
    """Refuse evidence that is not, byte for byte, what this package would keep of a study.

    Arrays must be described as it describes them, belong to the classifier, inputs, noise and
    stream that they are listed under, have chunks of the right size, and hold known classes.
    Those of a finished study must be complete and match its digests.

    Args:
        record: A study that passed its own check.
        arrays: Files of each array by evidence id.

    Raises:
        StoreError: The rule that is broken.
    """
    draws = record.digest_draws()
    foreign = sorted(set(arrays) - set(draws))
    if foreign:
        raise BundleError(f"evidence {foreign[0]} is not of this study")
    found = [
        (model, _describe(record, model, stream, arrays.get(one, {}), draws[one]))
        for model in record.models
        for stream, one in model.evidence.items()
    ]
    needed = len(record.data.indices) * sum(
        each.draws * each.array.dtype.itemsize for _, each in found
    )
    if needed > MAX_PREDICTION_BYTES:
        raise BundleError(
            f"a bundle's predictions may take {MAX_PREDICTION_BYTES} bytes; this one's take "
            f"{needed}"
        )
    for model, each in found:
        partial = record.may_lack(model)
        _check_predictions(record, each, complete=record.finished and not partial)


def _describe(
    record: StudyRecord, model: ModelRecord, stream: Stream, files: Files, draws: int
) -> _Described:
    name = model.evidence[stream]
    key = EvidenceKey(model.digest, record.data.digest, record.spec.noise, stream, model.execution)
    if key.id != name:
        raise BundleError(f"evidence {name} is not that of {model.name} on {stream} draws")
    try:
        described = json.loads(files["zarr.json"])
        rows = described["chunk_grid"]["configuration"]["chunk_shape"][0]
        classes = described["attributes"]["classes"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise BundleError(f"evidence {name} is missing or malformed") from None
    inputs, least = len(record.data.indices), len(record.data.classes)
    fits = (
        is_a(rows, int)
        and is_a(classes, int)
        and 1 <= rows <= tile_rows_for(1)
        and least <= classes <= MAX_CLASSES
    )
    if not fits or files["zarr.json"] != describe_array(key, inputs, classes, rows):
        raise BundleError(f"evidence {name} has a layout that this program does not write")
    array = open_array(files)
    _check_chunks(name, files, rows * CHUNK_DRAWS * array.dtype.itemsize)
    return _Described(name, array, classes, draws)


def _check_chunks(evidence_id: str, files: Files, expected: int) -> None:
    for name, content in files.items():
        if not name.startswith("c/"):
            continue
        try:
            size = declared_size(content[:-CHECKSUM_BYTES])
        except StoreError as error:
            raise BundleError(f"evidence {evidence_id}, {name}: {error}") from None
        if size != expected:
            raise BundleError(
                f"evidence {evidence_id}, {name}: a chunk must unpack to {expected} bytes; "
                f"this one to {size}"
            )


def _check_predictions(record: StudyRecord, each: _Described, *, complete: bool) -> None:
    predictions = each.array.read(each.draws)
    known = predictions != each.array.missing
    highest = int(np.max(predictions, where=known, initial=0))
    if highest >= each.classes:
        raise BundleError(
            f"evidence {each.id} must hold classes below {each.classes}; it holds {highest}"
        )
    if complete and not known.all():
        raise BundleError(
            f"evidence {each.id} lacks {int(np.count_nonzero(~known))} of {predictions.size} "
            "predictions, but its study says that it is finished"
        )
    if record.finished and each.array.digest(each.draws) != record.digests[each.id]:
        raise BundleError(f"evidence {each.id} does not match the digest that its study gives")
