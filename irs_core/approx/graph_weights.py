"""Rounding and pruning of the weights in an ONNX file; all else in it stays as it is."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from irs_core.approx.half import DTYPES, fitting
from irs_core.approx.prune import prune_together
from irs_core.errors import ApproximationError
from irs_core.graphs import GraphFile
from irs_core.spec.compressions import Compression, HalfWeights, MagnitudePrune

_WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")


@dataclass(frozen=True, eq=False)
class AppliedGraph:
    """An ONNX file with other weights.

    Args:
        size_bytes: As it would be stored in that format; see the reports of PyTorch networks.
        nonzero: Numbers among its 32-bit constants that are not zero.
    """

    file: GraphFile
    note: str
    size_bytes: int
    nonzero: int


def compressed_graph(
    file: GraphFile, config: Compression, *, only: Callable[[str], bool] = lambda _: True
) -> AppliedGraph:
    """Round or prune the weights of an ONNX file.

    `fp16` and `bf16` round every 32-bit constant of more than one number; `prune` and
    `prune-layer` set the smallest weights of convolutions and matrix products to zero, as they do
    in PyTorch networks.

    Args:
        only: Says by its name whether a constant may be changed.

    Raises:
        ApproximationError: The compression is none of these, or the file is no ONNX file with
            32-bit weights.
    """
    if not isinstance(config, HalfWeights | MagnitudePrune) or file.format != "onnx":
        raise ApproximationError(
            f"{config} cannot be applied to {file.name}: an ONNX file takes fp16, bf16, prune, "
            "prune-layer and int8, an OpenVINO IR int8 alone; for others give a compressed file, "
            "as file:PATH"
        )
    import onnx

    model = onnx.load_model_from_string(file.graph)
    constants = {tensor.name: tensor for tensor in _constants(model.graph)}
    if isinstance(config, HalfWeights):
        chosen = [one for one in constants.values() if np.prod(one.dims) > 1]
    else:
        chosen = [constants[name] for name in _weights(model.graph) if name in constants]
    chosen = [one for one in chosen if only(one.name)]
    if not chosen:
        raise ApproximationError(
            f"{config} needs 32-bit weights, and {file.name} has none; its weights may be "
            "quantised already"
        )
    before = sum(int(np.count_nonzero(_array(one))) for one in constants.values())
    values = [torch.from_numpy(_array(one).copy()) for one in chosen]
    note = _change(values, [one.name for one in chosen], config)
    for tensor, value in zip(chosen, values, strict=True):
        tensor.CopyFrom(onnx.numpy_helper.from_array(value.numpy(), tensor.name))
    content = model.SerializeToString(deterministic=True)
    nonzero = sum(int(np.count_nonzero(_array(one))) for one in constants.values())
    # By content: what a recipe makes may change with libraries and machines.
    made = replace(file, graph=content, digest=hashlib.sha256(content).hexdigest())
    saved = sum(2 * value.numel() for value in values)
    if isinstance(config, MagnitudePrune):
        saved = 4 * (before - nonzero) - sum(-(-value.numel() // 8) for value in values)
    return AppliedGraph(made, note, file.size_bytes - saved, nonzero)


def _change(values: list[torch.Tensor], names: list[str], config: Compression) -> str:
    """Change tensors in place; what was done, in a sentence."""
    if isinstance(config, HalfWeights):
        for name, value in zip(names, values, strict=True):
            value.copy_(fitting(name, value, DTYPES[config.format]))
        return f"Every weight is rounded to {config.format}; arithmetic stays in 32 bits."
    assert isinstance(config, MagnitudePrune)
    for group in [values] if config.scope == "global" else [[value] for value in values]:
        prune_together(group, config.ratio)
    zero = sum(int((value == 0).sum()) for value in values)
    numbers = sum(value.numel() for value in values)
    return (
        f"{zero} of {numbers} convolution and linear weights are zero; stored as non-zero values "
        "and a bit per weight, but computed densely."
    )


def _constants(graph: Any) -> Iterator[Any]:
    """The 32-bit constants of the outermost graph, named by what they give."""
    import onnx

    for tensor in graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            yield tensor
    for node in graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value" and attribute.t.data_type == onnx.TensorProto.FLOAT:
                    attribute.t.name = node.output[0]
                    yield attribute.t


def _weights(graph: Any) -> list[str]:
    """Names of the tensors that convolutions and matrix products weigh with, in their order."""
    found: dict[str, None] = {}
    for node in graph.node:
        if node.op_type in _WEIGHTED:
            found.update(dict.fromkeys(node.input[1:2]))
            if node.op_type == "MatMul":
                found.update(dict.fromkeys(node.input[:1]))
    return list(found)


def _array(tensor: Any) -> NDArray[np.float32]:
    import onnx

    return np.asarray(onnx.numpy_helper.to_array(tensor), np.float32)
