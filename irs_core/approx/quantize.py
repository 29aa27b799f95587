"""PyTorch's dynamic int8 quantisation, image by image, which is for linear layers only."""

import warnings

import torch
from torch import Tensor, nn

from irs_core.approx.layers import nonzero_parameters, state_bytes, weighted_layers
from irs_core.approx.registry import ApproxReport, register
from irs_core.errors import ApproximationError
from irs_core.spec.compressions import Int8Dynamic

# A float64 scale and an int64 zero point per tensor.
_SCALE_BYTES = 16


class PerImageLinear(nn.Module):
    """A dynamically quantised linear layer that takes the scale of each image from it alone.

    PyTorch's own takes one scale for the whole batch, so that an image's scores would depend on
    the images beside it. This one gives the scores of a batch of one, bit for bit.

    Args:
        linear: PyTorch's layer.
    """

    def __init__(self, linear: nn.Module) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, values: Tensor) -> Tensor:
        """Outputs (B, ..., out) of inputs (B, ..., in)."""
        return torch.cat([self.linear(one) for one in torch.split(values, 1)])


def quantize_linear(model: nn.Module, config: Int8Dynamic) -> nn.Module:
    """Linear layers with int8 weights (one scale per layer) and inputs quantised on the fly,
    one scale per image.

    Convolutions, batch normalisation and everything else stay in fp32: in a residual network
    only the classifier is int8. CPU only.

    Raises:
        ApproximationError: The model has no linear layer, or is not on the CPU.
    """
    del config
    linear = _linear(model)
    if not linear:
        raise ApproximationError("int8-dynamic needs a linear layer in the model; found none")
    device = next(model.parameters()).device
    if device.type != "cpu":
        raise ApproximationError(f"int8-dynamic needs a model on the CPU; got {device}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated in favour of a package without a CPU kernel
        quantized = torch.ao.quantization.quantize_dynamic(  # type: ignore[no-untyped-call]
            model, {nn.Linear}, dtype=torch.qint8, inplace=True
        )
    assert isinstance(quantized, nn.Module)
    for name in linear:
        quantized.set_submodule(name, PerImageLinear(quantized.get_submodule(name)))
    return quantized


def _linear(model: nn.Module) -> dict[str, nn.Linear]:
    layers = weighted_layers(model).items()
    return {name: layer for name, layer in layers if name and isinstance(layer, nn.Linear)}


def _describe(model: nn.Module, compressed: nn.Module, config: Int8Dynamic) -> ApproxReport:
    linear = _linear(model)
    untouched = tuple(name for name in weighted_layers(model) if name not in linear)
    saved = sum(3 * layer.weight.numel() - _SCALE_BYTES for layer in linear.values())
    lost = 0
    for name, layer in linear.items():
        weight = compressed.get_submodule(f"{name}.linear").weight()  # type: ignore[operator]
        lost += int(layer.weight.count_nonzero()) - int(weight.int_repr().count_nonzero())
    return ApproxReport(
        title=config.title,
        touched=tuple(linear),
        untouched=untouched,
        size_bytes=state_bytes(model.state_dict()) - saved,
        nonzero_parameters=nonzero_parameters(model) - lost,
        note=(
            f"{len(linear)} linear layers are int8; the {len(untouched)} convolutions are not: "
            "dynamic quantisation leaves them in fp32. Each image has a scale of its own."
        ),
    )


register(Int8Dynamic, apply=quantize_linear, describe=_describe)
