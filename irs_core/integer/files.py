"""Integer networks in safetensors files: int8 and int32 arrays, the structure as metadata."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save

from irs_core.errors import ApproximationError, CheckpointError, reason
from irs_core.integer.network import (
    ConvTerm,
    IntegerNetwork,
    Layer,
    PoolTerm,
    SkipTerm,
    Term,
    tensor_shapes,
)
from irs_core.sandbox.opening import content_of, pinned

# What the metadata of such a file give as the architecture.
ARCH = "integer"


def to_bytes(network: IntegerNetwork, metadata: Mapping[str, Any] | None = None) -> bytes:
    """The network as a safetensors file.

    Args:
        metadata: More fields for the file's metadata, JSON-serialisable.
    """
    described = {"arch": ARCH, "structure": network.structure(), **(metadata or {})}
    arrays = {name: np.ascontiguousarray(array) for name, array in network.arrays()}
    return save(arrays, {key: json.dumps(value) for key, value in described.items()})


def write_network(
    path: Path, network: IntegerNetwork, metadata: Mapping[str, Any] | None = None
) -> None:
    """Write a network to a file, whole or not at all."""
    partial = path.with_suffix(".tmp")
    partial.write_bytes(to_bytes(network, metadata))
    partial.replace(path)


def is_network(path: Path) -> bool:
    """Whether a file is a safetensors file that calls itself an integer network."""
    try:
        with pinned(path) as place, safe_open(place, framework="np") as file:
            return (file.metadata() or {}).get("arch") == json.dumps(ARCH)
    except (SafetensorError, OSError):
        return False


def read_network(path: Path) -> IntegerNetwork:
    """The network in a file.

    Raises:
        CheckpointError: The file is missing, damaged or holds no integer network.
    """
    try:
        content = content_of(path)
    except OSError as error:
        raise CheckpointError(f"cannot read weights file {path}: {reason(error)}") from None
    try:
        return from_bytes(content)
    except CheckpointError as error:
        raise CheckpointError(f"{path.name} is {error}") from None


def from_bytes(content: bytes) -> IntegerNetwork:
    """The network that `to_bytes` wrote; every field is checked.

    Raises:
        CheckpointError: The content is damaged or no integer network.
    """
    try:
        head = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + head])["__metadata__"]
        structure = json.loads(metadata["structure"])
        arrays = load(content)
        network = IntegerNetwork(
            tuple(
                _layer(number, described, arrays)
                for number, described in enumerate(structure["layers"])
            ),
            int(structure["scale"]),
            _shape(structure["input_shape"]),
        )
        if tensor_shapes(network)[-1][1:] != (1, 1):
            raise ValueError("its scores are maps, not one number per class")
    except ApproximationError as error:
        raise CheckpointError(f"not a valid integer network: {error}") from None
    except Exception as error:  # a forged file may break any step
        raise CheckpointError(
            f"not a valid integer network: {type(error).__name__} {error}"
        ) from None
    return network


def _layer(number: int, described: Mapping[str, Any], arrays: Mapping[str, Any]) -> Layer:
    terms = tuple(
        _term(f"{number}.{place}", term, number, arrays)
        for place, term in enumerate(described["terms"])
    )
    bias, divisor = (
        _array(arrays[f"{number}.{name}"], np.int32, 1) for name in ("bias", "divisor")
    )
    if len(bias) != len(divisor) or not terms or divisor.min() < 1:
        raise ValueError(f"layer {number} is malformed")
    return Layer(terms, bias, divisor, int(described["low"]), int(described["high"]))


def _term(name: str, described: Mapping[str, Any], number: int, arrays: Mapping[str, Any]) -> Term:
    source = int(described["source"])
    if not 0 <= source <= number:
        raise ValueError(f"term {name} reads a tensor that comes later")
    if described["kind"] == "pool":
        return PoolTerm(source)
    if described["kind"] == "skip":
        return SkipTerm(source, _array(arrays[f"{name}.gain"], np.int32, 1))
    weight = _array(arrays[f"{name}.weight"], np.int8, 4)
    stride, padding = int(described["stride"]), int(described["padding"])
    if stride < 1 or not 0 <= padding < min(weight.shape[2:]):
        raise ValueError(f"term {name} has stride {stride} and padding {padding}")
    return ConvTerm(source, weight, stride, padding)


def _array(array: Any, dtype: type, dimensions: int) -> NDArray[Any]:
    if array.dtype != dtype or array.ndim != dimensions or not array.size:
        raise ValueError(f"an array must be {dtype.__name__} with {dimensions} dimensions")
    return np.asarray(array)


def _shape(values: Any) -> tuple[int, int, int]:
    channels, height, width = (int(value) for value in values)
    if min(channels, height, width) < 1:
        raise ValueError("the input shape must be positive")
    return channels, height, width
