"""A mixed network as the file that is deployed, and as lists for other tools."""

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from irs_core.approx.int8_static import same_layer
from irs_core.approx.layers import weighted_layers
from irs_core.approx.mixed import int8_layers, made_of, reshaped, treatments
from irs_core.errors import ApproximationError
from irs_core.spec.compressions import Compression, Int8Static
from irs_core.spec.mixed import Mixed, Treatment, parse_mixed

_OPSET = 17
_BATCH = 50
_WEIGHTED = ("Conv", "Gemm", "MatMul")


def as_mixed(compression: Compression) -> Mixed:
    """A compression as treatments by layer.

    Raises:
        ApproximationError: It is none that can be written so.
    """
    if isinstance(compression, Mixed):
        return compression
    if compression == Int8Static():
        return parse_mixed("mixed:int8")
    raise ApproximationError(
        f"{compression} is a way to run a network, not a network of its own: deploy the original "
        "and have it run so"
    )


def to_onnx(
    module: nn.Module,
    config: Mixed,
    *,
    input_shape: tuple[int, int, int],
    calibration: NDArray[np.float32],
) -> tuple[bytes, dict[str, str]]:
    """The network as ONNX, int8 layers between QuantizeLinear and DequantizeLinear.

    Other treatments lie in its weights. The file is another function than the network that a study
    runs: other software rounds and calibrates it. What it is worth, certify of it.

    Args:
        calibration: Noisy images (M, channels, height, width) that set ranges; no labels.

    Returns:
        The file, input `images`, output `scores`; and the name of each layer's node in it.

    Raises:
        ApproximationError: The network cannot be exported or quantised.
    """
    shaped = copy.deepcopy(module).eval()
    only = int8_layers(shaped, config)
    shaped = reshaped(shaped, config)
    model = _exported(shaped, input_shape)
    nodes = node_names(model, shaped)
    if only:
        missing = sorted(set(only) - set(nodes))
        if missing:
            raise ApproximationError(f"the exported file has no node for {missing[0]}")
        chosen = {nodes[name] for name in only}
        model = _quantised(
            model, [one for one in _weighted(model) if one not in chosen], calibration
        )
    return model.SerializeToString(deterministic=True), nodes


def node_names(model: Any, module: nn.Module) -> dict[str, str]:
    """Name of the ONNX node of each convolution and linear layer, by the layer's name."""
    import onnx

    weights = {
        name: layer.weight.detach().flatten(1).numpy()
        for name, layer in weighted_layers(module).items()
    }
    found: dict[str, str] = {}
    for own, (kind, constant) in _weighted(model).items():
        rows = np.asarray(onnx.numpy_helper.to_array(constant), np.float32)
        rows = rows.T if kind == "MatMul" else rows
        name = same_layer(rows.reshape(len(rows), -1), weights)
        if name is not None:
            found[name] = own
            # Two layers of the same weights are told apart by their order.
            del weights[name]
    return found


def _weighted(model: Any) -> dict[str, tuple[str, Any]]:
    """Kind and weights of each node that has weights, by its name, in the file's order."""
    constants = {one.name: one for one in model.graph.initializer}
    return {
        node.name: (node.op_type, constants[node.input[1]])
        for node in model.graph.node
        if node.op_type in _WEIGHTED and len(node.input) > 1 and node.input[1] in constants
    }


def _exported(module: nn.Module, input_shape: tuple[int, int, int]) -> Any:
    import onnx

    axes = {"images": {0: "n"}, "scores": {0: "n"}}
    try:
        with (
            TemporaryDirectory() as folder,
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            file = Path(folder) / "network.onnx"
            torch.onnx.export(
                module.eval(),
                (torch.zeros(2, *input_shape),),
                file,
                dynamo=False,
                opset_version=_OPSET,
                input_names=["images"],
                output_names=["scores"],
                dynamic_axes=axes,
            )
            return _without_casts(onnx.load_model(file))
    except Exception as error:  # exporters fail in many ways
        raise ApproximationError(f"the network cannot be written as ONNX: {error}") from error


def _without_casts(model: Any) -> Any:
    """The model without casts of 32-bit numbers to 32-bit numbers, on which NNCF fails."""
    import onnx

    made_by = {output: node for node in model.graph.node for output in node.output}
    for node in [one for one in model.graph.node if one.op_type == "Cast"]:
        to = next(one.i for one in node.attribute if one.name == "to")
        before = made_by.get(node.input[0])
        read = sum(node.input[0] in one.input for one in model.graph.node)
        if to == onnx.TensorProto.FLOAT and before is not None and read == 1:
            before.output[list(before.output).index(node.input[0])] = node.output[0]
            model.graph.node.remove(node)
    return model


def _quantised(model: Any, keep: list[str], calibration: NDArray[np.float32]) -> Any:
    try:
        import nncf
    except ImportError as error:
        raise ApproximationError(f"int8 needs nncf ({error})") from None
    nncf.set_log_level(logging.ERROR)
    batches = [
        {"images": calibration[at : at + _BATCH]} for at in range(0, len(calibration), _BATCH)
    ]
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return nncf.quantize(
                model,
                nncf.Dataset(batches),
                preset=nncf.QuantizationPreset.MIXED,
                subset_size=len(batches),
                ignored_scope=nncf.IgnoredScope(names=keep) if keep else None,
            )
    except Exception as error:
        raise ApproximationError(f"NNCF cannot quantise the file: {error}") from error


def precision_lists(module: nn.Module, config: Mixed, nodes: Mapping[str, str]) -> dict[str, Any]:
    """What other tools have to be told to treat the same layers alike.

    Args:
        nodes: Names of the layers' ONNX nodes, as `to_onnx` gives them.

    Returns:
        By tool: `nncf` and `onnxruntime` name nodes of the exported file that stay out of int8,
        `modelopt` is a configuration by names of PyTorch modules, those of two thinner layers
        where a layer was split. `treatments` says it all.
    """
    wanted = treatments(module, config)
    out = [
        nodes[own]
        for name, one in wanted.items()
        if one.precision != "int8"
        for own in made_of(nodes, name)
    ]
    return {
        "treatments": {name: str(one) for name, one in wanted.items()},
        "nncf": {"ignored_scope": {"names": out}},
        "onnxruntime": {"nodes_to_exclude": out},
        "modelopt": {"quant_cfg": _modelopt(wanted, nodes), "algorithm": "max"},
    }


def _modelopt(wanted: Mapping[str, Treatment], nodes: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "*weight_quantizer": {"num_bits": 8, "axis": 0},
        "*input_quantizer": {"num_bits": 8, "axis": None},
    }
    for name, treatment in wanted.items():
        if treatment.precision == "int8":
            continue
        four = treatment.precision == "int4"
        weights = {"num_bits": 4, "axis": 0} if four else {"enable": False}
        for own in made_of(nodes, name):
            # The network without the normalisation before it.
            module = own.removeprefix("network.")
            found[f"{module}.weight_quantizer"] = weights
            found[f"{module}.input_quantizer"] = {"enable": False}
    return found
