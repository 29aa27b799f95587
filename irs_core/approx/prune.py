"""Magnitude pruning (Han et al. 2015): the smallest weights set to zero."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from irs_core.approx.layers import nonzero_parameters, state_bytes, weighted_layers
from irs_core.approx.registry import ApproxReport, register
from irs_core.errors import ApproximationError
from irs_core.spec.compressions import MagnitudePrune


def prune_smallest(model: nn.Module, config: MagnitudePrune) -> nn.Module:
    """Set the smallest weights of convolutions and linear layers to zero, in place.

    Exactly round(ratio * N) of the N weights ranked together are set to zero (halves to even).
    Equal magnitudes go in the order of layers and positions. Biases and normalisation stay.

    Raises:
        ApproximationError: The model has no convolution or linear layer.
    """
    weights = [layer.weight.data for layer in weighted_layers(model).values()]
    if not weights:
        raise ApproximationError("pruning needs a convolution or linear layer; found none")
    for group in [weights] if config.scope == "global" else [[weight] for weight in weights]:
        prune_together(group, config.ratio)
    return model


def smallest(magnitudes: NDArray[np.float32], count: int) -> NDArray[np.bool_]:
    """Which `count` of (N,) entries are smallest, the earlier of equal ones first; bool (N,)."""
    if count == 0:
        return np.zeros(len(magnitudes), dtype=np.bool_)
    threshold = np.partition(magnitudes, count - 1)[count - 1]
    chosen: NDArray[np.bool_] = magnitudes < threshold
    ties = np.flatnonzero(magnitudes == threshold)
    chosen[ties[: count - int(chosen.sum())]] = True
    return chosen


def prune_together(weights: Sequence[Tensor], ratio: float) -> None:
    """Set round(ratio * N) of the N weights of all tensors to zero, the smallest, in place."""
    flat = [weight.abs().cpu().numpy().reshape(-1) for weight in weights]
    magnitudes = np.concatenate(flat)
    chosen = smallest(magnitudes, round(ratio * len(magnitudes)))
    start = 0
    for weight in weights:
        mask = chosen[start : start + weight.numel()].reshape(tuple(weight.shape))
        weight.masked_fill_(weight.new_tensor(mask).bool(), 0)
        start += weight.numel()


def _describe(model: nn.Module, compressed: nn.Module, config: MagnitudePrune) -> ApproxReport:
    layers = weighted_layers(compressed)
    numbers = sum(layer.weight.numel() for layer in layers.values())
    kept = sum(int(layer.weight.count_nonzero()) for layer in layers.values())
    masks = sum(-(-layer.weight.numel() // 8) for layer in layers.values())
    before = weighted_layers(model)
    changed = {n for n, layer in layers.items() if not layer.weight.equal(before[n].weight)}
    return ApproxReport(
        title=config.title,
        touched=tuple(name for name in layers if name in changed),
        untouched=tuple(name for name in layers if name not in changed),
        size_bytes=state_bytes(compressed.state_dict()) - 4 * (numbers - kept) + masks,
        nonzero_parameters=nonzero_parameters(compressed),
        note=(
            f"{numbers - kept} of {numbers} convolution and linear weights are zero; stored as "
            "non-zero values and a bit per weight, but computed densely."
        ),
    )


register(MagnitudePrune, apply=prune_smallest, describe=_describe)
