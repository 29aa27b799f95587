"""The XML of an OpenVINO IR: parsed without entities; what its makers wrote into it by name."""

import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

from irs_core.errors import CheckpointError

Element = ElementTree.Element
# Entities expand without bound; no IR has any.
_ENTITIES = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)


def parse_xml(graph: bytes, name: str) -> Element:
    """The root of an IR's XML.

    Raises:
        CheckpointError: It holds a document type.
        ElementTree.ParseError: It is no XML.
    """
    if _ENTITIES.search(graph) or b"\x00" in graph:
        raise CheckpointError(f"{name!r} holds a document type, which an IR never has")
    return ElementTree.fromstring(graph)


def texts_of(root: Element) -> Mapping[str, str]:
    """The values in `rt_info` (`meta_data` in older files), by their path there."""
    found: dict[str, str] = {}
    for top in (*root.findall("rt_info"), *root.findall("meta_data")):
        for one in top:
            for name, value in _below(one, one.tag):
                found.setdefault(name, value)
    return found


def _below(one: Element, name: str) -> Iterator[tuple[str, str]]:
    if one.get("value") is not None:
        yield name, one.get("value", "")
    # Deeper parts describe layers and tools.
    for inner in one if "/" not in name else ():
        yield from _below(inner, f"{name}/{inner.tag}")
