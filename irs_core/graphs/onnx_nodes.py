"""What the operations of an ONNX graph say about its precision and its scores."""

from collections.abc import Iterator, Sequence
from typing import Any

from onnx import TensorProto

from irs_core.graphs.precision import Precision, most, word_of

# Operations after which the values are those before them, in another form.
_SAME = frozenset(
    {"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Cast", "Transpose"}
) | {
    "QuantizeLinear",
    "DequantizeLinear",
}
_WEIGHTED = frozenset({"Conv", "Gemm", "MatMul", "ConvTranspose"})
_DEFAULT_QUANTISED = "UINT8"


def ends_in_sigmoid(graph: Any, output: str) -> bool:
    """Whether an output comes from a sigmoid, by operations that change no value."""
    makers = {name: node for node in graph.node for name in node.output}
    node = makers.get(output)
    # A damaged graph may run in a circle.
    for _ in range(len(graph.node)):
        if node is None or node.op_type not in _SAME or not node.input:
            break
        node = makers.get(node.input[0])
    return node is not None and str(node.op_type) == "Sigmoid"


def precision_of(graph: Any, nodes: Sequence[Any], tensors: Sequence[Any]) -> Precision:
    """What a graph computes in, by its operations and constants.

    Args:
        nodes: Every node, those of inner graphs included.
        tensors: Every constant.
    """
    kinds = {tensor.name: _kind(tensor.data_type) for tensor in tensors}
    counts: dict[str, int] = {}
    for tensor in tensors:
        kind = _kind(tensor.data_type)
        # Whole numbers of 32 and 64 bits are shapes and sums, no weights.
        if kind not in ("INT64", "INT32", "BOOL", "STRING", "UNDEFINED"):
            counts[kind] = counts.get(kind, 0) + _size(tensor)
    weights, quantised = most(counts), list(_quantised(nodes, kinds))
    activations = _narrowest([kind for constant, kind in quantised if not constant])
    of_weights = [kind for constant, kind in quantised if constant]
    if of_weights:
        # Floats on their way to integers, or several integers packed into one.
        weights = _narrowest(of_weights)
    half = any(
        kinds.get(one) == "FLOAT16"
        for node in nodes
        if node.op_type in _WEIGHTED
        for one in node.input
    )
    return Precision(weights, activations, "fp16" if half else _computes(graph))


def _computes(graph: Any) -> str:
    wide = any(value.type.tensor_type.elem_type == TensorProto.DOUBLE for value in graph.input)
    return "fp64" if wide else "fp32"


def _quantised(nodes: Sequence[Any], kinds: dict[str, str]) -> Iterator[tuple[bool, str]]:
    """Of each quantisation: whether it is of a constant, and to what."""
    for node in nodes:
        name = str(node.op_type)
        if name == "QuantizeLinear":
            zero = kinds.get(node.input[2]) if len(node.input) > 2 else None
            yield (bool(node.input) and node.input[0] in kinds, word_of(zero or _asked_for(node)))
        elif name == "MatMulNBits":
            yield True, f"int{next((one.i for one in node.attribute if one.name == 'bits'), 4)}"
        elif name == "DynamicQuantizeLinear" or "QLinear" in name or "Integer" in name:
            yield False, "int8"


def _asked_for(node: Any) -> str:
    asked = next((one.i for one in node.attribute if one.name == "output_dtype"), 0)
    return _kind(asked) if asked else _DEFAULT_QUANTISED


def _narrowest(words: Sequence[str]) -> str:
    """The commonest word; of equally common ones the first by name."""
    return max(sorted(set(words)), key=words.count, default="")


def _kind(number: int) -> str:
    known = TensorProto.DataType.values()
    return str(TensorProto.DataType.Name(number)) if number in known else "UNDEFINED"


def _size(tensor: Any) -> int:
    count = 1
    for one in tensor.dims:
        count *= max(0, int(one))
    return count
