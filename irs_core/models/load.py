"""From a model specification to a network that takes [0, 1] images."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from irs_core.errors import CheckpointError, UnknownKeyError
from irs_core.graphs import is_graph_file
from irs_core.integer.carrier import Carrier
from irs_core.integer.files import ARCH, read_network
from irs_core.models.card import read_card
from irs_core.models.checkpoint import Checkpoint, read_checkpoint
from irs_core.models.digest import state_digest
from irs_core.models.graph import load_graph
from irs_core.models.normalize import NormalizeLayer
from irs_core.models.objects import adopted, is_object
from irs_core.models.registry import Architecture, build, find_architecture
from irs_core.spec.study import MAX_CLASSES, ModelSpec

SHIPPED_PREFIX = "shipped:"
MAX_CHANNELS = 4096
_SHIPPED = Path(__file__).parent / "shipped"
# Files older than PyTorch 0.4.1 lack this counter, which inference does not use.
_OPTIONAL = "num_batches_tracked"


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A base classifier, ready to predict.

    Args:
        module: In evaluation mode, on the CPU (a `GraphModule` for a graph file, which only
            predictors run); takes float32 [0, 1] images (B, C, H, W) and
            gives scores (B, num_classes). Normalisation, if any, is its first layer.
        arch: Canonical architecture name; `onnx` or `openvino` where a graph file is its own.
        num_classes: Number of scores.
        input_shape: (C, H, W), or None where the file and the architecture leave it open.
        digest: SHA-256 of architecture, normalisation and weights; the key of stored evidence.
        parameters: Number of trainable numbers.
        size_bytes: Bytes of the state dict.
        mean, std: The normalisation inside; None for none.
    """

    module: nn.Module
    arch: str
    num_classes: int
    input_shape: tuple[int, int, int] | None
    digest: str
    parameters: int
    size_bytes: int
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


def load_model(spec: ModelSpec) -> LoadedModel:
    """Read weights into their architecture and check that they fit.

    What the specification says comes first, then what the file says. A file whose network
    begins with a normalisation layer without numbers (prefix `1.`, Cohen et al. 2019) gets its
    architecture's usual normalisation; any other silent file gets none.

    Raises:
        CheckpointError: Weights missing, unreadable, not finite, or not those of the
            architecture.
        UnknownKeyError: No such architecture or shipped model.
    """
    if is_object(spec.weights):
        return _load_object(spec)
    if is_graph_file(spec.weights):
        return _load_graph(spec)
    if spec.output is not None:
        raise CheckpointError(f"only graph files have outputs by name; got {spec.output!r}")
    checkpoint = read_checkpoint(_weights_path(spec.weights))
    if checkpoint.arch == ARCH:
        return _load_integer(spec, checkpoint)
    arch = spec.arch or checkpoint.arch
    if arch is None:
        name = Path(spec.weights).name
        raise CheckpointError(f"{name} names no architecture; give one with the model")
    architecture = _architecture(arch, named_by_file=spec.arch is None)
    num_classes = spec.num_classes or checkpoint.num_classes or _classes(architecture, checkpoint)
    if not 2 <= num_classes <= MAX_CLASSES:
        raise CheckpointError(f"a model has 2 to {MAX_CLASSES} classes; got {num_classes}")
    channels = _in_channels(architecture, checkpoint)
    network = build(architecture.name, num_classes, channels)
    _fill(network, checkpoint.state, architecture.name)
    mean, std = _normalisation(spec, checkpoint, architecture, channels)
    return LoadedModel(
        module=with_normalisation(network, mean, std).eval(),
        arch=architecture.name,
        num_classes=num_classes,
        input_shape=_input_shape(architecture, checkpoint, channels),
        digest=model_digest(network, arch=architecture.name, mean=mean, std=std),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        size_bytes=sum(value.nbytes for value in network.state_dict().values()),
        mean=mean,
        std=std,
    )


def _load_object(spec: ModelSpec) -> LoadedModel:
    if spec.arch is not None or spec.mean is not None or spec.num_classes is None:
        raise CheckpointError(
            "an object has its own architecture and normalisation, and its number of classes must "
            f"be named; got {spec}"
        )
    module = adopted(spec.weights)
    return LoadedModel(
        module=module,
        arch="object",
        num_classes=spec.num_classes,
        input_shape=None,
        digest=hashlib.sha256(spec.weights.encode()).hexdigest(),
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        size_bytes=sum(value.nbytes for value in module.state_dict().values()),
    )


def _load_integer(spec: ModelSpec, checkpoint: Checkpoint) -> LoadedModel:
    if spec.arch is not None or spec.mean is not None:
        raise CheckpointError(
            f"{Path(spec.weights).name} is an integer network, which is its own architecture and "
            "normalises by itself; got an architecture or a normalisation as well"
        )
    network = read_network(_weights_path(spec.weights))
    if spec.num_classes not in (None, network.classes):
        raise CheckpointError(
            f"{Path(spec.weights).name} has {network.classes} classes; got {spec.num_classes}"
        )
    return LoadedModel(
        module=Carrier(network).eval(),
        arch=ARCH,
        num_classes=network.classes,
        input_shape=network.input_shape,
        digest=network.digest,
        parameters=sum(value.numel() for value in checkpoint.state.values()),
        size_bytes=network.size_bytes,
    )


