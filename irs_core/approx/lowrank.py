"""Low-rank factorisation (Denil et al. 2013; Jaderberg et al. 2014): layers split by SVD."""

import torch
from torch import Tensor, nn

from irs_core.approx.layers import Weighted, nonzero_parameters, state_bytes, weighted_layers
from irs_core.approx.registry import ApproxReport, register
from irs_core.errors import ApproximationError
from irs_core.spec.compressions import LowRank


def factorise(model: nn.Module, config: LowRank) -> nn.Module:
    """Replace convolutions and linear layers by two thinner ones where that saves parameters.

    A weight, as a matrix of outputs x everything else, is cut to the least rank whose squared
    singular values sum to at least `energy` of all. A k x k convolution becomes a k x k one with
    that many outputs and a 1 x 1 one. Grouped convolutions and layers that would not get
    smaller stay as they are.

    Raises:
        ApproximationError: The model has no convolution or linear layer.
    """
    layers = weighted_layers(model)
    if not layers:
        raise ApproximationError("lowrank needs a convolution or linear layer; found none")
    for name, layer in layers.items():
        if isinstance(layer, nn.Conv2d) and layer.groups != 1:
            continue
        pair = factors(layer, config.energy)
        if pair is not None:
            parent, _, child = name.rpartition(".")
            if not name:
                return pair
            setattr(model.get_submodule(parent), child, pair)
    return model


def least_rank(singular_values: Tensor, energy: float) -> int:
    """The least rank, at least 1, whose squared singular values reach the share `energy`."""
    kept = singular_values.square().cumsum(0)
    needed = int((kept < energy * kept[-1]).sum()) + 1
    return min(needed, len(singular_values))


def factors(layer: Weighted, energy: float) -> nn.Sequential | None:
    """Two thinner layers in the place of one, or None where they would not be smaller.

    Args:
        energy: Share of squared singular values that they keep.
    """
    matrix = layer.weight.detach().double().flatten(1)
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    rank = least_rank(values, energy)
    if rank * sum(matrix.shape) >= matrix.numel():
        return None
    root = values[:rank].sqrt()
    inner, outer = root[:, None] * right[:rank], left[:, :rank] * root
    first, second = _thin_pair(layer, rank)
    first.weight.data.copy_(inner.reshape(first.weight.shape))
    second.weight.data.copy_(outer.reshape(second.weight.shape))
    if layer.bias is not None and second.bias is not None:
        second.bias.data.copy_(layer.bias)
    return nn.Sequential(first, second)


def _thin_pair(layer: Weighted, rank: int) -> tuple[Weighted, Weighted]:
    """Two layers with weights still to be filled, on the device and in the type of the layer."""
    device, dtype, bias = layer.weight.device, layer.weight.dtype, layer.bias is not None
    first: Weighted
    second: Weighted
    # Made without storage first: no time and no random numbers go into weights that are replaced.
    with torch.device("meta"):
        if isinstance(layer, nn.Linear):
            first = nn.Linear(layer.in_features, rank, bias=False, dtype=dtype)
            second = nn.Linear(rank, layer.out_features, bias=bias, dtype=dtype)
        else:
            first = nn.Conv2d(
                layer.in_channels,
                rank,
                (layer.kernel_size[0], layer.kernel_size[1]),
                stride=(layer.stride[0], layer.stride[1]),
                padding=layer.padding,  # type: ignore[arg-type]
                dilation=(layer.dilation[0], layer.dilation[1]),
                padding_mode=layer.padding_mode,
                bias=False,
                dtype=dtype,
            )
            second = nn.Conv2d(rank, layer.out_channels, 1, bias=bias, dtype=dtype)
    return first.to_empty(device=device), second.to_empty(device=device)


def _describe(model: nn.Module, compressed: nn.Module, config: LowRank) -> ApproxReport:
    layers = weighted_layers(model)
    touched = tuple(
        name
        for name in layers
        if isinstance(compressed.get_submodule(name) if name else compressed, nn.Sequential)
    )
    before = sum(parameter.numel() for parameter in model.parameters())
    after = sum(parameter.numel() for parameter in compressed.parameters())
    return ApproxReport(
        title=config.title,
        touched=touched,
        untouched=tuple(name for name in layers if name not in touched),
        size_bytes=state_bytes(compressed.state_dict()),
        nonzero_parameters=nonzero_parameters(compressed),
        note=(
            f"{len(touched)} of {len(layers)} layers are factorised, {before} parameters become "
            f"{after}; the others would not get smaller."
        ),
    )


register(LowRank, apply=factorise, describe=_describe)
