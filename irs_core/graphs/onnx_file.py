"""ONNX files: weights from other files brought in, bounds checked, shapes read."""

import errno
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError, EncodeError
from onnx import TensorProto, numpy_helper, shape_inference

from irs_core.errors import CheckpointError, first_line, reason
from irs_core.graphs.facts import Element, GraphFacts, check_dims, check_weights, facts_of
from irs_core.graphs.files import MAX_BYTES
from irs_core.graphs.onnx_nodes import ends_in_sigmoid, precision_of
from irs_core.graphs.outputs import Dim, Output
from irs_core.sandbox.opening import beside

_ELEMENTS: dict[int, Element] = {
    TensorProto.FLOAT: "f32",
    TensorProto.FLOAT16: "f16",
    TensorProto.DOUBLE: "f64",
    TensorProto.UINT8: "u8",
}
_BITS = {TensorProto.INT4: 4, TensorProto.UINT4: 4, TensorProto.FLOAT4E2M1: 4}
_STRING = TensorProto.STRING


def inline(content: bytes, path: Path) -> tuple[bytes, list[str]]:
    """The file with all its weights in it, and the SHA-256 of each further file that held some.

    Raises:
        CheckpointError: It is no ONNX file, or names weights outside its folder.
    """
    model = _parse(content, path.name)
    external = [one for one in _tensors(model) if _is_external(one)]
    if not external:
        return content, []
    others: dict[str, bytes] = {}
    for tensor in external:
        _bring_in(tensor, path, others)
    try:
        whole = model.SerializeToString()
    except (EncodeError, ValueError) as error:
        raise CheckpointError(f"{path.name!r} is too large: {error}") from None
    return whole, [hashlib.sha256(others[name]).hexdigest() for name in sorted(others)]


def examine(content: bytes, name: str) -> GraphFacts:
    """Check a file whose weights are all in it.

    Raises:
        CheckpointError: It is damaged, too large, or no image classifier.
    """
    model, parameters = checked_tensors(content, name)
    try:
        model = shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:  # its native part has no documented set of errors
        raise CheckpointError(f"{name!r} has shapes that do not fit: {first_line(error)}") from None
    nodes = list(_nodes(model))
    # What is no UTF-8 comes as bytes.
    if not all(isinstance(one.op_type, str) for one in nodes):
        raise CheckpointError(f"{name!r} is damaged: an operation's name is no text")
    graph = model.graph
    for value in (*graph.value_info, *graph.input, *graph.output):
        check_dims(name, dims_of(value) or ())
    given = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in given]
    elements = [_ELEMENTS.get(value.type.tensor_type.elem_type) for value in inputs]
    element = elements[0] if elements else "f32"
    if element is None or None in elements:
        raise CheckpointError(
            f"{name!r} must take images of floats (16, 32 or 64 bits) or of 8-bit whole numbers "
            "from 0 to 255"
        )
    return facts_of(
        name,
        [dims_of(value) for value in inputs],
        [
            Output(value.name, place, dims_of(value), ends_in_sigmoid(graph, value.name))
            for place, value in enumerate(graph.output)
        ],
        element=element,
        parameters=parameters,
        precision=precision_of(graph, nodes, list(_tensors(model))),
    )


def checked_tensors(content: bytes, name: str) -> tuple[onnx.ModelProto, int]:
    """A file whose weights are all in it, every constant of which was checked, and their numbers.

    Raises:
        CheckpointError: It is damaged or too large.
    """
    model = _parse(content, name)
    return model, sum(_check_tensor(tensor, name) for tensor in _tensors(model))


def _parse(content: bytes, name: str) -> onnx.ModelProto:
    try:
        model = onnx.load_model_from_string(content)
    except (DecodeError, ValueError, RuntimeError):
        raise CheckpointError(f"{name!r} is damaged or no ONNX file") from None
    if not model.graph.node:
        raise CheckpointError(f"{name!r} is no ONNX file with a network in it")
    return model


def _nodes(model: onnx.ModelProto) -> Iterator[Any]:
    """Every node, those of functions and of inner graphs included."""
    waiting = [*model.graph.node, *(n for function in model.functions for n in function.node)]
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                waiting += graph.node


