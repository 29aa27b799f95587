"""Weights files, read without ever running code from them.

Two formats: safetensors, whose metadata name the architecture and the normalisation, and
PyTorch files (`torch.load(weights_only=True)`) that hold a state dict, either bare or under
`state_dict` beside `arch` as Cohen et al. 2019 publish them.
"""

import json
import struct
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from irs_core.errors import CheckpointError

_MAX_SIDE = 4096
_MEAN_KEYS = {"0.mean", "0.means"}
_STD_KEYS = {"0.std", "0.stds", "0.sds"}


@dataclass(frozen=True)
class Checkpoint:
    """What a weights file holds.

    Args:
        state: Tensors on the CPU by the names that the architecture uses.
        arch, num_classes, mean, std, input_shape: What the file says; None where it is silent.
        normalized: True where a normalisation layer comes first in the file's network without
            its numbers, so that those of the architecture's family apply.
    """

    state: Mapping[str, Tensor]
    arch: str | None = None
    num_classes: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    input_shape: tuple[int, int, int] | None = None
    normalized: bool = False


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a weights file of either format; the content decides which, not the suffix.

    Raises:
        CheckpointError: The file is missing, corrupt, or holds anything but tensors and plain
            values.
    """
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except OSError as error:
        raise CheckpointError(f"cannot read weights file {path}: {error.strerror}") from None
    if len(head) == 9 and head[8:] == b"{" and struct.unpack("<Q", head[:8])[0] < 1 << 32:
        return _read_safetensors(path)
    return _read_torch(path)


def _read_safetensors(path: Path) -> Checkpoint:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = dict(file.metadata() or {})
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path.name} is no valid safetensors file: {error}") from None
    fields = {key: _decode(text) for key, text in metadata.items()}
    state, mean, std, normalized = _strip(state)
    try:
        return Checkpoint(
            state=state,
            arch=None if fields.get("arch") is None else str(fields["arch"]),
            num_classes=None if fields.get("num_classes") is None else int(fields["num_classes"]),
            mean=_numbers(fields.get("mean")) or mean,
            std=_numbers(fields.get("std")) or std,
            normalized=normalized,
            input_shape=_shape(fields.get("input_shape")),
        )
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path.name} has metadata of the wrong type: {error}") from None


def _read_torch(path: Path) -> Checkpoint:
    _check_archive(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load has no documented set of errors for bad files
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise CheckpointError(
            f"{path.name} is corrupt or holds objects other than tensors, which are never loaded"
            f" ({_shortened(reason)})"
        ) from None
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{path.name} must hold a state dict; got {type(content).__name__}")
    arch = content.get("arch") if "state_dict" in content else None
    tensors = content.get("state_dict", content)
    if not isinstance(tensors, Mapping) or not tensors or not _only_tensors(tensors):
        raise CheckpointError(f"{path.name} must hold a state dict of tensors by name")
    state, mean, std, normalized = _strip(tensors)
    return Checkpoint(
        state, arch if isinstance(arch, str) else None, mean=mean, std=std, normalized=normalized
    )


def _check_archive(path: Path) -> None:
    """Refuse zip files that would unpack to more than they are; PyTorch packs nothing."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise CheckpointError(f"{path.name} is corrupt: {error}") from None
    packed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
    if packed or sum(entry.file_size for entry in entries) > path.stat().st_size:
        raise CheckpointError(f"{path.name} is packed as PyTorch packs no file; save it again")


def _only_tensors(values: Mapping[Any, Any]) -> bool:
    return all(isinstance(key, str) and isinstance(value, Tensor) for key, value in values.items())


def _strip(
    tensors: Mapping[str, Tensor],
) -> tuple[dict[str, Tensor], tuple[float, ...] | None, tuple[float, ...] | None, bool]:
    """State without wrapper prefixes, the mean and std found, and whether a layer came first."""
    state, normalized = dict(tensors), False
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    while True:
        if _all_start(state, "module."):
            state = {name.removeprefix("module."): value for name, value in state.items()}
            continue
        rest = {k: v for k, v in state.items() if k not in _MEAN_KEYS | _STD_KEYS}
        if not _all_start(rest, "1."):
            return state, mean, std, normalized
        mean = _first(state, _MEAN_KEYS) or mean
        std = _first(state, _STD_KEYS) or std
        normalized = True
        state = {name.removeprefix("1."): value for name, value in rest.items()}


def _all_start(names: Iterable[str], prefix: str) -> bool:
    names = list(names)
    return bool(names) and all(name.startswith(prefix) for name in names)


def _first(state: Mapping[str, Tensor], keys: set[str]) -> tuple[float, ...] | None:
    found = [state[key] for key in sorted(keys & set(state))]
    return tuple(float(value) for value in found[0].flatten().tolist()) if found else None


def _decode(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
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


def _shortened(reason: list[str]) -> str:
    named = [line.strip() for line in reason if "GLOBAL" in line]
    text = (named or reason)[0]
    return text if len(text) <= 160 else f"{text[:157]}..."
