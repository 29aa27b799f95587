"""What a prepared classifier rests on, as one digest. Free of torch."""

import glob
import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path

import irs_core
from irs_core.backends.device import may_have_cuda
from irs_core.backends.processor import exact_8_bit_sums
from irs_core.data import Dataset
from irs_core.errors import IrsError
from irs_core.graphs.files import content_digest, read_bytes
from irs_core.hardware import describe_hardware, installed_versions, software_versions
from irs_core.run.calibration import calibration_images
from irs_core.run.options import EngineChoice, RunOptions, parse_engine
from irs_core.sandbox.opening import opened
from irs_core.spec.compressions import Int8Static, IntegerOnly, ObjectModel
from irs_core.spec.fields import stable_id
from irs_core.spec.mixed import Mixed
from irs_core.spec.outside import SHIPPED_PREFIX, CodeModel, ServedModel
from irs_core.spec.parts import PartOnly, file_of
from irs_core.spec.study import StudySpec
from irs_core.store import BASE

_PACKAGE = Path(irs_core.__file__).resolve().parent
# What decides about a prepared classifier; pages, statistics and commands do not.
_ROOMS = ("approx", "backends", "data", "graphs", "integer", "models", "run", "sampling", "spec")

# Architectures and readers of files come from these as well.
_LIBRARIES = ("torchvision", "timm", "onnx", "onnxruntime", "safetensors")
# Each tensor of an ONNX file that is kept in another file has an entry of this key.
_LOCATION = b"location"


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
    files_of = partial(_files, programs=options.programs)
    weights = files_of(weights_path(spec.model.weights))
    first = spec.model.denoiser
    denoiser = {} if first is None else files_of(weights_path(first, "denoisers"))
    if weights is None or denoiser is None:
        return
    common = {
        "program": program_stamp(),
        "versions": {**software_versions(), **installed_versions(*_LIBRARIES)},
        "hardware": describe_hardware(),
        "exact 8-bit sums": exact_8_bit_sums(),
        "model": asdict(spec.model),
        "weights": weights,
        "denoiser": denoiser,
        "data": {**asdict(spec.data), "digest": dataset.digest, "classes": len(dataset.classes)},
        "noise": spec.noise.to_dict(),
        "batch": options.batch,
        "backend": options.backend,
    }
    yield BASE, stable_id(common)
    calibration = ""
    for one in spec.compressions:
        whole = one.of if isinstance(one, PartOnly) else one
        # Integer networks are compared with their reference each time.
        if isinstance(whole, ObjectModel | CodeModel | ServedModel | IntegerOnly):
            continue
        file = file_of(one)
        files = {} if file is None else files_of(Path(file.path))
        if files is None:
            continue
        rests = {"compression": str(one), "files": files}
        if isinstance(whole, Int8Static | Mixed):
            calibration = rests["calibration"] = calibration or _calibration(spec, dataset)
        yield str(one), stable_id({**common, **rests})


def weights_path(text: str, shipped: str = "") -> Path:
    """The file of a model's weights, without loading what reads it.

    Args:
        shipped: Folder of those that come with the package, below that of the classifiers.
    """
    if text.startswith(SHIPPED_PREFIX):
        name = f"{text.removeprefix(SHIPPED_PREFIX)}.safetensors"
        return _PACKAGE / "models" / "shipped" / shipped / name
    return Path(text).expanduser()


def _files(path: Path, *, programs: bool) -> Mapping[str, str] | None:
    """Digests of a file and of those beside it that may belong to it, by name.

    None where there is no file, or where others that belong to it may have any name.
    """
    try:
        if not path.is_file() or _names_others(path):
            return None
        beside = path.parent.glob(f"{glob.escape(path.stem)}.*")
        found = {one.name: content_digest(one) for one in {path, *beside} if one.is_file()}
        # Whoever may not run a file's program does not get what was made of it either.
        return {**found, "/": "may be run"} if programs and _is_archive(path) else found
    except (OSError, ValueError, IrsError):
        return None


def _is_archive(path: Path) -> bool:
    """Whether a file may hold a TorchScript program; a False is certain."""
    with opened(path) as file:
        return zipfile.is_zipfile(file)


def _names_others(path: Path) -> bool:
    """Whether an ONNX file may keep weights in other files; a False is certain."""
    return path.suffix.lower() == ".onnx" and _LOCATION in read_bytes(path)


def _calibration(spec: StudySpec, dataset: Dataset) -> str:
    images, source = calibration_images(spec, dataset)
    return hashlib.sha256(images.tobytes() + source.encode()).hexdigest()


@cache
def program_stamp() -> str:
    """A digest of the modules that decide about a classifier."""
    found = hashlib.sha256()
    for room in _ROOMS:
        for path in sorted((_PACKAGE / room).glob("**/*.py")):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            found.update(f"{path.relative_to(_PACKAGE)} {content}\n".encode())
    return found.hexdigest()
