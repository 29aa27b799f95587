"""Where classifiers of a study come from, in words."""

from pathlib import Path

from irs_core.models import GraphModule, LoadedModel
from irs_core.spec.compressions import FileModel, ObjectModel
from irs_core.spec.outside import CodeModel, ServedModel

# Titles of originals that are neither weights of a known architecture nor graph files.
RUN_ELSEWHERE = {
    "object": "original (own code)",
    "torchscript": "original (TorchScript)",
    "litert": "original (LiteRT)",
    "server": "original (on a server)",
}


def with_denoiser(base: LoadedModel, title: str, note: str) -> tuple[str, str]:
    """Title and sentence of an original, which name the denoiser before it where there is one."""
    if base.parts is None:
        return title, note
    first = base.parts.denoiser
    return (
        f"denoiser, then {title}",
        f"The denoiser {Path(first.name).name} (digest {first.digest[:16]}), then the classifier, "
        f"as one function. {note}",
    )


def without_denoiser(base: LoadedModel) -> str:
    """What to add about a model that takes the original's place, where that one denoises first."""
    if base.parts is None:
        return ""
    return " It gets the noisy images themselves: the original's denoiser is not before it."


def origin_of(compression: ObjectModel | CodeModel | ServedModel) -> str:
    """What a compressed model that is no file is, in a sentence without its end."""
    if isinstance(compression, CodeModel):
        return f"Made by {compression.address} (digest {compression.digest})"
    if isinstance(compression, ServedModel):
        return f"Run by the server at {compression.url}"
    return "An object of the process that certified it"


def successor_note(compression: FileModel, found: LoadedModel) -> str:
    """What a file in the place of the original is, in a sentence without its end."""
    kinds = {"torchscript": "a program", "litert": "as it is"}
    what = kinds.get(found.arch, f"weights of {found.arch}")
    return f"The file {Path(compression.path).name} (SHA-256 {compression.digest}...), {what}"


def named_file(module: GraphModule) -> str:
    """A graph file by name and content."""
    return f"{module.file.name} (SHA-256 {module.file.digest})"


def handled(module: GraphModule) -> str:
    """What is done to images and scores around a file."""
    return "".join(f", {one}" for one in module.file.facts.notes)


def int8_bytes(base: LoadedModel, share_int8: float) -> int:
    """Bytes of a network of which a share of the layers is in int8."""
    module = base.module
    if isinstance(module, GraphModule):
        # Nearly all numbers of a classifier are weights.
        return int(base.parameters * (4 - 3 * share_int8))
    weights = sum(p.numel() for p in module.parameters() if p.dim() > 1)
    rest = sum(p.numel() for p in module.parameters() if p.dim() <= 1)
    return int(weights * (4 - 3 * share_int8)) + 4 * rest