def _tensors(model: onnx.ModelProto) -> Iterator[Any]:
    """Every constant tensor, wherever it stands."""
    graphs, attributes = [model.graph], []
    for node in _nodes(model):
        attributes += node.attribute
        graphs += [g for one in node.attribute for g in (one.g, *one.graphs)]
    attributes += [one for function in model.functions for one in function.attribute_proto]
    sparse: list[Any] = []
    for graph in graphs:
        yield from graph.initializer
        sparse += graph.sparse_initializer
    for attribute in attributes:
        if attribute.HasField("t"):
            yield attribute.t
        yield from attribute.tensors
        sparse += attribute.sparse_tensors
        if attribute.HasField("sparse_tensor"):
            sparse.append(attribute.sparse_tensor)
    if sparse:
        raise CheckpointError("sparse tensors in ONNX files are not supported")


def _is_external(tensor: Any) -> bool:
    return bool(tensor.data_location == TensorProto.EXTERNAL or tensor.external_data)


def _bring_in(tensor: Any, path: Path, others: dict[str, bytes]) -> None:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    place = entries.get("location", "")
    # A real file beside or below the model: no link, nowhere else.
    parts = PurePosixPath(place).parts
    if not parts or PurePosixPath(place).is_absolute() or ".." in parts or "\\" in place:
        raise CheckpointError(
            f"{path.name!r} names weights outside its folder, which are never read: {place!r}"
        )
    if place not in others:
        others[place] = _further(path, parts)
    try:
        offset = int(entries.get("offset", 0))
        length = int(entries.get("length", len(others[place]) - offset))
    except ValueError:
        offset = length = -1
    if offset < 0 or length < 0 or offset + length > len(others[place]):
        raise CheckpointError(f"{path.name!r} names weights beyond the end of {place!r}")
    tensor.raw_data = others[place][offset : offset + length]
    del tensor.external_data[:]
    tensor.data_location = TensorProto.DEFAULT


def _further(path: Path, parts: Sequence[str]) -> bytes:
    """The content of a file below a model's folder, of which no part is a link."""
    place = "/".join(parts)
    try:
        with beside(path.parent, parts) as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        linked = error.errno in (errno.ELOOP, errno.ENOTDIR)
        raise CheckpointError(
            f"{path.name!r} names weights behind a link: {place!r}; put the file itself there"
            if linked
            else f"{path.name!r} names weights that cannot be read: {place!r}, {reason(error)}"
        ) from None
    if not 0 < len(content) <= MAX_BYTES:
        raise CheckpointError(
            f"{path.name!r} names weights in {place!r}, which must have 1 to {MAX_BYTES} bytes"
        )
    return content


def _check_tensor(tensor: Any, name: str) -> int:
    """Check one constant; how many numbers it holds."""
    count = check_dims(name, tensor.dims)
    if tensor.data_type == _STRING or tensor.data_type not in TensorProto.DataType.values():
        return count
    if tensor.HasField("raw_data"):
        bits = _BITS.get(tensor.data_type) or 8 * _item_bytes(tensor.data_type)
        if len(tensor.raw_data) != -(-count * bits // 8):
            raise CheckpointError(
                f"{name!r} is damaged: tensor {tensor.name!r} of shape {tuple(tensor.dims)} has "
                f"{len(tensor.raw_data)} bytes"
            )
    try:
        values = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"{name!r} is damaged: tensor {tensor.name!r} cannot be read ({error})"
        ) from None
    check_weights(tensor.name, np.asarray(values))
    return count


def _item_bytes(kind: int) -> int:
    return int(onnx.helper.tensor_dtype_to_np_dtype(kind).itemsize)


def dims_of(value: Any) -> tuple[Dim, ...] | None:
    """The shape that a graph gives for one of its values, open sides as None; None if unknown."""
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        return None
    return tuple(_dim(one) for one in kind.shape.dim)


def _dim(one: Any) -> Dim:
    # Some exporters write -1 or 0 for an open dimension.
    return int(one.dim_value) if one.HasField("dim_value") and one.dim_value > 0 else None
