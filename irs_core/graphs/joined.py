"""An ONNX denoiser in front of an ONNX classifier, as one ONNX file."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from irs_core.errors import CheckpointError, first_line
from irs_core.graphs.denoising import DENOISER_NAMES, DENOISER_STARTS, DenoiserGraph
from irs_core.graphs.facts import check_dims
from irs_core.graphs.files import read_bytes
from irs_core.graphs.onnx_file import checked_tensors, dims_of, examine, inline
from irs_core.graphs.outputs import Dim, shape_text
from irs_core.graphs.read import GraphFile

_BETWEEN = "between/"
_CLASSIFIER_NAMES = "classifier/"
_WHITE = 255.0
_REVERSED = np.array([2, 1, 0], np.int64)


def read_denoiser_graph(path: Path) -> DenoiserGraph:
    """Read an ONNX file that takes noisy images in [0, 1] and gives images of the same shape.

    Whatever scaling the denoiser needs (a diffusion model's, for instance) has to be inside.

    Raises:
        CheckpointError: It is missing, damaged, or no such network.
    """
    content = read_bytes(path)
    digests = [hashlib.sha256(content).hexdigest()]
    graph, external = inline(content, path)
    digests += external
    digest = digests[0]
    if external:
        digest = hashlib.sha256(" ".join(digests).encode()).hexdigest()
    return denoiser_graph(graph, path.name, digest)


def denoiser_graph(graph: bytes, name: str, digest: str) -> DenoiserGraph:
    """The same from the bytes of a file whose weights are all in it.

    Raises:
        CheckpointError: It is no network from images to images.
    """
    model, parameters = checked_tensors(graph, name)
    try:
        model = shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:  # its native part has no documented set of errors
        raise CheckpointError(f"{name!r} has shapes that do not fit: {first_line(error)}") from None
    given, made = _inputs(model), list(model.graph.output)
    if len(given) != 1 or not made:
        raise CheckpointError(f"a denoiser takes one input; {name!r} takes {len(given)}")
    shape, back = dims_of(given[0]), dims_of(made[0])
    for dims in (shape, back):
        check_dims(name, dims or ())
    floats = {one.type.tensor_type.elem_type for one in (given[0], made[0])} == {TensorProto.FLOAT}
    if not floats or shape is None or len(shape) != 4 or not _agree(shape, back):
        raise CheckpointError(
            f"a denoiser gives images of the shape that it takes, (N, channels, height, width) of "
            f"32-bit floats in [0, 1]; {name!r} takes {shape_text(shape)} and gives "
            f"{shape_text(back)}"
        )
    return DenoiserGraph(name, graph, shape, digest, parameters)


def joined(
    denoiser: DenoiserGraph,
    classifier: GraphFile,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
) -> GraphFile:
    """The composition as one file that takes noisy images in [0, 1].

    Args:
        classifier: With its output of scores chosen.
        mean, std: Normalisation between the two; None for none.

    Raises:
        CheckpointError: Their shapes differ, or they cannot be written for one version of ONNX.
    """
    first, second = _one_version(
        onnx.load_model_from_string(denoiser.graph),
        onnx.load_model_from_string(classifier.graph),
    )
    own = ""
    if any(start.encode() in classifier.graph for start in DENOISER_STARTS):
        # A file that denoises already: names tell what is in it from the denoiser before it.
        own = _CLASSIFIER_NAMES
        second = onnx.compose.add_prefix(second, own)
    first = onnx.compose.add_prefix(first, DENOISER_NAMES)
    (images,), (takes,) = _inputs(first), _inputs(second)
    del first.graph.value_info[:], second.graph.value_info[:]
    _settle(images, denoiser.shape, _taken(classifier), classifier.name)
    bridge, constants = _bridge(first.graph.output[0].name, takes.name, classifier, mean, std)
    graph = helper.make_graph(
        [*first.graph.node, *bridge, *second.graph.node],
        "denoiser_then_classifier",
        [images],
        list(second.graph.output),
        [*first.graph.initializer, *constants, *second.graph.initializer],
    )
    whole = helper.make_model(
        graph,
        opset_imports=_opsets(first, second),
        functions=[*first.functions, *second.functions],
        ir_version=max(first.ir_version, second.ir_version),
    )
    content = whole.SerializeToString(deterministic=True)
    name = f"{denoiser.name} + {classifier.name}"
    facts = examine(content, name)
    wanted = f"{own}{classifier.facts.output.name}"
    chosen = next(one for one in facts.outputs if one.name == wanted)
    return replace(
        classifier,
        name=name,
        graph=content,
        facts=facts.with_output(chosen),
        digest=hashlib.sha256(content).hexdigest(),
    )


def _inputs(model: Any) -> list[Any]:
    known = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in known]


def _agree(one: tuple[Dim, ...], other: tuple[Dim, ...] | None) -> bool:
    return other is None or (
        len(one) == len(other)
        and all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))
    )


def _taken(classifier: GraphFile) -> tuple[Dim, ...]:
    return classifier.facts.batch, *classifier.facts.input_shape


def _settle(value: Any, own: tuple[Dim, ...], other: tuple[Dim, ...], name: str) -> None:
    """Give the input of the whole the sides that either part knows."""
    if not _agree(own, other):
        raise CheckpointError(
            f"the denoiser gives images of shape {shape_text(own)}; {name!r} takes "
            f"{shape_text(other)}"
        )
    shape = value.type.tensor_type.shape
    for place, (a, b) in enumerate(zip(own, other, strict=True)):
        known = b if a is None else a
        if known is not None:
            shape.dim[place].dim_value = known


def _bridge(
    source: str,
    target: str,
    classifier: GraphFile,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
) -> tuple[list[Any], list[Any]]:
    """Nodes and constants from denoised images in [0, 1] to what the classifier's file takes."""
    facts = classifier.facts
    steps: list[tuple[str, list[Any], dict[str, Any]]] = []
    if mean is not None and std is not None:
        steps += [("Sub", [_channels(mean)], {}), ("Div", [_channels(std)], {})]
    if facts.element == "u8":
        steps += [
            ("Mul", [np.float32(_WHITE)], {}),
            ("Round", [], {}),
            ("Clip", [np.float32(0), np.float32(_WHITE)], {}),
        ]
    if facts.reversed:
        steps.append(("Gather", [_REVERSED], {"axis": 1}))
    if facts.channels_last:
        steps.append(("Transpose", [], {"perm": [0, 2, 3, 1]}))
    kinds = {"f16": TensorProto.FLOAT16, "f64": TensorProto.DOUBLE, "u8": TensorProto.UINT8}
    if facts.element in kinds:
        steps.append(("Cast", [], {"to": kinds[facts.element]}))
    nodes, constants = [], []
    for number, (kind, values, attributes) in enumerate(steps):
        names = []
        for place, value in enumerate(values):
            names.append(f"{_BETWEEN}{number}/{place}")
            constants.append(numpy_helper.from_array(np.asarray(value), names[-1]))
        made = f"{_BETWEEN}{number}"
        nodes.append(helper.make_node(kind, [source, *names], [made], made, **attributes))
        source = made
    nodes.append(helper.make_node("Identity", [source], [target], f"{_BETWEEN}end"))
    return nodes, constants


def _channels(values: tuple[float, ...]) -> Any:
    return np.asarray(values, np.float32).reshape(1, -1, 1, 1)


def _version(model: Any) -> int:
    return int(
        next((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), 1)
    )


def _one_version(first: Any, second: Any) -> tuple[Any, Any]:
    """Both in the newer one of their two versions of ONNX's operations."""
    wanted = max(_version(first), _version(second))
    try:
        made = [
            one if _version(one) == wanted else onnx.version_converter.convert_version(one, wanted)
            for one in (first, second)
        ]
    except Exception as error:  # its native part has no documented set of errors
        raise CheckpointError(
            "denoiser and classifier are written for different versions of ONNX's operations, and "
            f"cannot be converted ({first_line(error)}); export them with the same opset"
        ) from None
    return made[0], made[1]


def _opsets(first: Any, second: Any) -> list[Any]:
    found = {one.domain: one for model in (first, second) for one in model.opset_import}
    return list(found.values())
