"""A denoiser of this package as an ONNX graph, so that it can stand in front of an ONNX file."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import nn

from irs_core.models.denoiser import Denoiser, ResidualBlock

# The first version of ONNX's operations that orders the pixels of a square as PyTorch does.
OPSET = 13
_IR_VERSION = 8


@dataclass
class _Writer:
    """Nodes and constants written so far."""

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def node(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name

    def constant(self, name: str, values: Any) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def convolution(self, layer: nn.Conv2d, source: str, name: str, *, folded: int = 0) -> str:
        """A convolution; with `folded` channels, of images whose squares SpaceToDepth folded."""
        weight = layer.weight.detach().numpy()
        if folded:
            # ONNX puts the place within a square before the channel, PyTorch after it.
            order = [4 * channel + place for place in range(4) for channel in range(folded)]
            weight = weight[:, order]
        assert layer.bias is not None
        inputs = [
            source,
            self.constant(f"{name}.weight", weight),
            self.constant(f"{name}.bias", layer.bias.detach().numpy()),
        ]
        pad, stride = int(layer.padding[0]), layer.stride[0]
        return self.node("Conv", inputs, name, pads=[pad] * 4, strides=[stride] * 2)

    def relu(self, source: str) -> str:
        return self.node("Relu", [source], f"{source}.relu")

    def block(self, block: ResidualBlock, source: str, name: str) -> str:
        inner = self.relu(self.convolution(block.conv1, source, f"{name}.conv1"))
        inner = self.convolution(block.conv2, inner, f"{name}.conv2")
        return self.relu(self.node("Add", [source, inner], f"{name}.sum"))

    def unfolded(self, source: str) -> str:
        return self.node("DepthToSpace", [source], f"{source}.unfold", blocksize=2, mode="CRD")


def onnx_bytes(network: Denoiser) -> bytes:
    """The denoiser as an ONNX file, the same bytes for the same weights."""
    from onnx import TensorProto, helper

    to, channels = _Writer(), network.shape.channels
    folded = to.node("SpaceToDepth", ["noisy"], "fold", blocksize=2)
    stem = to.convolution(network.stem, folded, "stem", folded=channels)
    features = _block(to, network.encoders[0], to.relu(stem), "encoder0")
    kept = [features]
    for number, down in enumerate(network.downs):
        assert isinstance(down, nn.Conv2d)
        features = to.relu(to.convolution(down, features, f"down{number}"))
        features = _block(to, network.encoders[number + 1], features, f"encoder{number + 1}")
        kept.append(features)
    kept.pop()
    for number in reversed(range(len(network.ups))):
        up = network.ups[number]
        assert isinstance(up, nn.Conv2d)
        wide = to.unfolded(to.convolution(up, features, f"up{number}"))
        features = to.node("Add", [kept.pop(), wide], f"skip{number}")
        features = _block(to, network.decoders[number], features, f"decoder{number}")
    noise = to.unfolded(to.convolution(network.head, features, "head"))
    to.node("Sub", ["noisy", noise], "denoised")
    shape = ["N", channels, "H", "W"]
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name in ("noisy", "denoised")
    ]
    graph = helper.make_graph(to.nodes, "denoiser", values[:1], values[1:], to.constants)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=_IR_VERSION
    )
    return bytes(model.SerializeToString(deterministic=True))


def _block(to: _Writer, block: nn.Module, source: str, name: str) -> str:
    assert isinstance(block, ResidualBlock)
    return to.block(block, source, name)
