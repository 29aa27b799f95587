"""From a path to a checked graph file. Free of torch."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from irs_core.errors import CheckpointError
from irs_core.graphs.facts import GraphFacts
from irs_core.graphs.files import content_digest, read_bytes
from irs_core.integer.files import is_network, read_network
from irs_core.spec.compressions import FILE_PREFIX, NORMALIZED_PREFIX, FileModel
from irs_core.spec.parts import PARTS, PartOnly

Format = Literal["onnx", "openvino"]
SUFFIXES: dict[str, Format] = {".onnx": "onnx", ".xml": "openvino"}
# Files that PyTorch or LiteRT reads.
_WEIGHTS = (".safetensors", ".pt", ".pth", ".tar", ".ckpt", ".th", ".ts", ".tflite")
_DIGITS = 16
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, eq=False)
class GraphFile:
    """A network as it is deployed: the bytes of its files, and what they say about it.

    Args:
        name: File name, for people.
        graph: The ONNX file with all weights in it, or the XML of an OpenVINO IR.
        constants: The .bin file of an OpenVINO IR; empty for ONNX.
        digest: SHA-256 (hexadecimal) of the file; where weights lie in further files (the .bin of
            an IR, external data of ONNX), of the digests of all of them.
    """

    name: str
    format: Format
    graph: bytes
    constants: bytes
    facts: GraphFacts
    digest: str

    @property
    def size_bytes(self) -> int:
        """Bytes of the files."""
        return len(self.graph) + len(self.constants)


def is_model_file(path: str) -> bool:
    """Whether a path names a file of a network, by its suffix."""
    return Path(path).suffix.lower() in (*SUFFIXES, *_WEIGHTS)


def is_graph_file(path: str) -> bool:
    """Whether a path names a graph file, by its suffix."""
    return Path(path).suffix.lower() in SUFFIXES


def read_graph(path: Path) -> GraphFile:
    """Read an ONNX file or an OpenVINO IR (the .xml, its .bin beside it).

    Weights in further files are taken from the same folder only.

    Raises:
        CheckpointError: A file is missing, damaged or unsafe; or the network is not one from an
            image (N, channels, height, width) of floats to scores (N, classes).
    """
    path = Path(path).expanduser()
    if _UNPRINTABLE.search(str(path)):
        raise CheckpointError(f"a file name may not hold control characters; got {str(path)!r}")
    known = SUFFIXES.get(path.suffix.lower())
    if known is None:
        raise CheckpointError(f"a graph file ends with {' or '.join(SUFFIXES)}; got {path.name!r}")
    graph, digests = read_bytes(path), []
    digests.append(hashlib.sha256(graph).hexdigest())
    constants = b""
    if known == "onnx":
        from irs_core.graphs.onnx_file import examine, inline

        graph, external = inline(graph, path)
        digests += external
        facts = examine(graph, path.name)
    else:
        from irs_core.graphs.ir_file import examine as examine_ir

        constants = read_bytes(path.with_suffix(".bin"))
        digests.append(hashlib.sha256(constants).hexdigest())
        facts = examine_ir(graph, constants, path.name)
    digest = digests[0]
    if len(digests) > 1:
        digest = hashlib.sha256(" ".join(digests).encode()).hexdigest()
    return GraphFile(path.name, known, graph, constants, facts, digest)


def file_compression(text: str) -> FileModel | PartOnly | None:
    """The compressed model that `file:PATH` or `file-normalized:PATH` names, or one part of it as
    in `classifier:file:PATH`; None for other texts, among them complete descriptions, which
    `parse_compression` reads.

    The file is read, so that the description carries its digest: the study is about this
    content, not about whatever lies at the path later.

    Raises:
        CheckpointError: The file cannot be used.
    """
    prefix, _, rest = text.strip().partition(":")
    for part in PARTS:
        if prefix == part:
            inner = _part_file(rest) if part == "denoiser" else file_compression(rest)
            return None if inner is None else PartOnly(part, inner)
    if prefix not in (FILE_PREFIX, NORMALIZED_PREFIX):
        return None
    if "#" in rest and not Path(rest).expanduser().exists():
        # A description that carries its digest already.
        return None
    path = Path(rest).expanduser().absolute()
    return FileModel(str(path), _digest(path)[:_DIGITS], prefix == NORMALIZED_PREFIX)


def _part_file(text: str) -> FileModel | None:
    """A denoiser's file, which is no classifier: only its content is looked at."""
    prefix, _, rest = text.partition(":")
    if prefix != FILE_PREFIX or ("#" in rest and not Path(rest).expanduser().exists()):
        return None
    path = Path(rest).expanduser().absolute()
    return FileModel(str(path), content_digest(path)[:_DIGITS])


def _digest(path: Path) -> str:
    if path.suffix.lower() not in _WEIGHTS:
        return read_graph(path).digest
    return read_network(path).digest if is_network(path) else content_digest(path)
