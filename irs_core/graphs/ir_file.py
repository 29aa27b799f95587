"""OpenVINO IR: the graph as XML, the constants in a .bin file beside it."""

from collections.abc import Sequence
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np

from irs_core.errors import CheckpointError
from irs_core.graphs.facts import Element, GraphFacts, check_dims, check_weights, facts_of
from irs_core.graphs.ir_layers import Links, precision_of
from irs_core.graphs.ir_xml import parse_xml, texts_of
from irs_core.graphs.order_said import order_said
from irs_core.graphs.outputs import Dim, Output

_FLOATS = {"f16": np.float16, "f32": np.float32, "f64": np.float64}
_ELEMENTS: dict[str, Element] = {"f16": "f16", "f32": "f32", "f64": "f64", "u8": "u8"}
Layer = ElementTree.Element


def examine(graph: bytes, constants: bytes, name: str) -> GraphFacts:
    """Check an IR.

    Raises:
        CheckpointError: It is damaged, too large, or no image classifier.
    """
    try:
        root = parse_xml(graph, name)
        layers = [one for one in root.iter("layer")]
        if root.tag != "net" or not layers:
            raise CheckpointError(f"{name!r} is no OpenVINO IR")
        for port in root.iter("port"):
            check_dims(name, _port(port))
        parameters = sum(_constant(one, constants, name) for one in layers if _is(one, "Const"))
        own = [one for one in root.findall("layers/layer")]
        inputs = [one for one in own if _is(one, "Parameter")]
        elements = [_ELEMENTS.get(_data(one).get("element_type") or "") for one in inputs]
        element = elements[0] if elements else "f32"
        if element is None or None in elements:
            raise CheckpointError(
                f"{name!r} must take images of floats (16, 32 or 64 bits) or of 8-bit whole "
                "numbers from 0 to 255"
            )
        links = Links(root)
        facts = facts_of(
            name,
            [_dims((_data(one).get("shape") or "").split(",")) for one in inputs],
            [
                Output(links.name(one), place, _result(one), links.sigmoid(one))
                for place, one in enumerate(one for one in own if _is(one, "Result"))
            ],
            element=element,
            parameters=parameters,
            precision=precision_of(layers),
        )
        return replace(facts, order_said=order_said(texts_of(root)))
    except ElementTree.ParseError as error:
        raise CheckpointError(f"{name!r} is damaged: {error}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{name!r} is damaged: {error or type(error).__name__}") from None


def _is(layer: Layer, kind: str) -> bool:
    return layer.get("type") == kind


def _data(layer: Layer) -> Layer:
    found = layer.find("data")
    return ElementTree.Element("data") if found is None else found


def _dims(texts: Sequence[str]) -> tuple[Dim, ...]:
    return tuple(_dim(text.strip()) for text in texts)


def _dim(text: str) -> Dim:
    # "?" and -1 are open; "1..8" is open within bounds.
    return None if text in ("?", "-1") or ".." in text else int(text)


def _port(port: Layer) -> tuple[Dim, ...]:
    return _dims([one.text or "" for one in port.findall("dim")])


def _result(layer: Layer) -> tuple[Dim, ...] | None:
    port = layer.find("input/port")
    return None if port is None else _port(port)


def _constant(layer: Layer, constants: bytes, name: str) -> int:
    data = _data(layer)
    shape = (data.get("shape") or "").strip()
    count = check_dims(name, _dims(shape.split(",")) if shape else ())
    offset, size = int(data.get("offset", -1)), int(data.get("size", -1))
    if offset < 0 or size < 0 or offset + size > len(constants):
        raise CheckpointError(f"{name!r} names constants beyond the end of its .bin file")
    kind = _FLOATS.get(data.get("element_type", ""))
    if kind is not None:
        if size != count * np.dtype(kind).itemsize:
            raise CheckpointError(f"{name!r} is damaged: a constant has {size} bytes")
        check_weights(layer.get("name", ""), np.frombuffer(constants, kind, count, offset))
    return count
