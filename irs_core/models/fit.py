"""Weights of a file put into their architecture: names, classes, channels, normalisation."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from irs_core.errors import CheckpointError
from irs_core.models.checkpoint import Checkpoint
from irs_core.models.normalize import Numbers
from irs_core.models.registry import Architecture
from irs_core.models.reparametrised import plain_weights
from irs_core.models.wrappers import ELSEWHERE, Named, depths
from irs_core.spec.study import MAX_CLASSES, ModelSpec

MAX_CHANNELS = 4096
# Files older than PyTorch 0.4.1 lack this counter, which inference does not use.
_OPTIONAL = "num_batches_tracked"


@dataclass(frozen=True)
class Fitted:
    """A file's weights by the names of its architecture.

    Args:
        mean, std: The normalisation that the file gives in numbers; None where it is silent.
        second: Whether the file's network begins with a layer without numbers.
    """

    state: Mapping[str, Tensor]
    mean: Numbers
    std: Numbers
    second: bool


def fitted(checkpoint: Checkpoint, expected: Mapping[str, Tensor]) -> Fitted:
    """The weights without wrappers, prefixes, masks and parametrizations.

    Args:
        expected: The architecture's state; only its names count.

    Raises:
        CheckpointError: Weights are kept in a way that is not known.
    """
    needed = {name for name in expected if not name.endswith(_OPTIONAL)}

    def lacks(named: Named) -> tuple[int, int]:
        names = _names(named, expected)
        return len(needed - names), len(names - expected.keys())

    # The first of those that fit best: without what the tables know, at last without any prefix.
    chosen = min(depths(checkpoint.state), key=lacks)
    state = plain_weights(chosen.state, expected)
    return Fitted(
        {name: state[name] for name in state},
        checkpoint.mean or chosen.mean,
        checkpoint.std or chosen.std,
        chosen.second,
    )


def _names(named: Named, expected: Mapping[str, Tensor]) -> set[str]:
    try:
        return set(plain_weights(named.state, expected))
    except CheckpointError:
        # It says the same, and why, when it is chosen.
        return set(named.state)


def architecture_state(architecture: Architecture) -> Mapping[str, Tensor]:
    """The tensors of an architecture, without memory for them."""
    return _meta(lambda: architecture.make(2, architecture.in_channels))


def class_count(architecture: Architecture, state: Mapping[str, Tensor]) -> int:
    """The number of classes, read from the tensor whose shape depends on it.

    Raises:
        CheckpointError: No tensor says so.
    """
    two = architecture_state(architecture)
    three = _meta(lambda: architecture.make(3, architecture.in_channels))
    found = _differing_size(two, three, state)
    if found is None:
        check_names(two, state, architecture.name)
    if found is None or not 2 <= found <= MAX_CLASSES:
        raise CheckpointError(
            f"cannot tell the number of classes of these {architecture.name} weights; give it"
        )
    return found


def channel_count(
    architecture: Architecture, checkpoint: Checkpoint, state: Mapping[str, Tensor]
) -> int:
    """The number of input channels, from the file or its first tensor.

    Raises:
        CheckpointError: There are more than `MAX_CHANNELS`.
    """
    if checkpoint.input_shape is not None:
        return checkpoint.input_shape[0]
    return channels_of(architecture, state)


def channels_of(architecture: Architecture, state: Mapping[str, Tensor]) -> int:
    """The number of input channels that weights of an architecture take.

    Raises:
        CheckpointError: There are more than `MAX_CHANNELS`.
    """
    if architecture.fixed_channels:
        return architecture.in_channels
    one, two = (_meta(lambda n=n: architecture.make(2, n)) for n in (1, 2))  # type: ignore[misc]
    found = _differing_size(one, two, state) or architecture.in_channels
    if found > MAX_CHANNELS:
        raise CheckpointError(f"a model takes at most {MAX_CHANNELS} channels; got {found}")
    return found


def normalisation(
    spec: ModelSpec,
    checkpoint: Checkpoint,
    found: Fitted,
    architecture: Architecture,
    channels: int,
) -> tuple[Numbers, Numbers]:
    """Mean and std inside the model: as asked for, else as the file says, else none.

    A file as Cohen et al. 2019 publish them names its architecture and begins with a layer without
    numbers; it gets the numbers that they use with that architecture. Any other first layer without
    numbers is asked for.

    Raises:
        CheckpointError: They do not fit the channels, or are needed and not known.
    """
    mean, std = spec.mean, spec.std
    if mean is None:
        mean, std = (_per_channel(values, channels) for values in (found.mean, found.std))
        if spec.reversed:
            # Numbers of the file are in the order of its own channels.
            mean, std = (values and values[::-1] for values in (mean, std))
    if mean is None and found.second:
        if checkpoint.arch is None:
            raise CheckpointError(
                "the network in this file comes second behind a layer without numbers, probably a "
                "normalisation; give its mean and std, or mean 0 and std 1 where it is none"
            )
        mean, std = architecture.mean, architecture.std
    if mean is None and std is None:
        return None, None
    numbers = (*(mean or ()), *(std or ()))
    if (
        mean is None
        or std is None
        or {len(mean), len(std)} != {channels}
        or not min(std) > 0
        or not all(map(math.isfinite, numbers))
    ):
        raise CheckpointError(
            f"normalisation needs {channels} means and {channels} positive stds; "
            f"got mean={mean}, std={std}"
        )
    return mean, std


def _per_channel(values: Numbers, channels: int) -> Numbers:
    return values * channels if values is not None and len(values) == 1 else values


def fill(network: nn.Module, state: Mapping[str, Tensor], arch: str) -> None:
    """Put weights into a network, every one of them and nothing else.

    Raises:
        CheckpointError: Names or shapes differ, or a number is not finite.
    """
    expected = network.state_dict()
    check_names(expected, state, arch)
    for name, value in state.items():
        if value.shape != expected[name].shape:
            raise CheckpointError(
                f"weights do not fit {arch}: {name} must have shape "
                f"{tuple(expected[name].shape)}; got {tuple(value.shape)}"
            )
        if value.is_quantized:
            raise CheckpointError(f"{name} is a quantised weight, {ELSEWHERE}")
        if value.is_floating_point() != expected[name].is_floating_point():
            kind = str(value.dtype).removeprefix("torch.")
            raise CheckpointError(f"{name} holds numbers of type {kind}, {ELSEWHERE}")
        if value.layout is not torch.strided or value.is_meta:
            raise CheckpointError(f"{name} is sparse or without content; save it as a plain tensor")
        if value.is_floating_point() and not bool(torch.isfinite(value.float()).all()):
            raise CheckpointError(f"weights must be finite; got NaN or infinity in {name}")
    network.load_state_dict(dict(state), strict=False)


def check_names(expected: Mapping[str, Tensor], state: Mapping[str, Tensor], arch: str) -> None:
    """Refuse weights that lack some of an architecture, or have others.

    Raises:
        CheckpointError: They do.
    """
    missing = [n for n in expected if n not in state and not n.endswith(_OPTIONAL)]
    extra = [name for name in state if name not in expected]
    for what, names in (("lack", missing), ("have the unexpected", extra)):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise CheckpointError(f"weights do not fit {arch}: they {what} {names[0]}{more}")


class _Uninitialised(TorchFunctionMode):
    """Leaves weights as they are made: filling ones without storage loads torch's compiler, which
    takes a second."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call all functions but those that initialise."""
        given = dict(kwargs or {})
        if getattr(func, "__module__", "") == "torch.nn.init":
            return given["tensor"] if "tensor" in given else args[0]
        return func(*args, **given)


def _meta(make: Callable[[], nn.Module]) -> Mapping[str, Tensor]:
    with torch.device("meta"), _Uninitialised():
        return make().state_dict()


def _differing_size(
    first: Mapping[str, Tensor], second: Mapping[str, Tensor], state: Mapping[str, Tensor]
) -> int | None:
    for name, tensor in first.items():
        other = second[name].shape
        for axis, size in enumerate(tensor.shape):
            if size != other[axis] and name in state and state[name].ndim == tensor.ndim:
                return int(state[name].shape[axis])
    return None
