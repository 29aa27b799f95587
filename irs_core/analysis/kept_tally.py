"""Counts of a finished study, kept on disk, so that opening it reads no single prediction.

The file is a cache, written by this program alone: an `.npz` without objects behind a digest of it
and of the state that it was counted from, which are the study's whole manifest, the layout of the
counts and the draws that other studies added. Whatever does not fit is counted again. It stands in
the live store; those of the shipped studies come with them, compressed.
"""

import hashlib
import io
import json
import logging
import lzma
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irs_core import methods
from irs_core.analysis.tally import count_study, tally_study
from irs_core.errors import StoreError, reason
from irs_core.methods.kit.counts import StudyTally
from irs_core.store import Study
from irs_core.store.audit import check_trusted
from irs_core.store.files import write_bytes
from irs_core.store.library import shipped_folder
from irs_core.store.manifests import content_digest, record_digest

logger = logging.getLogger(__name__)
_TREE = "tree"
_SUFFIX = ".tally"
_PACKED = ".xz"
_SEAL_BYTES = 32


def open_tally(study: Study, root: Path) -> StudyTally:
    """The counts of a study: those kept below `root` or shipped, else counted, and kept.

    Raises:
        MissingEvidenceError: The base classifier's draws are not all stored.
        StoreError: The evidence of a finished study was changed.
    """
    if not study.record.finished:
        return tally_study(study)
    for path in kept_paths(study, root):
        try:
            return read_tally(path)
        except FileNotFoundError:
            continue
        except StoreError as error:
            logger.warning("counted again: %s", error)
    whole = check_trusted(study)
    tally = count_study(study)
    if whole:
        # Counts with gaps are not kept: the gaps may be filled.
        keep_tally(tally_path(study, root), tally)
    return tally


def kept_paths(study: Study, root: Path) -> tuple[Path, ...]:
    """Where the counts of one state of a study may be: below `root`, and beside shipped ones."""
    own = tally_path(study, root)
    if study.origin != "shipped":
        return (own,)
    return own, shipped_folder() / "counts" / f"{own.name}{_PACKED}"


def keep_tally(path: Path, tally: StudyTally) -> None:
    """Write the counts of a finished study; a disk that refuses costs time later, no result."""
    arrays: list[NDArray[Any]] = []
    tree = json.dumps(_packed(tally, arrays))
    packed = io.BytesIO()
    named = {f"a{at}": array for at, array in enumerate(arrays)}
    named[_TREE] = np.frombuffer(tree.encode(), np.uint8)
    # Not compressed: opening it is what somebody waits for.
    np.savez(packed, **named)  # type: ignore[arg-type]
    content = packed.getvalue()
    sealed = _seal(path, content) + content
    try:
        write_bytes(path, lzma.compress(sealed) if path.suffix == _PACKED else sealed)
    except StoreError as error:
        logger.warning("counts are not kept: %s", error)


def tally_path(study: Study, root: Path) -> Path:
    """Where the counts of one state of a study are kept."""
    record = study.record
    state = content_digest([record_digest(record), _layout(StudyTally), _grown(study)])
    return root / "tallies" / f"{record.id}-{state}{_SUFFIX}"


def _grown(study: Study) -> list[int]:
    """Sizes of the journals, where other studies may add draws that this one can count."""
    if study.shipped or not study.record.spec.partial:
        return []
    journals = [study.folder / one / "journal.jsonl" for one in sorted(study.record.digest_draws())]
    return [path.stat().st_size if path.exists() else 0 for path in journals]


def _seal(path: Path, content: bytes) -> bytes:
    """Digest of the counts and of the state that their file is named by."""
    name = path.name.removesuffix(_PACKED)
    return hashlib.sha256(name.encode() + b"\n" + content).digest()


def read_tally(path: Path) -> StudyTally:
    """The counts in a file.

    Raises:
        FileNotFoundError: There is none.
        StoreError: It is damaged, was changed, or holds the counts of another state or study.
    """
    try:
        sealed = path.read_bytes()
        if path.suffix == _PACKED:
            sealed = lzma.decompress(sealed)
    except FileNotFoundError:
        raise
    except (OSError, lzma.LZMAError) as error:
        raise StoreError(f"cannot read {path.name}: {reason(error)}") from None
    seal, content = sealed[:_SEAL_BYTES], sealed[_SEAL_BYTES:]
    if seal != _seal(path, content):
        raise StoreError(f"the kept counts {path.name} do not match their digest")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            tally = _unpacked(StudyTally, json.loads(file[_TREE].tobytes()), file)
    except Exception as error:
        # Whatever a reader raises on bytes that another program wrote, it means: count again.
        raise StoreError(f"the kept counts {path.name} cannot be read: {error}") from None
    assert isinstance(tally, StudyTally)
    return tally


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    """Types of the fields; evaluating them takes as long as reading the arrays."""
    return typing.get_type_hints(kind)


def _packed(value: object, arrays: list[NDArray[Any]]) -> Any:
    """A tree of JSON values in which arrays are replaced by their numbers."""
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return len(arrays) - 1
    if is_dataclass(value):
        return {one.name: _packed(getattr(value, one.name), arrays) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _packed(one, arrays) for name, one in value.items()}
    if isinstance(value, tuple):
        return [_packed(one, arrays) for one in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


def _unpacked(kind: Any, tree: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """The value that `_packed` described, of a type that annotations give."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is np.ndarray:
        return arrays[f"a{tree}"]
    if is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        return kind(**{name: _unpacked(hints[name], one, arrays) for name, one in tree.items()})
    if origin is tuple:
        return tuple(_unpacked(inner[0], one, arrays) for one in tree)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {
            name: _unpacked(_value_type(inner, name), one, arrays) for name, one in tree.items()
        }
    return tree


def _layout(kind: Any) -> Any:
    """Names and types of all fields, so that another layout gets another file."""
    if is_dataclass(kind) and isinstance(kind, type):
        return {name: _layout(hint) for name, hint in _hints(kind).items()}
    inner = [_layout(one) for one in typing.get_args(kind) if is_dataclass(one)]
    if typing.get_args(kind)[1:] == (Any,):
        inner = [_layout(one.counts) for one in methods.every() if one.counts is not None]
    return [str(kind), inner]


def _value_type(inner: tuple[Any, ...], name: str) -> Any:
    """Type of a table's value; what single methods count is of the type that they say."""
    return methods.get(name).counts if inner[1] is Any else inner[1]
