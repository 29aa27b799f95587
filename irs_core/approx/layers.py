"""Facts about a network's layers and sizes that several compressions need."""

from collections.abc import Mapping

from torch import Tensor, nn

Weighted = nn.Conv2d | nn.Linear


def weighted_layers(model: nn.Module) -> dict[str, Weighted]:
    """Plain 2-D convolutions and linear layers by name, in the order of the network."""
    return {
        name: module
        for name, module in model.named_modules()
        if type(module) is nn.Conv2d or type(module) is nn.Linear
    }


def state_bytes(state: Mapping[str, Tensor]) -> int:
    """Bytes of the tensors of a state dict."""
    return sum(value.nbytes for value in state.values())


def nonzero_parameters(model: nn.Module) -> int:
    """Trainable numbers that are not zero."""
    return sum(int(parameter.count_nonzero()) for parameter in model.parameters())
