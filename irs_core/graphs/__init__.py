"""Networks as files of an exchange format (ONNX, OpenVINO IR), read and checked, never run."""

from irs_core.graphs.facts import GraphFacts
from irs_core.graphs.read import (
    SUFFIXES,
    GraphFile,
    file_compression,
    is_graph_file,
    is_model_file,
    read_graph,
)

__all__ = [
    "SUFFIXES",
    "GraphFacts",
    "GraphFile",
    "file_compression",
    "is_graph_file",
    "is_model_file",
    "read_graph",
]
