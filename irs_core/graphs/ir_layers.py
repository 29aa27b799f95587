"""What the layers of an OpenVINO IR say about its precision and its scores."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from irs_core.graphs.precision import Precision, most

Layer = ElementTree.Element
# Layers after which the values are those before them, in another form.
_SAME = frozenset({"Reshape", "Squeeze", "Unsqueeze", "Convert", "Transpose", "FakeQuantize"})
_WORD_OF_LEVELS = ((16, "int4"), (256, "int8"), (65536, "int16"))


class Links:
    """Which layer feeds which, by the edges of an IR."""

    def __init__(self, root: Layer) -> None:
        self._layers = {one.get("id", ""): one for one in root.findall("layers/layer")}
        self._from = {
            (one.get("to-layer", ""), one.get("to-port", "")): (
                one.get("from-layer", ""),
                one.get("from-port", ""),
            )
            for one in root.findall("edges/edge")
        }

    def name(self, result: Layer) -> str:
        """The name of what a result holds."""
        layer, port = self._feeding(result)
        if layer is None:
            return result.get("name", "")
        for one in layer.findall("output/port"):
            if one.get("id") == port and one.get("names"):
                return (one.get("names") or "").split(",")[0]
        return layer.get("name", "")

    def sigmoid(self, result: Layer) -> bool:
        """Whether a result comes from a sigmoid, by layers that change no value."""
        layer, _ = self._feeding(result)
        # A damaged graph may run in a circle.
        for _ in range(len(self._layers)):
            if layer is None or layer.get("type") not in _SAME:
                break
            layer, _ = self._feeding(layer)
        return layer is not None and layer.get("type") == "Sigmoid"

    def _feeding(self, layer: Layer) -> tuple[Layer | None, str]:
        port = layer.find("input/port")
        number = "" if port is None else port.get("id", "")
        source, at = self._from.get((layer.get("id", ""), number), ("", ""))
        return self._layers.get(source), at


def precision_of(layers: Sequence[Layer]) -> Precision:
    """What an IR computes in, by its constants and the levels of its quantisation."""
    counts: dict[str, int] = {}
    levels = []
    for one in layers:
        found = one.find("data")
        data: Layer = ElementTree.Element("data") if found is None else found
        if one.get("type") == "Const":
            kind = data.get("element_type", "")
            if kind not in ("i64", "i32", "boolean", "string"):
                bits = int(re.sub(r"\D", "", kind) or 8)
                counts[kind] = counts.get(kind, 0) + 8 * int(data.get("size", 0)) // bits
        elif one.get("type") == "FakeQuantize":
            levels.append(int(data.get("levels", 256)))
    weights = most(counts)
    activations = ""
    if levels:
        common = max(sorted(set(levels)), key=levels.count)
        activations = next((word for most_, word in _WORD_OF_LEVELS if common <= most_), "int32")
        # Quantisation of weights that is still to be folded stands among the others.
        weights = activations if weights.startswith("fp") else weights
    return Precision(weights, activations)
