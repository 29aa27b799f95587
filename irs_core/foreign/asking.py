"""What the app asks of files of others. Each question goes through the gate of `irs_core.sandbox`.

Answers are taken as if the file had written them: texts are cut, numbers are made numbers.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irs_core.errors import SandboxError
from irs_core.foreign import inside
from irs_core.foreign.answers import (
    DataFacts,
    DryRow,
    DryRun,
    ModelFacts,
    ResultsRow,
    WayRow,
    Ways,
    hexadecimal,
    part,
    parts,
    row,
    text,
)
from irs_core.graphs import is_graph_file
from irs_core.report.cohen import keep_results
from irs_core.run.options import RunOptions
from irs_core.sandbox import Limits, in_child, keep_spare
from irs_core.server_files import data_folders, model_folders, upload_limit
from irs_core.spec.compressions import NORMALIZED_PREFIX, Compression, FileModel
from irs_core.spec.outside import is_url
from irs_core.spec.study import DataSpec, ModelSpec, StudySpec

# What takes long to import, for weights alone and for whatever runs them.
_WEIGHTS = ("irs_core.models",)
_MODELS = ("irs_core.check", "irs_core.foreign.inside", "onnx", "openvino")
# Bytes that a bundle unpacks to, for each byte that an upload may have.
_UNPACKED = 2
# A pilot trains for a moment, three times.
_PILOT_TIMES = 5


def warm_up() -> None:
    """Have a child ready, so that the next file is read without delay."""
    keep_spare(*_MODELS)


def check_model_file(path: Path) -> None:
    """Read a model file of any kind, running nothing of it.

    Raises:
        IrsError: It cannot be used, or takes more than it may.
    """
    # Graphs are read without what runs them.
    loads = () if is_graph_file(path.name) else _WEIGHTS
    in_child(
        inside.model_file, str(path), what=path.name, folders=[path.parent.resolve()], loads=loads
    )


def check_data_file(path: Path) -> None:
    """Read the test split of an .npz data set.

    Raises:
        IrsError: It cannot be used, or takes more than it may.
    """
    in_child(inside.data_file, str(path), what=path.name, folders=[path.parent.resolve()])


def model_facts(spec: ModelSpec, root: Path) -> ModelFacts:
    """What a model's file turns out to be.

    Args:
        root: The store, whose uploads may be read.

    Raises:
        IrsError: It cannot be read, or does not fit its architecture.
    """
    found = in_child(
        inside.model,
        asdict(spec),
        what=Path(spec.weights).name,
        folders=model_folders(root),
        loads=_MODELS,
    )
    return row(ModelFacts, found)


def file_compression(text: str, root: Path) -> FileModel:
    """The compressed model that `file:PATH` or `file-normalized:PATH` names, with its digest.

    Raises:
        IrsError: The file cannot be used.
    """
    prefix, _, path = text.partition(":")
    found = in_child(inside.digest, text, what=Path(path).name, folders=model_folders(root))
    return FileModel(path, hexadecimal(found), prefix == NORMALIZED_PREFIX)


def data_facts(spec: DataSpec, root: Path) -> DataFacts:
    """What a data specification selects.

    Raises:
        IrsError: The data are missing, empty, damaged or too few.
    """
    found = in_child(inside.data, asdict(spec), what=_named(spec), folders=_folders(spec, root))
    return row(DataFacts, found)


def with_model_classes(spec: DataSpec, weights: str, root: Path) -> DataSpec:
    """The data with their classes numbered as the model's own files say, if they do.

    Raises:
        IrsError: The data or the list cannot be read.
    """
    found = in_child(
        inside.class_list,
        asdict(spec),
        weights,
        what=Path(weights).name,
        folders=(*model_folders(root), *data_folders(root)),
    )
    # The model itself or what lies beside it, whatever its reader answers.
    beside = [one for one in Path(weights).parent.iterdir() if str(one.absolute()) == found]
    return replace(spec, class_list=str(beside[0].absolute())) if beside else spec


def check_images(spec: DataSpec, indices: Sequence[int], labels: Sequence[int], root: Path) -> None:
    """Refuse data whose labels are not those of a study.

    Args:
        indices, labels: Positions that the study took, and what it found there.

    Raises:
        IrsError: They are others, or cannot be read.
    """
    _images(spec, [], indices, labels, root)


def read_images(
    spec: DataSpec,
    rows: Sequence[int],
    indices: Sequence[int],
    labels: Sequence[int],
    root: Path,
) -> NDArray[np.float32]:
    """Images of a study in [0, 1], (k, C, H, W), by their positions in the full set.

    Raises:
        IrsError: As `check_images`.
    """
    pixels = part(_images(spec, rows, indices, labels, root), "pixels", np.ndarray)
    if pixels.ndim != 4 or len(pixels) != len(rows):
        raise SandboxError(f"the images of {_named(spec)} cannot be read")
    return np.asarray(pixels, np.float32)


def _images(
    spec: DataSpec, rows: Sequence[int], indices: Sequence[int], labels: Sequence[int], root: Path
) -> Any:
    return in_child(
        inside.images,
        asdict(spec),
        [int(one) for one in rows],
        [int(one) for one in indices],
        [int(one) for one in labels],
        what=_named(spec),
        folders=_folders(spec, root),
    )


def dry_run(
    model: ModelSpec, data: DataSpec, sigma: float, compressions: Sequence[Compression], root: Path
) -> DryRun:
    """Run the original and compressed classifiers on a few images, without and with noise.

    Raises:
        IrsError: The model, the data or a compression cannot be used.
    """
    named = [model.weights, *map(str, compressions)]
    limits = Limits.chosen()
    found = in_child(
        inside.dry_run,
        asdict(model),
        asdict(data),
        sigma,
        [str(one) for one in compressions],
        what=Path(model.weights).name,
        # Each has to be made before it is run.
        limits=replace(limits, seconds=(1 + len(compressions)) * limits.seconds),
        folders=(*model_folders(root), *data_folders(root)),
        loads=_MODELS,
        network=any(is_url(one) for one in named),
    )
    rows = tuple(row(DryRow, one) for one in part(found, "rows", list))
    warnings = parts(part(found, "warnings", list), str)
    flags = [part(one, "sentence", str) for one in part(found, "flags", list)]
    fitted = part(found, "spec", dict)
    channels, classes = fitted.get("channels"), fitted.get("class_list")
    return DryRun(
        text(part(found, "data", str)),
        rows,
        tuple(map(text, [*warnings, *flags])),
        tuple(map(text, parts(part(found, "ways", list), str))),
        tuple(map(text, parts(part(found, "offers", list), str))),
        channels if channels in (1, 3) else None,
        None if classes is None else text(classes),
    )


def ways(model: ModelSpec, data: DataSpec, sigma: float, root: Path) -> Ways:
    """Try a model as it is, behind a denoiser and fine-tuned, after a moment of training each.

    It takes longer than reading a file, and so may.

    Raises:
        IrsError: The model or the data cannot be used, or it takes more than it may.
    """
    limits = Limits.chosen()
    radii = (sigma / 2, sigma)
    found = in_child(
        inside.ways,
        asdict(model),
        asdict(data),
        sigma,
        radii,
        what=Path(model.weights).name,
        limits=replace(limits, seconds=_PILOT_TIMES * limits.seconds),
        folders=(*model_folders(root), *data_folders(root)),
        loads=_MODELS,
    )
    rows = tuple(row(WayRow, one) for one in part(found, "ways", list))
    return Ways(radii, rows, part(found, "levels", int), part(found, "images", int))


def check_denoiser_file(path: Path) -> None:
    """Read a denoiser, running nothing of it.

    Raises:
        IrsError: It is none, or takes more than it may.
    """
    in_child(
        inside.denoiser_file,
        str(path),
        what=path.name,
        folders=[path.parent.resolve()],
        loads=() if is_graph_file(path.name) else _WEIGHTS,
    )


def check_runs(spec: StudySpec, options: RunOptions, root: Path) -> None:
    """Convert the files of a study and run each on one image, before a job does.

    Raises:
        IrsError: One cannot be run, or takes more than it may.
    """
    in_child(
        inside.runs,
        spec.to_dict(),
        options.backend,
        what=Path(spec.model.weights).name,
        folders=(*model_folders(root), *data_folders(root)),
        loads=_MODELS,
    )


def check_bundle(path: Path) -> tuple[str, str]:
    """The id and the title of the study in a bundle, once all of it was verified.

    Raises:
        IrsError: It is damaged, unsafe or too large.
    """
    found = in_child(
        inside.bundle,
        str(path),
        _UNPACKED * upload_limit(),
        what=path.name,
        folders=[path.parent.resolve()],
    )
    return hexadecimal(part(found, "id", str)), text(part(found, "title", str))


def import_results(path: Path, root: Path) -> None:
    """Check a file of results per input, and keep a copy of it below the store's root.

    Raises:
        IrsError: It is not in the format.
    """
    in_child(inside.results_file, str(path), what=path.name, folders=[path.parent.resolve()])
    keep_results(path, root)


def results(root: Path) -> list[ResultsRow]:
    """All results that were imported into a store, by name.

    Raises:
        SandboxError: They take more than they may.
    """
    if not (root / "results").is_dir():
        return []
    found = in_child(inside.results, str(root), what="results of others", folders=[root.resolve()])
    return [row(ResultsRow, one) for one in parts(found, dict)]


def _folders(spec: DataSpec, root: Path) -> tuple[Path, ...]:
    """Where data may be read; a list of classes lies among the data or beside the model."""
    return (*data_folders(root), *(model_folders(root) if spec.class_list else ()))


def _named(spec: DataSpec) -> str:
    return Path(spec.root or spec.kind).name