def _load_graph(spec: ModelSpec) -> LoadedModel:
    if spec.arch is not None:
        raise CheckpointError(
            f"{Path(spec.weights).name} is its own architecture; got {spec.arch} as well"
        )
    found = load_graph(
        Path(spec.weights),
        num_classes=spec.num_classes,
        mean=spec.mean,
        std=spec.std,
        output=spec.output,
    )
    file = found.module.file
    return LoadedModel(
        module=found.module,
        arch=file.format,
        num_classes=found.num_classes,
        input_shape=found.input_shape,
        digest=found.digest,
        parameters=file.facts.parameters,
        size_bytes=file.size_bytes,
        mean=spec.mean,
        std=spec.std,
    )


def shipped_models() -> dict[str, dict[str, Any]]:
    """The models that come with the package: card by name, for `shipped:NAME`."""
    files = sorted(_SHIPPED.glob("*.safetensors"))
    return {file.stem: read_card(file.with_suffix(".json")) for file in files}


def model_digest(
    network: nn.Module,
    *,
    arch: str,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
) -> str:
    """SHA-256 (hexadecimal) of a network: equal weights, equal digest, whatever the file format.

    It covers the architecture name, the normalisation and each tensor's name, type, shape and
    bytes, in the order of the names.
    """
    head = {"arch": arch, "mean": mean and list(mean), "std": std and list(std)}
    return state_digest(network, json.dumps(head, sort_keys=True))


def with_normalisation(
    network: nn.Module, mean: tuple[float, ...] | None, std: tuple[float, ...] | None
) -> nn.Module:
    """The network behind a normalisation layer; the network itself where there is none."""
    if mean is None or std is None:
        return network
    layers = [("normalize", NormalizeLayer(mean, std)), ("network", network)]
    return nn.Sequential(OrderedDict(layers))


def _weights_path(weights: str) -> Path:
    if not weights.startswith(SHIPPED_PREFIX):
        return Path(weights).expanduser()
    name = weights.removeprefix(SHIPPED_PREFIX)
    known = sorted(file.stem for file in _SHIPPED.glob("*.safetensors"))
    if name not in known:
        raise UnknownKeyError(f"unknown shipped model {name!r}; known: {', '.join(known)}")
    return _SHIPPED / f"{name}.safetensors"


def _architecture(name: str, *, named_by_file: bool) -> Architecture:
    try:
        return find_architecture(name)
    except UnknownKeyError as error:
        if named_by_file:
            raise CheckpointError(f"the weights file names an {error}") from None
        raise


def _classes(architecture: Architecture, checkpoint: Checkpoint) -> int:
    """The number of classes, read from the tensor whose shape depends on it."""
    with torch.device("meta"):
        two = architecture.make(2, architecture.in_channels).state_dict()
        three = architecture.make(3, architecture.in_channels).state_dict()
    found = _differing_size(two, three, checkpoint.state)
    if found is None or not 2 <= found <= MAX_CLASSES:
        raise CheckpointError(
            f"cannot tell the number of classes of these {architecture.name} weights; give it"
        )
    return found


def _in_channels(architecture: Architecture, checkpoint: Checkpoint) -> int:
    if checkpoint.input_shape is not None:
        return checkpoint.input_shape[0]
    if architecture.fixed_channels:
        return architecture.in_channels
    with torch.device("meta"):
        one, two = (architecture.make(2, channels).state_dict() for channels in (1, 2))
    found = _differing_size(one, two, checkpoint.state) or architecture.in_channels
    if found > MAX_CHANNELS:
        raise CheckpointError(f"a model takes at most {MAX_CHANNELS} channels; got {found}")
    return found


def _differing_size(
    first: Mapping[str, Tensor], second: Mapping[str, Tensor], state: Mapping[str, Tensor]
) -> int | None:
    for name, tensor in first.items():
        other = second[name].shape
        for axis, size in enumerate(tensor.shape):
            if size != other[axis] and name in state and state[name].ndim == tensor.ndim:
                return int(state[name].shape[axis])
    return None


def _input_shape(
    architecture: Architecture, checkpoint: Checkpoint, channels: int
) -> tuple[int, int, int] | None:
    if checkpoint.input_shape is not None or architecture.input_shape is None:
        return checkpoint.input_shape
    return (channels, *architecture.input_shape[1:])


def _normalisation(
    spec: ModelSpec, checkpoint: Checkpoint, architecture: Architecture, channels: int
) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    mean, std = spec.mean, spec.std
    if mean is None:
        mean, std = checkpoint.mean, checkpoint.std
    if mean is None and checkpoint.normalized:
        mean, std = architecture.mean, architecture.std
    if mean is None and std is None:
        return None, None
    if mean is None or std is None or {len(mean), len(std)} != {channels} or not min(std) > 0:
        raise CheckpointError(
            f"normalisation needs {channels} means and {channels} positive stds; "
            f"got mean={mean}, std={std}"
        )
    return mean, std


def _fill(network: nn.Module, state: Mapping[str, Tensor], arch: str) -> None:
    expected = network.state_dict()
    missing = [n for n in expected if n not in state and not n.endswith(_OPTIONAL)]
    extra = [name for name in state if name not in expected]
    for what, names in (("lack", missing), ("have the unexpected", extra)):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise CheckpointError(f"weights do not fit {arch}: they {what} {names[0]}{more}")
    for name, value in state.items():
        if value.shape != expected[name].shape:
            raise CheckpointError(
                f"weights do not fit {arch}: {name} must have shape "
                f"{tuple(expected[name].shape)}; got {tuple(value.shape)}"
            )
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise CheckpointError(f"weights must be finite; got NaN or infinity in {name}")
    network.load_state_dict(dict(state), strict=False)
