"""Files for an app that others may reach: paths below folders that the operator lists, uploads.

Whoever runs the command line may name any file; whoever reaches the app over the network may not.
"""

import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from irs_core.errors import CheckpointError, DatasetError, SpecError, StoreError, reason
from irs_core.store.files import write_bytes

MODEL_DIRS, DATA_DIRS, UPLOAD_MB = "IRS_MODEL_DIRS", "IRS_DATA_DIRS", "IRS_UPLOAD_MB"
MODEL_SUFFIXES = (".onnx", ".xml", ".bin", ".data", ".safetensors", ".pt", ".pth", ".tar")
DENOISER_SUFFIXES = (".safetensors", ".onnx", ".data")
DATA_SUFFIX = ".npz"
_MAIN = (".onnx", ".xml", ".safetensors", ".pt", ".pth", ".tar")
_DEFAULT_MB = 200
_NAME = re.compile(r"[A-Za-z0-9_()\[\]+=-][A-Za-z0-9_.()\[\]+= -]{0,127}")


@dataclass(frozen=True)
class Upload:
    """An upload that was checked and kept.

    Args:
        path: The file to name as model or as data.
        digest: SHA-256 (hexadecimal) of the file, or of the digests of all files given together.
        size_bytes: Bytes of all of them.
        fresh: It was not there before.
    """

    path: Path
    digest: str
    size_bytes: int
    fresh: bool


def uploads_folder(root: Path) -> Path:
    """Where uploads are kept below a store."""
    return root / "uploads"


def listed_folders(variable: str) -> tuple[Path, ...]:
    """Folders that a variable lists, separated as PATH is."""
    texts = os.environ.get(variable, "").split(os.pathsep)
    return tuple(Path(text).expanduser().resolve() for text in texts if text)


def check_model_path(path: str, root: Path) -> Path:
    """The file that a path of the app means, links followed.

    Raises:
        CheckpointError: It lies outside the uploads and the folders in IRS_MODEL_DIRS.
    """
    found = _within(path, model_folders(root))
    if found is None:
        raise CheckpointError(
            f"the app reads models below folders listed in {MODEL_DIRS} only; {path!r} is below "
            "none of them: list its folder there, or upload the file"
        )
    return found


def is_model_path(path: str, root: Path) -> bool:
    """Whether a path lies where the app reads models."""
    return _within(path, model_folders(root)) is not None


def check_data_root(path: str, root: Path, *, split: str = "") -> Path:
    """The folder or file that a data root of the app means, links followed.

    Args:
        split: Of the data set; it may lead out of the listed folders as little as the root.

    Raises:
        DatasetError: It lies outside the uploads and the folders in IRS_DATA_DIRS.
    """
    folders = data_folders(root)
    found = _within(path, folders)
    # Joined as readers join them: an absolute split takes the place of the root.
    if found is None or _within(str(found / split), folders) is None:
        said = f"{path!r}, split {split!r}" if split else f"{path!r}"
        raise DatasetError(
            f"the app reads data below folders listed in {DATA_DIRS} only; {said} is below none "
            "of them: list its folder there, or upload the data"
        )
    return found


def data_folders(root: Path) -> tuple[Path, ...]:
    """Folders below which the app reads data: the uploads, and what IRS_DATA_DIRS lists."""
    return (uploads_folder(root).resolve(), *listed_folders(DATA_DIRS))


def model_folders(root: Path) -> tuple[Path, ...]:
    """Folders below which the app reads models: the uploads, and what IRS_MODEL_DIRS lists."""
    return (uploads_folder(root).resolve(), *listed_folders(MODEL_DIRS))


def upload_limit() -> int:
    """Bytes that one upload may have: IRS_UPLOAD_MB, or 200 MB.

    Raises:
        SpecError: The variable is no positive number.
    """
    text = os.environ.get(UPLOAD_MB, str(_DEFAULT_MB))
    if not text.isdecimal() or int(text) < 1:
        raise SpecError(f"{UPLOAD_MB} must be a whole number of megabytes; got {text!r}")
    return int(text) * 1_000_000


