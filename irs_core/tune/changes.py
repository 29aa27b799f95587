"""Layers with one treatment each, as they take the place of the original's in a pass."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from irs_core.approx.layers import Weighted, state_bytes, weighted_layers
from irs_core.approx.mixed import (
    kept_channels,
    loses_channels,
    mixed_size,
    on_grid,
    reshaped,
    treated,
)
from irs_core.errors import ApproximationError
from irs_core.models.resnet import BasicBlock
from irs_core.spec.mixed import Treatment, mixed

_INT8_MOST, _LEVELS = 127, 255
Range = tuple[float, float]


class EmulatedInt8(nn.Module):
    """A layer whose weights and inputs are rounded to 8 bits, computed in 32.

    Weights per output channel and symmetric, inputs by one scale and a zero point, as static int8
    of `irs_core.approx.int8_static` does it, but for its correction of biases.

    Args:
        layer: Its weights are rounded in place.
        low, high: Range of its inputs; 0 is always inside.
    """

    def __init__(self, layer: nn.Module, low: float, high: float) -> None:
        super().__init__()
        self.layer = layer
        for one in weighted_layers(layer).values():
            one.weight.data.copy_(on_grid(one.weight.data, _INT8_MOST))
        low, high = min(0.0, low), max(0.0, high)
        self.scale = max(high - low, 1e-12) / _LEVELS
        self.zero = round(-low / self.scale)

    def forward(self, values: Tensor) -> Tensor:
        """Outputs of inputs rounded to 8 bits."""
        steps = torch.round(values / self.scale).clamp_(-self.zero, _LEVELS - self.zero)
        return torch.as_tensor(self.layer(steps * self.scale))


def input_ranges(module: nn.Module, images: Tensor) -> dict[str, Range]:
    """Least and largest input of each convolution and linear layer over some images."""
    found: dict[str, Range] = {}
    hooks = []
    for name, layer in weighted_layers(module).items():

        def note(_: nn.Module, given: tuple[Tensor, ...], name: str = name) -> None:
            low, high = float(given[0].min()), float(given[0].max())
            before = found.get(name, (low, high))
            found[name] = (min(low, before[0]), max(high, before[1]))

        hooks.append(layer.register_forward_pre_hook(note))
    try:
        with torch.no_grad():
            for part in torch.split(images, 50):
                module(part)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def changed_layers(
    module: nn.Module, name: str, treatment: Treatment, ranges: Mapping[str, Range]
) -> dict[str, nn.Module]:
    """What takes the place of which layer; the network itself stays as it is.

    Removed channels are emulated by a reader that does not see them.

    Raises:
        ApproximationError: The layer cannot be treated so.
    """
    layer = module.get_submodule(name)
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    found: dict[str, nn.Module] = {}
    if treatment.channels is not None:
        found |= _without_channels(module, name, treatment.channels)
        if treatment.precision == "fp32":
            return found
    made = treated(copy.deepcopy(layer), treatment)
    if treatment.precision == "int8":
        made = EmulatedInt8(made, *ranges[name])
    return found | {name: made.eval()}


def _without_channels(module: nn.Module, name: str, share: float) -> dict[str, nn.Module]:
    if not loses_channels(module, name):
        raise ApproximationError(
            f"channels can be removed from the first convolution of a residual block; {name} is "
            "none"
        )
    parent = name.rpartition(".")[0]
    block = module.get_submodule(parent)
    assert isinstance(block, BasicBlock)
    reader = copy.deepcopy(block.conv2)
    removed = torch.ones(reader.in_channels, dtype=torch.bool)
    removed[kept_channels(block, share)] = False
    reader.weight.data[:, removed] = 0
    return {f"{parent}.conv2": reader}


def is_possible(module: nn.Module, name: str, treatment: Treatment) -> bool:
    """Whether a treatment does something to a layer."""
    if treatment.channels is not None:
        return loses_channels(module, name)
    if treatment.lowrank is not None:
        layer: Weighted = copy.deepcopy(module.get_submodule(name))  # type: ignore[assignment]
        return treated(layer, treatment) is not layer
    return True


@dataclass(frozen=True)
class Change:
    """A treatment of one layer, or of all layers of a group.

    Args:
        name: The layer or the group.
        layers: Names of layers, in the order of the network.
    """

    name: str
    layers: tuple[str, ...]
    treatment: Treatment


def every_change(
    module: nn.Module, treatments: Sequence[Treatment], *, groups: bool = False
) -> list[Change]:
    """Each treatment of each layer that it does something to; with `groups` also of each block.

    A group is a part of the network right above its layers that holds several of them.
    """
    names = [name for name in weighted_layers(module) if name]
    found = []
    for treatment in treatments:
        possible = [name for name in names if is_possible(module, name, treatment)]
        found += [Change(name, (name,), treatment) for name in possible]
        if groups:
            found += [
                Change(group, tuple(layers), treatment)
                for group, layers in _groups(possible).items()
                if len(layers) > 1
            ]
    return found


def _groups(names: Sequence[str]) -> dict[str, list[str]]:
    """Layers by the block that holds them; the shortcut of a block belongs to it."""
    found: dict[str, list[str]] = {}
    for name in names:
        parent = name.rpartition(".")[0]
        parent = parent.partition(".downsample")[0]
        found.setdefault(parent, []).append(name)
    # What lies at the top of the network is no block.
    return {name: layers for name, layers in found.items() if name and name.count(".") >= 1}


def layers_of(
    module: nn.Module, change: Change, ranges: Mapping[str, tuple[float, float]]
) -> dict[str, nn.Module]:
    """What takes the place of which layer under a change."""
    found: dict[str, nn.Module] = {}
    for name in change.layers:
        found |= changed_layers(module, name, change.treatment, ranges)
    return found


def saved_bytes(module: nn.Module, change: Change) -> int:
    """Bytes of packed weights that a change saves."""
    if change.treatment == Treatment():
        return 0
    config = mixed(Treatment(), dict.fromkeys(change.layers, change.treatment))
    made = reshaped(copy.deepcopy(module), config)
    before = state_bytes(module.state_dict())
    return before - mixed_size(module, made, config).packed_bytes
