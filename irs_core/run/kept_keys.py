"""What a prepared classifier rests on, as one digest. Free of torch."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path

import irs_core
from irs_core.backends.device import may_have_cuda
from irs_core.data import Dataset
from irs_core.errors import IrsError
from irs_core.graphs.files import content_digest
from irs_core.hardware import describe_hardware, software_versions
from irs_core.run.calibration import calibration_images
from irs_core.run.options import EngineChoice, RunOptions, parse_engine
from irs_core.spec.compressions import FileModel, Int8Static, ObjectModel
from irs_core.spec.fields import stable_id
from irs_core.spec.outside import SHIPPED_PREFIX, CodeModel, ServedModel
from irs_core.spec.study import StudySpec
from irs_core.store import BASE

_PACKAGE = Path(irs_core.__file__).resolve().parent
# What decides about a prepared classifier; pages, statistics and commands do not.
_ROOMS = ("approx", "backends", "data", "graphs", "integer", "models", "run", "sampling", "spec")


def _on_this_cpu(options: RunOptions) -> bool:
    return (
        parse_engine(options.engine) == EngineChoice()
        and options.backend in ("auto", "openvino")
        and (options.device == "cpu" or (options.device == "auto" and not may_have_cuda()))
    )


def classifier_keys(
    spec: StudySpec, dataset: Dataset, options: RunOptions
) -> Iterator[tuple[str, str]]:
    """Of each classifier that is made of files and runs on this CPU, what it rests on."""
    if not _on_this_cpu(options):
        return
    weights = _files(weights_path(spec.model.weights))
    if weights is None:
        return
    common = {
        "program": program_stamp(),
        "versions": software_versions(),
        "hardware": describe_hardware(),
        "model": asdict(spec.model),
        "weights": weights,
        "data": {**asdict(spec.data), "digest": dataset.digest, "classes": len(dataset.classes)},
        "noise": spec.noise.to_dict(),
        "batch": options.batch,
        "backend": options.backend,
    }
    yield BASE, stable_id(common)
    calibration = ""
    for one in spec.compressions:
        if isinstance(one, ObjectModel | CodeModel | ServedModel):
            continue
        files = _files(Path(one.path)) if isinstance(one, FileModel) else {}
        if files is None:
            continue
        if isinstance(one, Int8Static):
            calibration = calibration or _calibration(spec, dataset)
        rests = {"compression": str(one), "files": files, "calibration": calibration}
        yield str(one), stable_id({**common, **rests})


def weights_path(text: str) -> Path:
    """The file of a model's weights, without loading what reads it."""
    if text.startswith(SHIPPED_PREFIX):
        return _PACKAGE / "models" / "shipped" / f"{text.removeprefix(SHIPPED_PREFIX)}.safetensors"
    return Path(text).expanduser()


def _files(path: Path) -> Mapping[str, str] | None:
    """Digests of a file and those beside it that belong to it; None where there is no file."""
    try:
        if not path.is_file():
            return None
        beside = [one for one in path.parent.glob(f"{path.stem}.*") if one.is_file()]
        return {one.suffix: content_digest(one) for one in sorted({path, *beside})}
    except (OSError, ValueError, IrsError):
        return None


def _calibration(spec: StudySpec, dataset: Dataset) -> str:
    images, source = calibration_images(spec, dataset)
    return hashlib.sha256(images.tobytes() + source.encode()).hexdigest()


@cache
def program_stamp() -> str:
    """A digest of the modules that decide about a classifier, by their size and time of change."""
    found = hashlib.sha256()
    for room in _ROOMS:
        for path in sorted((_PACKAGE / room).glob("**/*.py")):
            state = path.stat()
            found.update(f"{path.name} {state.st_size} {state.st_mtime_ns}\n".encode())
    return found.hexdigest()
