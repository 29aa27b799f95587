"""Mixed compression: every layer by its own treatment.

Pruning, removed channels, low rank, 16-bit and 4-bit weights are applied here. Layers in int8 are
left to `irs_core.approx.int8_static`, which knows their activations as well.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from irs_core.approx.half import DTYPES, fitting
from irs_core.approx.layers import Weighted, nonzero_parameters, state_bytes, weighted_layers
from irs_core.approx.lowrank import factors
from irs_core.approx.prune import prune_together
from irs_core.approx.registry import ApproxReport, register
from irs_core.errors import ApproximationError
from irs_core.models.resnet import BasicBlock
from irs_core.spec.cost import LayerBits, Size
from irs_core.spec.mixed import Mixed, Treatment

# The largest integer of symmetric 4-bit weights.
_INT4_MOST = 7
_SCALE_BITS = 32
# Where a kept weight of a 2:4 group stands takes two bits.
_PLACE_BITS = 2


def treatments(model: nn.Module, config: Mixed) -> dict[str, Treatment]:
    """What is done to each convolution and linear layer of a network, in its order.

    Where the default removes channels, it does so only where that is possible.

    Raises:
        ApproximationError: A layer that is named does not exist or cannot be treated so.
    """
    layers = weighted_layers(model)
    if not layers:
        raise ApproximationError("mixed needs a convolution or linear layer; found none")
    unknown = [name for name, _ in config.layers if name not in layers]
    if unknown:
        raise ApproximationError(
            f"{unknown[0]} is no convolution or linear layer of this network; it has "
            f"{', '.join(layers)}"
        )
    named = dict(config.layers)
    found = {}
    for name in layers:
        treatment = config.of(name)
        if treatment.channels is not None and not loses_channels(model, name):
            if name in named:
                raise ApproximationError(
                    f"channels can be removed from the first convolution of a residual block; "
                    f"{name} is none"
                )
            treatment = Treatment(treatment.precision)
        found[name] = treatment
    return found


def loses_channels(model: nn.Module, name: str) -> bool:
    """Whether outputs of a layer can be removed: one reader, and no shortcut beside it."""
    parent, _, child = name.rpartition(".")
    return child == "conv1" and isinstance(model.get_submodule(parent), BasicBlock)


def int8_layers(model: nn.Module, config: Mixed) -> tuple[str, ...]:
    """Names of the layers that run in int8, as they are called after `reshaped`."""
    names, found = reshaped_names(model, config), []
    for name, treatment in treatments(model, config).items():
        if treatment.precision == "int8":
            found += made_of(names, name)
    return tuple(found)


def reshaped(model: nn.Module, config: Mixed) -> nn.Module:
    """The network with all treatments but int8, in place.

    Raises:
        ApproximationError: A layer cannot be treated as it is named.
    """
    wanted = treatments(model, config)
    for name, treatment in wanted.items():
        if treatment.channels is not None:
            remove_channels(_block_of(model, name), treatment.channels)
    for name, treatment in wanted.items():
        layer = model.get_submodule(name)
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        made = treated(layer, treatment)
        if made is not layer:
            if not name:
                return made
            model.set_submodule(name, made)
    return model


def treated(layer: Weighted, treatment: Treatment) -> nn.Module:
    """A layer with zeros, factors and rounded weights, changed in place or replaced."""
    weight = layer.weight.data
    made: nn.Module = layer
    if treatment.prune is not None:
        prune_together([weight], treatment.prune)
    elif treatment.two_four:
        weight.copy_(two_of_four(weight))
    elif treatment.lowrank is not None and getattr(layer, "groups", 1) == 1:
        made = factors(layer, treatment.lowrank) or layer
    for name, one in weighted_layers(made).items():
        one.weight.data.copy_(rounded(name, one.weight.data, treatment))
    return made


def rounded(name: str, weight: Tensor, treatment: Treatment) -> Tensor:
    """Weights in 16 or 4 bits, as 32-bit numbers; other precisions leave them as they are."""
    if treatment.precision in ("fp16", "bf16"):
        return fitting(name, weight, DTYPES[treatment.precision]).to(weight.dtype)
    if treatment.precision == "int4":
        return on_grid(weight, _INT4_MOST)
    return weight


def on_grid(weight: Tensor, most: int) -> Tensor:
    """Weights rounded to whole multiples, at most `most`, of a scale per output channel."""
    rows = weight.flatten(1)
    scale = rows.abs().amax(dim=1, keepdim=True) / most
    scale = torch.where(scale == 0, torch.ones_like(scale), scale)
    return (torch.round(rows / scale) * scale).reshape(weight.shape)


def two_of_four(weight: Tensor) -> Tensor:
    """Weights with the two smallest of every four inputs of an output set to zero.

    A last group of fewer than four stays as it is. Equal ones: the later go first.
    """
    rows = weight.flatten(1)
    whole = rows.shape[1] // 4 * 4
    groups = rows[:, :whole].reshape(len(rows), -1, 4)
    order = groups.abs().argsort(dim=2, descending=True, stable=True)
    kept = torch.zeros_like(groups, dtype=torch.bool).scatter_(2, order[:, :, :2], True)
    thinned = torch.cat([torch.where(kept, groups, 0).flatten(1), rows[:, whole:]], dim=1)
    return thinned.reshape(weight.shape)


def remove_channels(block: BasicBlock, share: float) -> None:
    """Remove round(share * C) of the C channels inside a residual block, those of least weight.

    A channel's weight is the norm of its filter times the gain of its batch normalisation. At
    least one channel stays.
    """
    kept = kept_channels(block, share)
    block.conv1 = _narrowed(block.conv1, kept, outputs=True)
    block.conv2 = _narrowed(block.conv2, kept, outputs=False)
    block.bn1 = _narrowed_norm(block.bn1, kept)


def kept_channels(block: BasicBlock, share: float) -> Tensor:
    """Which channels inside a block stay, rising."""
    norm = block.bn1
    assert norm.running_var is not None
    gain = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
    weight = block.conv1.weight.detach().flatten(1).norm(dim=1) * gain.abs()
    count = max(1, len(weight) - round(share * len(weight)))
    return torch.sort(weight.argsort(descending=True, stable=True)[:count]).values


def _narrowed(conv: nn.Conv2d, kept: Tensor, *, outputs: bool) -> nn.Conv2d:
    weight = conv.weight.data[kept] if outputs else conv.weight.data[:, kept]
    with torch.device("meta"):
        made = nn.Conv2d(
            weight.shape[1],
            weight.shape[0],
            (conv.kernel_size[0], conv.kernel_size[1]),
            stride=(conv.stride[0], conv.stride[1]),
            padding=conv.padding,  # type: ignore[arg-type]
            bias=False,
            dtype=weight.dtype,
        )
    made = made.to_empty(device=weight.device)
    made.weight.data.copy_(weight)
    return made


def _narrowed_norm(norm: nn.BatchNorm2d, kept: Tensor) -> nn.BatchNorm2d:
    made = nn.BatchNorm2d(len(kept), eps=norm.eps).to(norm.weight.device)
    for name, value in norm.state_dict().items():
        made.state_dict()[name].copy_(value[kept] if value.dim() else value)
    return made.eval()


def _block_of(model: nn.Module, name: str) -> BasicBlock:
    block = model.get_submodule(name.rpartition(".")[0])
    assert isinstance(block, BasicBlock)
    return block


def mixed_size(original: nn.Module, made: nn.Module, config: Mixed) -> Size:
    """The size of a network after `reshaped`, its int8 layers packed as well.

    Weights in int8 and int4 have a 32-bit scale per output channel; pruned ones are stored as the
    others and a bit for each weight, of 2:4 as half of them and two bits for the place of each.
    """
    layers, packed = [], state_bytes(made.state_dict())
    held = packed
    for name, treatment in treatments(original, config).items():
        for own in made_of(weighted_layers(made), name):
            layer = made.get_submodule(own)
            assert isinstance(layer, nn.Conv2d | nn.Linear)
            one = _bits(own, layer.weight.detach(), treatment)
            scales = (
                _SCALE_BITS * len(layer.weight) if one.bits < 16 and _has_scales(treatment) else 0
            )
            packed -= max(0, int(one.weights * (32 - one.bits)) - scales) // 8
            held -= max(0, int(one.weights * (32 - one.held)) - scales) // 8
            layers.append(one)
    return Size(min(packed, held), held, tuple(layers))


def _has_scales(treatment: Treatment) -> bool:
    return treatment.precision in ("int8", "int4")


def _bits(name: str, weight: Tensor, treatment: Treatment) -> LayerBits:
    bits: float = {"fp32": 32, "fp16": 16, "bf16": 16, "int8": 8, "int4": 4}[treatment.precision]
    count = weight.numel()
    if treatment.two_four:
        bits = min(bits, (bits + _PLACE_BITS) / 2)
    elif treatment.prune is not None:
        bits = min(bits, (bits * max(1, int(weight.count_nonzero())) + count) / count)
    return LayerBits(name, count, bits, 8.0 if treatment.precision == "int8" else 32.0)


def reshaped_names(model: nn.Module, config: Mixed) -> tuple[str, ...]:
    """Names of the weighted layers after `reshaped`, without changing the network."""
    found = []
    for name, treatment in treatments(model, config).items():
        layer = model.get_submodule(name)
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        split = treatment.lowrank is not None and factors(layer, treatment.lowrank) is not None
        found += [f"{name}.0", f"{name}.1"] if split else [name]
    return tuple(found)


def made_of(names: Iterable[str], name: str) -> list[str]:
    """The layers that a layer has become: itself, or its two factors."""
    return [one for one in names if one == name or one in (f"{name}.0", f"{name}.1")]


def describe_mixed(original: nn.Module, made: nn.Module, config: Mixed) -> ApproxReport:
    """What was done, layer by layer, in words."""
    wanted = treatments(original, config)
    kinds: dict[str, int] = {}
    for treatment in wanted.values():
        kinds[str(treatment)] = kinds.get(str(treatment), 0) + 1
    said = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    emulated = any(one.precision == "int4" for one in wanted.values())
    zeros = any(one.two_four or one.prune is not None for one in wanted.values())
    return ApproxReport(
        title=config.title,
        touched=tuple(name for name, one in wanted.items() if one != Treatment()),
        untouched=tuple(name for name, one in wanted.items() if one == Treatment()),
        size_bytes=mixed_size(original, made, config).packed_bytes,
        nonzero_parameters=nonzero_parameters(made),
        note=f"Layers by treatment: {said}."
        + (" int4 is emulated: its weights are computed with in 32 bits." if emulated else "")
        + (" Pruned weights are computed with as zeros: no time is gained." if zeros else ""),
    )


def _apply(model: nn.Module, config: Mixed) -> nn.Module:
    if any(one.precision == "int8" for one in treatments(model, config).values()):
        raise ApproximationError(
            f"{config} has int8 layers, which are quantised with a study's calibration images; "
            "certify it, or leave them out"
        )
    return reshaped(model, config)


register(Mixed, apply=_apply, describe=describe_mixed)
