"""Counts of a finished study, kept on disk, so that opening it reads no single prediction.

The file is a cache inside the live store, written by this program alone: an `.npz` without
objects, named by the study, the digests of its evidence and the layout of the counts. Whatever
does not fit is counted again.
"""

import io
import json
import logging
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irs_core import methods
from irs_core.analysis.tally import tally_study
from irs_core.errors import StoreError
from irs_core.methods.kit.counts import StudyTally
from irs_core.spec.fields import stable_id
from irs_core.store import Study
from irs_core.store.files import write_bytes

logger = logging.getLogger(__name__)
_TREE = "tree"


def open_tally(study: Study, root: Path) -> StudyTally:
    """The counts of a study: those kept below `root` if they are, else counted, and kept.

    Raises:
        MissingEvidenceError: The base classifier's draws are not all stored.
    """
    if not study.record.finished:
        return tally_study(study)
    path = tally_path(study, root)
    kept = _read(path)
    if kept is not None:
        return kept
    tally = tally_study(study)
    keep_tally(path, tally)
    return tally


def keep_tally(path: Path, tally: StudyTally) -> None:
    """Write the counts of a finished study; a disk that refuses costs time later, no result."""
    arrays: list[NDArray[Any]] = []
    tree = json.dumps(_packed(tally, arrays))
    packed = io.BytesIO()
    named = {f"a{at}": array for at, array in enumerate(arrays)}
    named[_TREE] = np.frombuffer(tree.encode(), np.uint8)
    # Not compressed: opening it is what somebody waits for.
    np.savez(packed, **named)  # type: ignore[arg-type]
    try:
        write_bytes(path, packed.getvalue())
    except StoreError as error:
        logger.warning("counts are not kept: %s", error)


def tally_path(study: Study, root: Path) -> Path:
    """Where the counts of one state of a study are kept."""
    record = study.record
    state = stable_id(
        [dict(record.digests), list(record.data.labels), _layout(StudyTally), _grown(study)]
    )
    return root / "tallies" / f"{record.id}-{state}.npz"


def _grown(study: Study) -> list[int]:
    """Sizes of the journals, where other studies may add draws that this one can count."""
    if study.shipped or not study.record.spec.partial:
        return []
    journals = [study.folder / one / "journal.jsonl" for one in sorted(study.record.digest_draws())]
    return [path.stat().st_size if path.exists() else 0 for path in journals]


def _read(path: Path) -> StudyTally | None:
    try:
        with np.load(path, allow_pickle=False) as file:
            tree = json.loads(file[_TREE].tobytes())
            tally = _unpacked(StudyTally, tree, file)
    except FileNotFoundError:
        return None
    except Exception as error:
        # Whatever a reader raises on damaged bytes, the meaning is the same: count again.
        logger.warning("counted again, because %s is damaged: %s", path.name, error)
        return None
    return tally if isinstance(tally, StudyTally) else None


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
        hints = typing.get_type_hints(kind)
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
        return {name: _layout(hint) for name, hint in typing.get_type_hints(kind).items()}
    inner = [_layout(one) for one in typing.get_args(kind) if is_dataclass(one)]
    if typing.get_args(kind)[1:] == (Any,):
        inner = [_layout(one.counts) for one in methods.every() if one.counts is not None]
    return [str(kind), inner]


def _value_type(inner: tuple[Any, ...], name: str) -> Any:
    """Type of a table's value; what single methods count is of the type that they say."""
    return methods.get(name).counts if inner[1] is Any else inner[1]