def keep_upload(
    root: Path, files: Sequence[tuple[str, bytes]], check: Callable[[Path], object]
) -> Upload:
    """Keep a model that somebody uploads: one file, or an IR with its .bin, or ONNX with data.

    Args:
        root: The store.
        files: Names and contents.
        check: Reads the main file, raising what is wrong with it; it must run nothing of it.

    Raises:
        CheckpointError: A name or the content is refused; nothing is kept.
        SpecError: It is too large or empty.
        StoreError: The disk refuses.
    """
    _check_names([name for name, _ in files])
    main = next(name for name, _ in files if name.lower().endswith(_MAIN))
    return _keep(root, files, main, check)


def keep_trained(root: Path, files: Sequence[tuple[str, bytes]]) -> Upload:
    """Keep what was trained here: its weights, and what belongs to them, as an upload.

    Args:
        root: The store.
        files: Names and contents, the weights first.

    Raises:
        StoreError: The disk refuses.
    """
    return _stored(root, files, files[0][0], lambda _: None)


def keep_data(root: Path, name: str, content: bytes, check: Callable[[Path], object]) -> Upload:
    """Keep a data set that somebody uploads: one .npz file.

    Args:
        root: The store.
        check: Reads the file, raising what is wrong with it.

    Raises:
        DatasetError: The name or the content is refused; nothing is kept.
        SpecError: It is too large or empty.
        StoreError: The disk refuses.
    """
    if not _NAME.fullmatch(name) or not name.lower().endswith(DATA_SUFFIX):
        raise DatasetError(
            "the file name of a data set has letters, digits and ._-()[]+= and ends with "
            f"{DATA_SUFFIX}; got {name[:80]!r}"
        )
    return _keep(root, [(name, content)], name, check)


def _keep(
    root: Path, files: Sequence[tuple[str, bytes]], main: str, check: Callable[[Path], object]
) -> Upload:
    size = sum(len(content) for _, content in files)
    if not size or size > upload_limit():
        raise SpecError(f"an upload may have 1 to {upload_limit()} bytes; this one has {size}")
    return _stored(root, files, main, check)


def _stored(
    root: Path, files: Sequence[tuple[str, bytes]], main: str, check: Callable[[Path], object]
) -> Upload:
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files}
    folder = uploads_folder(root) / _folder_name(digests)
    fresh = False
    if not folder.is_dir():
        # Checked outside the uploads, so that nothing that was refused can be named.
        trial = root / "incoming" / uuid.uuid4().hex
        try:
            for name, content in files:
                write_bytes(trial / name, content)
            check(trial / main)
            folder.parent.mkdir(parents=True, exist_ok=True)
            fresh = _became(trial, folder)
        except OSError as error:
            raise StoreError(f"cannot keep {main}: {reason(error)}") from None
        finally:
            shutil.rmtree(trial, ignore_errors=True)
    size = sum(len(content) for _, content in files)
    return Upload(folder / main, _digest(digests), size, fresh)


def _folder_name(digests: Mapping[str, str]) -> str:
    # Names belong to it: a graph finds the data beside it by name, and so does whoever uploads it.
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()[:16]


def _digest(digests: Mapping[str, str]) -> str:
    first, *others = sorted(digests.values())
    return hashlib.sha256(" ".join((first, *others)).encode()).hexdigest() if others else first


def _became(trial: Path, folder: Path) -> bool:
    """Give a folder its name; False where another one with the same files has it by then."""
    try:
        trial.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        return False
    return True


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if not _NAME.fullmatch(name) or not name.lower().endswith(MODEL_SUFFIXES):
            raise CheckpointError(
                f"a model's file name has letters, digits and ._-()[]+= and ends with one of "
                f"{', '.join(MODEL_SUFFIXES)}; got {name[:80]!r}"
            )
    if len(set(names)) != len(names) or sum(n.lower().endswith(_MAIN) for n in names) != 1:
        raise CheckpointError("give one model at a time: its file, and what belongs to it")


def _within(path: str, folders: Sequence[Path]) -> Path | None:
    try:
        found = Path(path).expanduser().resolve()
    except (OSError, ValueError, RuntimeError):
        return None
    return found if any(found.is_relative_to(folder) for folder in folders) else None
