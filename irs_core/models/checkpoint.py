"""Weights files, read without ever running code from them.

Two formats: safetensors, whose metadata name the architecture and the normalisation, and
PyTorch files (`torch.load(weights_only=True)`) that hold a state dict, bare or under one of the
usual names. Objects beside it, such as the options of a training script, are passed over.
"""

import json
import struct
import zipfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from irs_core.errors import CheckpointError, first_line, reason
from irs_core.models.recognise import EXPORT, is_torchscript, refuse_other_kinds
from irs_core.models.wrappers import ELSEWHERE, unwrapped
from irs_core.sandbox.opening import opened, pinned

_MAX_SIDE = 4096
# Names of what numpy pickles a scalar with, in files of the older format, which cannot be searched.
_OLD_FORMAT = (
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
    "argparse.Namespace",
)


@dataclass(frozen=True)
class Checkpoint:
    """What a weights file holds.

    Args:
        state: Tensors on the CPU by the names of the file.
        arch, num_classes, mean, std, input_shape: What the file says beside them; None where it
            is silent.
    """

    state: Mapping[str, Tensor]
    arch: str | None = None
    num_classes: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    input_shape: tuple[int, int, int] | None = None


class StandIn:
    """What takes the place of a pickled object: it does nothing and keeps nothing.

    Attributes:
        of: The full name of the type or function that it stands for.
    """

    of = ""

    def __new__(cls, *_: Any, **__: Any) -> "StandIn":
        """An object, whatever the arguments of the other were."""
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        """Pass over what the other would have become."""


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a weights file of either format; the content decides which, not the suffix.

    Raises:
        CheckpointError: The file is missing, corrupt, or its weights are anything but tensors.
    """
    try:
        with opened(path) as file:
            head = file.read(9)
    except OSError as error:
        raise CheckpointError(f"cannot read weights file {path}: {reason(error)}") from None
    if len(head) == 9 and head[8:] == b"{" and struct.unpack("<Q", head[:8])[0] < 1 << 32:
        return _read_safetensors(path)
    return _read_torch(path)


def _read_safetensors(path: Path) -> Checkpoint:
    try:
        with pinned(path) as place, safe_open(place, framework="pt", device="cpu") as file:
            metadata = dict(file.metadata() or {})
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path.name} is no valid safetensors file: {reason(error)}"
        ) from None
    fields = {key: _decode(text) for key, text in metadata.items()}
    try:
        return Checkpoint(
            state=state,
            arch=None if fields.get("arch") is None else str(fields["arch"]),
            num_classes=None if fields.get("num_classes") is None else int(fields["num_classes"]),
            mean=_numbers(fields.get("mean")),
            std=_numbers(fields.get("std")),
            input_shape=_shape(fields.get("input_shape")),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"{path.name} has metadata of the wrong type: {error}") from None


def _read_torch(path: Path) -> Checkpoint:
    refuse_other_kinds(path)
    if is_torchscript(path):
        raise CheckpointError(
            f"{path.name} is a TorchScript program, which is run only where somebody names it on "
            f"the command line or in a notebook: name it there, or {EXPORT}"
        )
    names: list[str] = []
    try:
        with pinned(path) as place:
            _check_archive(place, path.name)
            names = _foreign_names(place)
            with _stand_ins(names):
                content = torch.load(place, map_location="cpu", weights_only=True)
    except CheckpointError:
        raise
    except Exception as error:  # torch.load has no documented set of errors for bad files
        quantised = next((name for name in names if name.startswith("torchao")), None)
        if quantised is not None:
            raise CheckpointError(
                f"{path.name} holds weights as objects of {quantised}, {ELSEWHERE}"
            ) from None
        raise CheckpointError(
            f"{path.name} is corrupt or holds objects other than tensors, which are never loaded"
            f" ({_shortened(error)})"
        ) from None
    if isinstance(content, StandIn):
        raise CheckpointError(
            f"{path.name} holds an object of {content.of}, and pickled objects are never loaded: "
            f"save its state_dict() instead, or {EXPORT}"
        )
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{path.name} must hold a state dict; got {type(content).__name__}")
    arch = content.get("arch")
    return Checkpoint(
        unwrapped(path.name, content, StandIn), arch if isinstance(arch, str) else None
    )


def _foreign_names(path: str) -> list[str]:
    """Types and functions that a file names and PyTorch would not load, as far as can be told."""
    if not zipfile.is_zipfile(path):
        return list(_OLD_FORMAT)
    try:
        return torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception:  # damaged or of another kind; loading says how
        return []


def _stand_ins(names: list[str]) -> AbstractContextManager[None]:
    """Lets objects beside the weights be read as stand-ins, so that none of their code runs."""
    known = [(type("StandIn", (StandIn,), {"of": name}), name) for name in names]
    return torch.serialization.safe_globals(known)  # type: ignore[arg-type]


def _check_archive(path: str, name: str) -> None:
    """Refuse zip files that would unpack to more than they are; PyTorch packs nothing."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise CheckpointError(f"{name} is corrupt: {reason(error)}") from None
    packed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
    if packed or sum(entry.file_size for entry in entries) > Path(path).stat().st_size:
        raise CheckpointError(f"{name} is packed as PyTorch packs no file; save it again")


def _decode(text: str) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return text


def _numbers(value: Any) -> tuple[float, ...] | None:
    return None if value is None else tuple(float(number) for number in value)


def _shape(value: Any) -> tuple[int, int, int] | None:
    if value is None:
        return None
    channels, height, width = (int(number) for number in value)
    if not (1 <= channels <= _MAX_SIDE and 1 <= height <= _MAX_SIDE and 1 <= width <= _MAX_SIDE):
        raise ValueError(f"each side of an input must be in [1, {_MAX_SIDE}]; got {value}")
    return channels, height, width


def _shortened(error: Exception) -> str:
    named = [line.strip() for line in str(error).splitlines() if "GLOBAL" in line]
    text = named[0] if named else first_line(error)
    return text if len(text) <= 160 else f"{text[:157]}..."
