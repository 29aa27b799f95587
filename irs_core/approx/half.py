"""16-bit floating point: weights only, or weights and arithmetic."""

import torch
from torch import Tensor, nn

from irs_core.approx.layers import nonzero_parameters, weighted_layers
from irs_core.approx.registry import ApproxReport, register
from irs_core.errors import ApproximationError
from irs_core.spec.compressions import HalfCompute, HalfWeights

DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}


class HalfComputeModel(nn.Module):
    """A 16-bit network that takes and gives 32-bit numbers.

    Args:
        model: Its parameters and buffers become `dtype`.
    """

    def __init__(self, model: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype
        self.model = model.to(dtype)

    def forward(self, images: Tensor) -> Tensor:
        """Scores, float32 (B, K); everything between input and scores is 16-bit."""
        return torch.as_tensor(self.model(images.to(self.dtype))).float()


def round_weights(model: nn.Module, config: HalfWeights) -> nn.Module:
    """Every floating-point parameter and buffer rounded to 16 bits and back, in place.

    Raises:
        ApproximationError: A number is too large for the format, or there is none.
    """
    dtype = DTYPES[config.format]
    for name, tensor in _floating(model):
        tensor.copy_(fitting(name, tensor, dtype))
    return model


def to_half(model: nn.Module, config: HalfCompute) -> nn.Module:
    """The network with 16-bit weights, activations and arithmetic.

    Raises:
        ApproximationError: A number is too large for the format, or there is none.
    """
    dtype = DTYPES[config.format]
    for name, tensor in _floating(model):
        fitting(name, tensor, dtype)
    return HalfComputeModel(model, dtype)


def _floating(model: nn.Module) -> list[tuple[str, Tensor]]:
    tensors = [*model.named_parameters(), *model.named_buffers()]
    found = [(name, tensor) for name, tensor in tensors if tensor.is_floating_point()]
    # What a callable computes with is not among them: it would be certified unchanged.
    if not found:
        raise ApproximationError("16 bits need floating-point weights in the model; found none")
    return found


def fitting(name: str, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """The tensor in a 16-bit format.

    Raises:
        ApproximationError: A number is too large for the format.
    """
    rounded = tensor.to(dtype)
    if bool((torch.isinf(rounded) & torch.isfinite(tensor)).any()):
        largest = float(tensor.abs().max())
        limit = torch.finfo(dtype).max
        raise ApproximationError(
            f"{dtype} holds numbers up to {limit:g}; got {largest:g} in {name}"
        )
    return rounded


def _describe(
    model: nn.Module, compressed: nn.Module, config: HalfWeights | HalfCompute
) -> ApproxReport:
    state = model.state_dict().values()
    note = (
        f"Every weight is rounded to {config.format}; arithmetic stays in 32 bits."
        if isinstance(config, HalfWeights)
        else f"Weights, activations and arithmetic are {config.format}; scores come back as fp32."
    )
    return ApproxReport(
        title=config.title,
        touched=tuple(weighted_layers(model)),
        untouched=(),
        size_bytes=sum(2 * v.numel() if v.is_floating_point() else v.nbytes for v in state),
        nonzero_parameters=nonzero_parameters(compressed),
        note=note,
    )


register(HalfWeights, apply=round_weights, describe=_describe)
register(HalfCompute, apply=to_half, describe=_describe)
