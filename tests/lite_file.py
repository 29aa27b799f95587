"""A small LiteRT file: a linear classifier of digits, channels last."""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema


def linear_file(weights: np.ndarray, bias: np.ndarray, *, batch: int = 1) -> bytes:
    """Scores = images (B, 8, 8, 1) flattened times weights (64, K), plus bias (K,)."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.subgraphs, model.buffers = 3, [graph], [schema.BufferT()]
    graph.tensors, graph.inputs, graph.outputs = [], [0], [5]
    classes = len(bias)
    for name, shape, values in (
        ("images", [batch, 8, 8, 1], None),
        ("flat", [batch, 64], None),
        ("shape", [2], np.array([-1, 64], np.int32)),
        ("weights", [classes, 64], np.ascontiguousarray(weights.T, np.float32)),
        ("bias", [classes], bias.astype(np.float32)),
        ("scores", [batch, classes], None),
    ):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = name.encode(), shape, 0
        tensor.type = schema.TensorType.INT32 if name == "shape" else schema.TensorType.FLOAT32
        if values is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
            model.buffers.append(buffer)
            tensor.buffer = len(model.buffers) - 1
        graph.tensors.append(tensor)
    reshape, dense = schema.BuiltinOperator.RESHAPE, schema.BuiltinOperator.FULLY_CONNECTED
    model.operatorCodes, graph.operators = [], []
    for number, (code, given, out) in enumerate(((reshape, [0, 2], 1), (dense, [1, 3, 4], 5))):
        kind, operator = schema.OperatorCodeT(), schema.OperatorT()
        kind.builtinCode = kind.deprecatedBuiltinCode = code
        model.operatorCodes.append(kind)
        operator.opcodeIndex, operator.inputs, operator.outputs = number, given, [out]
        if code == dense:
            operator.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
            operator.builtinOptions = schema.FullyConnectedOptionsT()
        graph.operators.append(operator)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
