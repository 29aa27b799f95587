"""What weights take where a model is deployed: bits read from the values, not from their type.

A network that was quantised "fake" holds integers times a scale in 32-bit numbers. Packed, each of
its weights takes the bits of that integer; one scale per output channel is counted as well.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from irs_core.approx.layers import weighted_layers
from irs_core.graphs import GraphFile
from irs_core.integer import IntegerNetwork
from irs_core.integer.network import ConvTerm
from irs_core.spec.cost import LayerBits, Size

# Values of a channel must lie this close to the grid, in steps of it.
_NEAR = 2e-3
# Fewer weights than this may lie on a coarse grid by chance.
_FEWEST = 8
_SCALE_BITS = 32
_ONNX_BITS = {"INT4": 4, "UINT4": 4, "INT8": 8, "UINT8": 8, "FLOAT16": 16, "BFLOAT16": 16}


def module_size(module: nn.Module, packed_bytes: int | None = None) -> Size:
    """The size of a PyTorch network.

    Args:
        packed_bytes: What its compression says that it takes; None reads that from its weights.
    """
    layers = []
    for name, layer in module.named_modules():
        own = getattr(layer, "weight", None)
        if callable(own) and getattr(own(), "is_quantized", False):
            layers.append(LayerBits(name, own().numel(), 8, 8))
    saved = 0
    for name, layer in weighted_layers(module).items():
        weights = layer.weight.detach().flatten(1).float().cpu().numpy()
        layers.append(layer_bits(name, weights, 8 * layer.weight.element_size()))
        saved += _saved_bytes(layers[-1], len(weights))
    held = sum(map(_tensor_bytes, module.state_dict().values()))
    packed = held - saved if packed_bytes is None else min(packed_bytes, held)
    return Size(packed, held, tuple(layers))


def network_size(network: IntegerNetwork) -> Size:
    """The size of an integer network, whose weights are held in a byte each."""
    layers = [
        LayerBits(f"{number}.{place}", term.weight.size, _integer_bits(term.weight), 8)
        for number, layer in enumerate(network.layers)
        for place, term in enumerate(layer.terms)
        if isinstance(term, ConvTerm)
    ]
    # Its scales are divisors, which are counted anyway.
    saved = sum(_saved_bytes(one, 0) for one in layers)
    return Size(network.size_bytes - saved, network.size_bytes, tuple(layers))


def graph_size(file: GraphFile, packed_bytes: int | None = None) -> Size:
    """The size of a graph file; bits of layers are known of ONNX files only."""
    held = file.size_bytes
    found = _onnx_layers(file) if file.format == "onnx" else []
    packed = held - sum(_saved_bytes(*one) for one in found)
    if packed_bytes is not None:
        packed = min(packed_bytes, held)
    return Size(packed, held, tuple(one for one, _ in found))


def layer_bits(name: str, weights: NDArray[np.float32], held: float) -> LayerBits:
    """Bits of the weights of one layer, (outputs, weights of each).

    Args:
        held: Bits of a number as it is held.
    """
    bits = min(held, value_bits(weights))
    kept = int(np.count_nonzero(weights))
    if bits >= 16:
        # What is mostly zero is stored as the other values and a bit for each weight.
        bits = min(bits, (bits * max(1, kept) + weights.size) / weights.size)
    return LayerBits(name, weights.size, bits, held)


def value_bits(weights: NDArray[np.float32]) -> float:
    """Fewest bits, of 2 to 8, 16 and 32, that hold all weights (outputs, weights of each).

    2 to 8 where each output channel, or the layer as a whole, is made of integers times a scale.
    """
    found = _grid_bits(weights.reshape(1, -1))
    if weights.shape[1] >= _FEWEST:
        found = min(found, _grid_bits(weights))
    if found <= 8:
        return found
    tensor = torch.from_numpy(np.ascontiguousarray(weights))
    halves = (tensor.to(kind).float() for kind in (torch.float16, torch.bfloat16))
    return 16 if any(torch.equal(one, tensor) for one in halves) else 32


def _grid_bits(rows: NDArray[np.float32]) -> float:
    """Bits of the integers of each row, the most of all rows; 32 where a row is on no grid."""
    if rows.size < _FEWEST:
        return 32
    most = 2
    for row in rows.astype(np.float64):
        top = float(np.abs(row).max(initial=0.0))
        bits = _row_bits(row / top) if top > 0 else 2
        if bits is None:
            return 32
        most = max(most, bits)
    return most


def _row_bits(row: NDArray[np.float64]) -> int | None:
    """Bits of the integers that numbers in [-1, 1] are multiples of; None where there are none."""
    for largest in range(1, 129):
        steps = row * largest
        whole = np.round(steps)
        # Few numbers first: hardly any grid but the right one passes them.
        if np.abs(steps - whole)[:_FEWEST].max() < _NEAR and np.abs(steps - whole).max() < _NEAR:
            return _integer_bits(whole)
    return None


def _integer_bits(values: NDArray[np.generic]) -> int:
    """Bits of two's complement that hold all values, at least 2."""
    low, high = int(values.min()), int(values.max())
    return max(2, 1 + max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0))


def _saved_bytes(layer: LayerBits, outputs: int) -> int:
    """Bytes that packing saves; integers that were held as numbers need their scales beside."""
    scales = _SCALE_BITS * outputs if layer.bits <= 8 < layer.held else 0
    return max(0, int(layer.weights * (layer.held - layer.bits)) - scales) // 8


def _tensor_bytes(value: object) -> int:
    """Bytes of an entry of a state dict; PyTorch's own int8 layers hold tuples of tensors."""
    if isinstance(value, Tensor):
        return value.nbytes
    return sum(map(_tensor_bytes, value)) if isinstance(value, tuple) else 0


def _onnx_layers(file: GraphFile) -> list[tuple[LayerBits, int]]:
    """Bits of each tensor of weights, and how many scales they need."""
    import onnx

    found = []
    for tensor in onnx.load_model_from_string(file.graph).graph.initializer:
        kind = onnx.TensorProto.DataType.Name(tensor.data_type)
        if len(tensor.dims) < 2 or np.prod(tensor.dims) < _FEWEST:
            continue
        if kind == "FLOAT":
            values = np.asarray(onnx.numpy_helper.to_array(tensor), np.float32)
            layer = layer_bits(tensor.name, values.reshape(len(values), -1), 32)
            found.append((layer, len(values)))
        elif kind in _ONNX_BITS:
            bits = _ONNX_BITS[kind]
            found.append((LayerBits(tensor.name, int(np.prod(tensor.dims)), bits, bits), 0))
    return found
