"""Small graph files for tests: an exported network, its int8 form, its OpenVINO form."""

import warnings
from pathlib import Path

import numpy as np
import onnx
import openvino as ov
import torch
from onnx import helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
from torch import nn


def export_onnx(
    module: nn.Module, shape: tuple[int, int, int], path: Path, *, batch: int | None = None
) -> Path:
    """Write a module as ONNX, for any number of images or for a fixed one."""
    axes = None if batch else {"images": {0: "n"}, "scores": {0: "n"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            (torch.zeros(batch or 2, *shape),),
            str(path),
            dynamo=False,
            input_names=["images"],
            output_names=["scores"],
            dynamic_axes=axes,
        )
    return path


class _Images(CalibrationDataReader):
    def __init__(self, images: np.ndarray) -> None:
        self._parts = iter(np.array_split(images, max(1, len(images) // 16)))

    def get_next(self) -> dict[str, np.ndarray] | None:
        part = next(self._parts, None)
        return None if part is None else {"images": part}


def quantise_onnx(source: Path, path: Path, images: np.ndarray) -> Path:
    """Write the int8 form (QuantizeLinear and DequantizeLinear pairs) of an ONNX file."""
    quantize_static(source, path, _Images(images), quant_format=QuantFormat.QDQ, per_channel=True)
    return path


def save_ir(source: Path, path: Path) -> Path:
    """Write an ONNX file as OpenVINO IR, every bit kept."""
    ov.save_model(ov.convert_model(source), path, compress_to_fp16=False)
    return path


def noisy(shape: tuple[int, int, int], count: int = 200, sigma: float = 0.5) -> np.ndarray:
    """Random images under noise."""
    rng = np.random.default_rng(0)
    images = rng.random((count, *shape), np.float32)
    return images + np.float32(sigma) * rng.standard_normal(images.shape, np.float32)


_DIGITS = (1, 8, 8)


def _given(name: str, value: object) -> onnx.TensorProto:
    return onnx.numpy_helper.from_array(np.asarray(value), name)


_CONSTANTS = [
    _given("zero", np.float32(0)),
    _given("one", np.float32(1)),
    _given("half", np.float32(0.5)),
    _given("rows", np.array([0])),
    _given("first", np.array([1])),
    _given("yes", np.array(True)),
    _given("scale", np.ones(1, np.float32)),
    _given("bias", np.zeros(1, np.float32)),
    _given("zeroth", np.array(0)),
    _given("pixels", np.array([1, 2, 3])),
]


def linear_graph(path: Path, *nodes: onnx.NodeProto, batch: int | str = "n") -> Path:
    """Write a linear network of digits behind nodes that make `z` of the images `x`.

    Nodes may use the constants by name.
    """
    weights = np.random.default_rng(0).standard_normal((64, 10)).astype(np.float32)
    last = [
        helper.make_node("Flatten", ["z"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["y"]),
    ]
    used = {name for one in nodes for name in one.input}
    made = helper.make_model(
        helper.make_graph(
            [*nodes, *last],
            "g",
            [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [batch, *_DIGITS])],
            [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [batch, 10])],
            [_given("w", weights), *(one for one in _CONSTANTS if one.name in used)],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
    )
    made.ir_version = 10
    path.write_bytes(made.SerializeToString())
    return path
