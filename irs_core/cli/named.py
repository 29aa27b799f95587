"""Models that a command names: files, code of the caller's own, servers."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from irs_core.errors import SpecError
from irs_core.graphs import file_compression, is_graph_file
from irs_core.graphs.files import content_digest
from irs_core.run.options import RunOptions
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.compressions import Compression
from irs_core.spec.outside import CALL_PREFIX, SHIPPED_PREFIX, CodeModel, is_address, is_url
from irs_core.spec.parts import file_of
from irs_core.spec.study import DataSpec, ModelSpec, StudySpec

_WEIGHTS = ".safetensors"


def read_models(
    spec: ModelSpec, texts: Sequence[str], data: DataSpec
) -> tuple[ModelSpec, tuple[Compression, ...]]:
    """The original and its compressed models; files are read, code is run, servers are asked.

    Args:
        texts: Of compressed models.

    Raises:
        IrsError: A text names none, or what it names cannot be used.
    """
    if _runs_here(spec.weights):
        # torch takes seconds to import, so it is left to those who need it.
        from irs_core.run.named import named_model

        spec = named_model(spec, data)
    return spec, read_compressions(texts, data, spec.num_classes)


def read_compressions(
    texts: Sequence[str], data: DataSpec, num_classes: int | None
) -> tuple[Compression, ...]:
    """Compressed models that a command names; see `read_models`.

    An original that stands in a stored study is not named by anybody here, and is left alone.
    """
    if not any(map(_runs_here, texts)):
        return tuple(file_compression(text) or parse_compression(text) for text in texts)
    from irs_core.run.named import named_compressions

    return named_compressions(texts, data=data, num_classes=num_classes)


def check_can_wait(spec: StudySpec) -> None:
    """Refuse to queue code, which runs only in the command that names it.

    Raises:
        SpecError: A model of the study is code.
    """
    code = [one.address for one in spec.compressions if isinstance(one, CodeModel)]
    if spec.model.weights.startswith(f"{CALL_PREFIX}:"):
        code.append(spec.model.weights.partition("#")[0])
    if code:
        raise SpecError(
            f"{code[0]} is code, which runs only in the command that names it, never in the "
            "background: leave out --queue"
        )


def rights_to_wait(spec: StudySpec, options: RunOptions) -> RunOptions:
    """What a study may run in the background: the programs that it names, as they are at present.

    A study that names none may run none, and where one may run, the original's file is told by its
    content; files of compressed models are so in every study.
    """
    files = [one.path for one in map(file_of, spec.compressions) if one is not None]
    if not any(map(is_program, (spec.model.weights, *files))):
        return replace(options, programs=False)
    path = Path(spec.model.weights)
    return replace(options, original=content_digest(path) if path.is_file() else None)


def is_outside(text: str) -> bool:
    """Whether a text names code, a program in a file or a server, none of which is plain data."""
    path = text.removeprefix("classifier:").removeprefix("denoiser:")
    path = path.removeprefix("file-normalized:").removeprefix("file:")
    return text.startswith(f"{CALL_PREFIX}:") or is_url(path) or is_program(path)


def is_program(path: str) -> bool:
    """Whether a path leads to a file that is run as a program (TorchScript, LiteRT)."""
    if path.endswith(_WEIGHTS) or is_graph_file(path) or not Path(path).expanduser().is_file():
        return False
    # torch takes seconds to import; only files that are no plain weights are looked at.
    from irs_core.models.recognise import is_torchscript

    return path.endswith(".tflite") or is_torchscript(Path(path).expanduser())


def is_own_code(text: str) -> bool:
    """Whether a text names code, `package.module:make`, and not a file or a shipped model."""
    if text.startswith(SHIPPED_PREFIX) or Path(text).exists():
        return False
    return is_address(text.removeprefix(f"{CALL_PREFIX}:"))


def _runs_here(text: str) -> bool:
    """Whether a text may name code, a program or a server, which this process has to be given."""
    if text.startswith(SHIPPED_PREFIX):
        return False
    if is_address(text.removeprefix(f"{CALL_PREFIX}:")) or is_url(text):
        return True
    path = Path(text).expanduser()
    return path.suffix != _WEIGHTS and not is_graph_file(text) and path.is_file()
