"""Parquet files, and folders that the library `datasets` saves (Arrow); both need pyarrow."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from irs_core.data.base import Images, Source
from irs_core.data.class_list import read_class_list
from irs_core.data.decode import Decoded, decode
from irs_core.data.folder import in_order, prepared
from irs_core.data.gather import gathered
from irs_core.data.npz import named_classes
from irs_core.errors import DatasetError, reason
from irs_core.sandbox.opening import confined, content_of, opened
from irs_core.spec.paths import expanded
from irs_core.spec.study import MAX_CLASSES, DataSpec

if TYPE_CHECKING:
    import pyarrow as pa

_IMAGES = ("image", "img", "images", "pixel_values")
_LABELS = ("label", "labels", "fine_label", "class", "target")
_MAX_BYTES = 4 << 30
_SHOWN = 8


def open_parquet(spec: DataSpec) -> Source:
    """A table with a column of encoded images and one of labels.

    ROOT is a Parquet file, a folder of them (those of the split, by their names or folders), or a
    folder written by `save_to_disk` of the library `datasets`, of one split or of several. An
    image is its file's bytes, or a struct of `bytes` and `path`; a path is never followed. Labels
    are whole numbers, with names where the table's own description gives some, or texts.

    Raises:
        DatasetError: pyarrow is not installed, or the table is missing, damaged or another one.
    """
    root = expanded(spec.root or "")
    table = _table(root, spec.split)
    image, label = _column(table, _IMAGES, root.name), _column(table, _LABELS, root.name)
    names = _label_names(table.schema, label) or _arrow_names(root, spec.split, label)
    labels, classes, known = _labels(table, label, names, spec.class_list, root.name)
    # One table, or what `save_to_disk` wrote of one.
    has_split = not (root.is_file() or (root / "state.json").is_file())
    return Source(
        labels=labels,
        classes=classes,
        read=partial(_read, table.column(image), spec, root.name),
        description=f"table {root.name}" + (f", {spec.split or 'no'} split" if has_split else ""),
        known=known,
        aliases=read_class_list(spec.class_list).entries if spec.class_list else (),
        has_split=has_split,
        notes=(f"classes numbered by {Path(spec.class_list).name}",) if spec.class_list else (),
    )


def _table(root: Path, split: str) -> "pa.Table":
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError:
        raise DatasetError(
            "Parquet files and folders of `datasets` need pyarrow: pip install pyarrow"
        ) from None
    files = _files(root, split)
    try:
        size = sum(file.stat().st_size for file in files)
        if size > _MAX_BYTES:
            raise DatasetError(f"tables of at most {_MAX_BYTES} bytes are read; {root} has {size}")
        tables = [_arrow(file) if file.suffix == ".arrow" else _parquet(file) for file in files]
        return pa.concat_tables(tables)
    except DatasetError:
        raise
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        said = " ".join(str(error).split())[:200]
        raise DatasetError(f"{root.name} is no readable table: {said}") from None


def _parquet(file: Path) -> "pa.Table":
    import pyarrow.parquet as pq

    with opened(file) as source:
        return pq.ParquetFile(source).read()


def _arrow(file: Path) -> "pa.Table":
    import pyarrow as pa

    content = pa.py_buffer(content_of(file))
    try:
        return pa.ipc.open_stream(content).read_all()
    except pa.ArrowInvalid:
        return pa.ipc.open_file(content).read_all()


def _files(root: Path, split: str) -> list[Path]:
    """The files of a split, in order."""
    if root.is_file():
        return [root]
    folder = _saved_folder(root, split)
    if folder is not None:
        return _listed(folder)
    found = sorted(
        path
        for path in root.rglob("*.parquet")
        if not any(part.startswith(".") for part in path.relative_to(root).parts)
    )
    # NAME-00000-of-00003.parquet, NAME.parquet, or NAME/PART.parquet.
    own = [one for one in found if not split or _split_of(one, root) == split]
    if not own:
        there = sorted({_split_of(one, root) for one in found})
        raise DatasetError(f"no Parquet files of the split {split!r} in {root}{_some(there)}")
    return own


def _split_of(path: Path, root: Path) -> str:
    stem = path.name.removesuffix(".parquet").partition("-")[0]
    above = path.relative_to(root).parts[:-1]
    return above[-1] if stem.isdecimal() and above else stem


def _saved_folder(root: Path, split: str) -> Path | None:
    """The folder of a split that `save_to_disk` wrote, if it did."""
    if (root / "state.json").is_file():
        return root
    if (root / split / "state.json").is_file():
        return root / split
    if not (root / "dataset_dict.json").is_file():
        return None
    there = sorted(one.parent.name for one in root.glob("*/state.json"))
    raise DatasetError(f"no split {split!r} in {root}{_some(there)}")


def _some(splits: Sequence[str]) -> str:
    """What splits there are; nothing to somebody who is not at this machine."""
    return "" if confined() else f"; there are {', '.join(splits[:_SHOWN]) or 'none'}"


def _listed(folder: Path) -> list[Path]:
    described = _json(folder / "state.json").get("_data_files")
    names = [one.get("filename") for one in described or [] if isinstance(one, Mapping)]
    # Names of files beside the description: nothing else is read.
    if not names or not all(isinstance(one, str) and Path(one).name == one for one in names):
        raise DatasetError(f"{folder / 'state.json'} must name files beside it; it names {names!r}")
    files = [folder / str(one) for one in names]
    missing = [one.name for one in files if not one.is_file()]
    if missing:
        raise DatasetError(f"{folder} lacks {missing[0]!r}, which its state.json names")
    return files


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(content_of(path))
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"cannot read {path}: {reason(error)}") from None
    if not isinstance(found, dict):
        raise DatasetError(f"{path} must hold a JSON object")
    return found


def _column(table: "pa.Table", names: Sequence[str], where: str) -> str:
    found = next((one for one in names if one in table.column_names), None)
    if found is None:
        raise DatasetError(
            f"{where} needs a column named {' or '.join(names)}; it has "
            f"{', '.join(map(repr, table.column_names[:_SHOWN])) or 'none'}"
        )
    return found


def _label_names(schema: "pa.Schema", label: str) -> list[str]:
    """Names of classes that the library `datasets` keeps with a table."""
    try:
        described = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        return _names(described["info"]["features"][label])
    except (ValueError, KeyError, TypeError, RecursionError):
        return []


def _arrow_names(root: Path, split: str, label: str) -> list[str]:
    for file in (root / "dataset_info.json", root / split / "dataset_info.json"):
        if file.is_file():
            features = _json(file).get("features")
            return _names(features.get(label)) if isinstance(features, dict) else []
    return []


def _names(feature: Any) -> list[str]:
    found = feature.get("names") if isinstance(feature, dict) else None
    names = found if isinstance(found, list) else []
    return names if all(isinstance(one, str) for one in names) else []


def _labels(
    table: "pa.Table", label: str, names: list[str], class_list: str | None, where: str
) -> tuple[NDArray[np.int64], tuple[str, ...], bool]:
    """Class numbers, their names, and whether the numbers are sure."""
    values = table.column(label).to_pylist()
    if all(type(one) is str for one in values):
        names = in_order(sorted(set(values)))
        places = {name: number for number, name in enumerate(names)}
        labels = np.array([places[one] for one in values], np.int64)
        known = False
    elif all(type(one) is int for one in values):
        # Names that a table has of its own need not be the model's.
        labels, known = np.array(values, np.int64), not names
    else:
        raise DatasetError(f"{label!r} of {where} must hold whole numbers or texts, all filled")
    if len(labels) and not 0 <= labels.min() <= labels.max() < (len(names) or MAX_CLASSES):
        raise DatasetError(
            f"{label!r} of {where} must lie in [0, {(len(names) or MAX_CLASSES) - 1}]; it holds "
            f"{labels.min()} to {labels.max()}"
        )
    if class_list is not None and names:
        listed = read_class_list(class_list)
        used = sorted(set(labels.tolist()))
        numbers = np.zeros(len(names), np.int64)
        numbers[used] = listed.numbers([names[one] for one in used])
        return numbers[labels], listed.classes, True
    count = int(labels.max()) + 1 if len(labels) else 0
    return labels, tuple(names) or named_classes(class_list, count), known


def _read(
    column: "pa.ChunkedArray", spec: DataSpec, where: str, positions: NDArray[np.int64]
) -> Images:
    prepare = prepared(spec.size)

    def images() -> Iterator[tuple[str, Decoded]]:
        for position in positions:
            name = f"row {position} of {where}"
            yield name, decode(_content(column[int(position)].as_py(), name), name, prepare)

    return gathered(images(), len(positions), spec.channels)


def _content(value: Any, name: str) -> bytes:
    found = value.get("bytes") if isinstance(value, dict) else value
    if isinstance(found, bytes):
        return found
    raise DatasetError(
        f"{name} holds no encoded image (bytes, or a struct with bytes); paths to other files are "
        "not followed"
    )
