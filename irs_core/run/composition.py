"""A model that denoises first, of which one part is compressed or replaced by a file."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from torch import nn

from irs_core.approx import applied
from irs_core.approx.graph_weights import compressed_graph
from irs_core.errors import ApproximationError, CheckpointError
from irs_core.graphs import is_graph_file
from irs_core.graphs.denoising import DENOISER_STARTS
from irs_core.graphs.files import content_digest
from irs_core.models import GraphModule, LoadedModel, load_file_model, state_digest
from irs_core.models.denoised import composed, load_denoiser
from irs_core.models.denoiser import Denoiser
from irs_core.models.gradients import runs_in_torch
from irs_core.models.load import of_graph
from irs_core.models.loaded import Parts
from irs_core.models.successor import load_successor
from irs_core.run.given import packable
from irs_core.spec.compressions import FileModel, HalfWeights, LowRank, MagnitudePrune
from irs_core.spec.parts import PartOnly
from irs_core.spec.study import ModelSpec

_OF_LAYERS = (HalfWeights, MagnitudePrune, LowRank)


@dataclass(frozen=True, eq=False)
class Recomposed:
    """Both parts together, one of them another than the original's.

    Args:
        model: The composition; its digest is the key of its evidence.
        packable: Whether another process can build it from bytes.
    """

    model: LoadedModel
    note: str
    nonzero: int
    packable: bool


def parts_of(base: LoadedModel, compression: PartOnly) -> Parts:
    """The parts of the original.

    Raises:
        ApproximationError: It has none.
    """
    if base.parts is None:
        raise ApproximationError(
            f"{compression} names one part, and no denoiser stands in front of the original: give "
            f"one (--denoise FILE), or {compression.of} for the whole"
        )
    return base.parts


def layer_filter(compression: PartOnly) -> Callable[[str], bool]:
    """Whether a layer or a constant belongs to the part, by its name."""
    wanted = compression.part == "denoiser"
    return lambda name: name.startswith(DENOISER_STARTS) == wanted


def recomposed(
    compression: PartOnly, spec: ModelSpec, base: LoadedModel, *, programs: bool
) -> Recomposed:
    """The original with one part compressed, or replaced by a file.

    Args:
        spec, base: The original.
        programs: Whether programs that come in files may be run here.

    Raises:
        ApproximationError: There are no parts, or the compression is not one for a part.
        CheckpointError: The file has changed, cannot be read, or does not fit.
    """
    parts, of = parts_of(base, compression), compression.of
    if isinstance(of, FileModel):
        return _from_file(compression, of, spec, parts, programs=programs)
    if not isinstance(of, _OF_LAYERS):
        raise ApproximationError(
            f"one part takes fp16, bf16, prune, prune-layer, lowrank, int8, int8-mixed or a file; "
            f"got {compression}: {of} can be applied to the whole"
        )
    module = base.module
    if isinstance(module, GraphModule):
        made = compressed_graph(module.file, of, only=layer_filter(compression))
        whole = replace(
            base,
            module=GraphModule(made.file, module.mean, module.std).eval(),
            digest=_digest(f"{base.digest} {compression} {made.file.digest}"),
            size_bytes=made.size_bytes,
        )
        return Recomposed(whole, made.note, made.nonzero, packable=True)
    return _compressed(compression, base, parts)


def _compressed(compression: PartOnly, base: LoadedModel, parts: Parts) -> Recomposed:
    network = parts.denoiser.network
    if not runs_in_torch(parts.classifier) or not isinstance(network, Denoiser):
        raise ApproximationError(f"{compression} needs layers, and the original has none to show")
    if compression.part == "denoiser":
        made = applied(network, compression.of)
        assert isinstance(made.module, Denoiser)
        first = replace(parts.denoiser, network=made.module, size_bytes=made.report.size_bytes)
        whole = composed(first, parts.classifier)
        other = parts.classifier.module
    else:
        made = applied(parts.classifier.module, compression.of)
        second = replace(parts.classifier, module=made.module, size_bytes=made.report.size_bytes)
        whole = composed(parts.denoiser, second)
        other = network
    rest = _nonzero(other)
    # By content: what a recipe makes may change with libraries and machines.
    digest = state_digest(whole.module, f"{base.digest} {compression}")
    note = f"Of the {compression.part} alone: {made.report.note}"
    return Recomposed(
        replace(whole, digest=digest),
        note,
        made.report.nonzero_parameters + rest,
        packable=False,
    )


def _from_file(
    compression: PartOnly, of: FileModel, spec: ModelSpec, parts: Parts, *, programs: bool
) -> Recomposed:
    name = Path(of.path).name
    if compression.part == "denoiser":
        digest = content_digest(Path(of.path))
        if not digest.startswith(of.digest):
            raise CheckpointError(
                f"{of.path} has changed: its digest begins with {digest[:16]}, the study is about "
                f"{of.digest}"
            )
        whole = composed(load_denoiser(of.path), parts.classifier)
        note = f"The denoiser {name}, then the original's classifier"
    else:
        whole = composed(parts.denoiser, _classifier(of, spec, parts.classifier, programs=programs))
        note = f"The original's denoiser, then the classifier {name}"
    # Not the digest of the same parts as an original: a study keeps the two apart.
    found = replace(whole, digest=_digest(f"compressed {whole.digest}"))
    # Of a graph file all numbers count, as they do where a file takes the place of the whole.
    graph = isinstance(whole.module, GraphModule)
    nonzero = whole.parameters if graph else _nonzero(whole.module)
    note = f"{note} (SHA-256 {of.digest}...)."
    return Recomposed(found, note, nonzero, packable=packable(whole))


def _classifier(
    of: FileModel, spec: ModelSpec, base: LoadedModel, *, programs: bool
) -> LoadedModel:
    if not is_graph_file(of.path):
        return load_successor(of, replace(spec, denoiser=None), base, programs=programs)
    return of_graph(
        load_file_model(
            of,
            num_classes=base.num_classes,
            mean=base.mean,
            std=base.std,
            output=spec.output,
            reverse=spec.reversed,
        )
    )


def _nonzero(module: nn.Module) -> int:
    return sum(int(parameter.count_nonzero()) for parameter in module.parameters())


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
