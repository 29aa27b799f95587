"""An integer network as ONNX with QuantizeLinear and DequantizeLinear pairs, for deployment.

Input: float32 noisy images in units of [0, 1], on the pixel grid. Every activation is 8-bit with
scale 1, so its float carrier is the integer itself. A runtime may fuse the pairs into integer
kernels or compute in floats: since no quotient of the network is near half-way, both round to the
same integers, but for the rounding of float weights in kernels that are not fused.
"""

from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from irs_core.integer import ConvTerm, IntegerNetwork, Layer, PoolTerm, SkipTerm, Term
from irs_core.integer.network import tensor_shapes

_OPSET = 17
_IR_VERSION = 8


def to_onnx(network: IntegerNetwork, *, whole_steps: bool = False) -> onnx.ModelProto:
    """The ONNX model; input `images` (batch, C, H, W), output `scores` (batch, classes).

    Scores are those of the integer network, as floats.

    Args:
        whole_steps: Images come in whole grid steps instead of units of [0, 1].
    """
    graph = _Graph()
    shapes = tensor_shapes(network)
    # Pixels in units of [0, 1] become grid steps.
    unit = np.float32(1 if whole_steps else network.scale)
    tensors = [graph.node("Mul", "images", graph.constant(unit))]
    for number, layer in enumerate(network.layers[:-1]):
        tensors.append(_quantised(graph, layer, tensors, unsigned=number > 0))
    last = network.layers[-1]
    _scores(graph, last, tensors, flat=shapes[-1][1:] == (1, 1))
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "integer network",
            [_float_value("images", ["batch", *network.input_shape])],
            [_float_value("scores", ["batch", network.classes])],
            graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        producer_name="irs_core",
    )
    model.ir_version = _IR_VERSION
    onnx.checker.check_model(model)
    return model


@dataclass
class _Graph:
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initializers: list[onnx.TensorProto] = field(default_factory=list)

    def node(self, kind: str, *inputs: str, output: str = "", **attributes: object) -> str:
        output = output or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, values: np.generic | NDArray[np.generic]) -> str:
        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def dequantised(
        self, values: NDArray[np.int8] | NDArray[np.int32], divisor: NDArray[np.int32]
    ) -> str:
        """Integer weights as floats, divided per output channel."""
        scale = self.constant((1 / divisor.astype(np.float64)).astype(np.float32))
        zero = self.constant(np.zeros(len(divisor), values.dtype))
        return self.node("DequantizeLinear", self.constant(values), scale, zero, axis=0)


def _quantised(graph: _Graph, layer: Layer, tensors: list[str], *, unsigned: bool) -> str:
    if len(layer.terms) == 1 and isinstance(layer.terms[0], ConvTerm):
        # One convolution between quantised tensors: what runtimes fuse into an integer kernel.
        sums = _convolution(graph, layer.terms[0], tensors, layer.divisor, layer.bias)
    else:
        sums = _exact_sums(graph, layer, tensors)
        reciprocal = (1 / layer.divisor.astype(np.float64)).astype(np.float32)
        sums = graph.node("Mul", sums, graph.constant(_per_channel(reciprocal)))
    if not unsigned:
        low, high = (graph.constant(np.float32(end)) for end in (layer.low, layer.high))
        sums = graph.node("Clip", sums, low, high)
    scale = graph.constant(np.float32(1))
    zero = graph.constant(np.uint8(0) if unsigned else np.int8(0))
    whole = graph.node("QuantizeLinear", sums, scale, zero)
    return graph.node("DequantizeLinear", whole, scale, zero)


def _exact_sums(graph: _Graph, layer: Layer, tensors: list[str]) -> str:
    sums = graph.constant(_per_channel(layer.bias.astype(np.float32)))
    ones = np.ones_like(layer.divisor)
    for term in layer.terms:
        sums = graph.node("Add", sums, _term(graph, term, tensors, ones))
    return sums


def _term(graph: _Graph, term: Term, tensors: list[str], ones: NDArray[np.int32]) -> str:
    if isinstance(term, ConvTerm):
        return _convolution(graph, term, tensors, ones, None)
    if isinstance(term, SkipTerm):
        gain = graph.constant(_per_channel(term.gain.astype(np.float32)))
        return graph.node("Mul", tensors[term.source], gain)
    assert isinstance(term, PoolTerm)
    axes = graph.constant(np.array([2, 3], np.int64))
    return graph.node("ReduceSum", tensors[term.source], axes, keepdims=1)


def _convolution(
    graph: _Graph,
    term: ConvTerm,
    tensors: list[str],
    divisor: NDArray[np.int32],
    bias: NDArray[np.int32] | None,
) -> str:
    inputs = [tensors[term.source], graph.dequantised(term.weight, divisor)]
    if bias is not None:
        inputs.append(graph.dequantised(bias, divisor))
    return graph.node("Conv", *inputs, strides=[term.stride] * 2, pads=[term.padding] * 4, group=1)


def _scores(graph: _Graph, layer: Layer, tensors: list[str], *, flat: bool) -> None:
    term, ones = layer.terms[0], np.ones_like(layer.divisor)
    if flat and len(layer.terms) == 1 and isinstance(term, ConvTerm):
        weight = graph.dequantised(term.weight.reshape(len(term.weight), -1), ones)
        inputs = graph.node("Flatten", tensors[term.source])
        bias = graph.dequantised(layer.bias, ones)
        graph.node("Gemm", inputs, weight, bias, output="scores", transB=1)
        return
    graph.node("Flatten", _exact_sums(graph, layer, tensors), output="scores")


def _per_channel(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values.reshape(1, -1, 1, 1)


def _float_value(name: str, shape: list[str | int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
