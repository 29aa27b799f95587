"""Graph files as OpenVINO models that take images in [0, 1] and give scores."""

from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as operations
from openvino.preprocess import PrePostProcessor

from irs_core.backends.graph_io import WHITE
from irs_core.backends.reasons import reason
from irs_core.errors import ApproximationError
from irs_core.graphs.outputs import Output
from irs_core.models.graph import GraphModule
from irs_core.spec.cost import LayerBits, Size

_WEIGHTED = ("Convolution", "GroupConvolution", "MatMul")


def from_graph_file(module: GraphModule, core: ov.Core) -> ov.Model:
    """The OpenVINO form of a graph file, taking 32-bit images before their normalisation.

    Raises:
        ApproximationError: OpenVINO cannot read it.
    """
    file = module.file
    try:
        model = core.read_model(file.graph, file.constants or None)
        return _with_scores(_with_images(model, module), file.facts.output)
    except RuntimeError as error:
        raise ApproximationError(f"OpenVINO cannot run {file.name}: {reason(error)}") from error


def model_size(model: ov.Model) -> Size:
    """The size of an OpenVINO model, whose constants are held as they are stored."""
    constants = [one for one in model.get_ordered_ops() if one.get_type_name() == "Constant"]
    layers: list[LayerBits] = []
    for operation in model.get_ordered_ops():
        if operation.get_type_name() in _WEIGHTED:
            found = _constant_behind(operation.input_value(1).get_node())
            if found is not None:
                bits = found.get_element_type().bitwidth
                count = int(np.prod(list(found.get_output_shape(0))))
                # Names change from conversion to conversion.
                name = f"{operation.get_type_name()} {len(layers) + 1}"
                layers.append(LayerBits(name, count, bits, bits))
    held = sum(one.get_byte_size() for one in constants)
    return Size(held, held, tuple(layers))


def _constant_behind(node: Any) -> Any:
    """The constant that a weight is made from, through scales and conversions; else None."""
    while node.get_type_name() != "Constant" and node.get_input_size():
        node = node.input_value(0).get_node()
    return node if node.get_type_name() == "Constant" else None


def _with_images(model: ov.Model, module: GraphModule) -> ov.Model:
    facts, steps = module.file.facts, PrePostProcessor(model)
    given = steps.input()
    given.tensor().set_element_type(ov.Type.f32).set_layout(ov.Layout("NCHW"))
    given.model().set_layout(ov.Layout("NHWC" if facts.channels_last else "NCHW"))
    if module.mean is not None and module.std is not None:
        given.preprocess().mean(list(module.mean)).scale(list(module.std))
    if facts.reversed:
        given.preprocess().reverse_channels()
    if facts.element == "u8":
        given.preprocess().custom(_whole)
    return steps.build()


def _whole(images: Any) -> Any:
    white = operations.multiply(images, operations.constant(WHITE, ov.Type.f32))
    return operations.clamp(operations.round(white, "half_to_even"), 0.0, float(WHITE)).output(0)


def _with_scores(model: ov.Model, output: Output) -> ov.Model:
    results = model.get_results()
    kept = results[output.index]
    source = kept.input_value(0)
    others = [one for one in results if one.get_name() != kept.get_name()]
    plain = not others and output.shape is not None and not output.squeezed and not output.single
    if plain and source.get_element_type() == ov.Type.f32:
        return model
    rows = _rows(source, output)
    kept.input(0).replace_source_output(rows.output(0))
    for one in others:
        model.remove_result(one)
    model.validate_nodes_and_infer_types()
    return model


def _rows(source: Any, output: Output) -> Any:
    # Scores of a network without a batch axis are those of its only image.
    lost = output.shape is not None and len(output.shape) == 1 and not output.single
    shape = operations.constant([1 if lost else 0, -1], ov.Type.i64)
    rows = operations.reshape(operations.convert(source, "f32"), shape, special_zero=not lost)
    if not output.single:
        return rows
    if output.single == "probability":
        other = operations.subtract(operations.constant(1, ov.Type.f32), rows)
    else:
        other = operations.multiply(rows, operations.constant(0, ov.Type.f32))
    return operations.concat([other, rows], 1)
