"""Weights for the original's architecture, such as those of a model that was trained further."""

import copy
from dataclasses import replace
from pathlib import Path

from irs_core.errors import CheckpointError
from irs_core.graphs.files import content_digest
from irs_core.models.checkpoint import Checkpoint, read_checkpoint
from irs_core.models.digest import state_digest
from irs_core.models.fit import architecture_state, channels_of, fill, fitted
from irs_core.models.lite import SUFFIX
from irs_core.models.load import load_model, load_weights
from irs_core.models.loaded import LoadedModel, scripted_model
from irs_core.models.objects import CallableModule
from irs_core.models.recognise import is_torchscript
from irs_core.models.registry import find_architecture
from irs_core.models.scripted import load_scripted
from irs_core.spec.compressions import FileModel
from irs_core.spec.study import ModelSpec

_WITHOUT_LAYERS = ("object", "onnx", "openvino", "torchscript", "litert", "server", "integer")


def load_successor(
    compression: FileModel, spec: ModelSpec, base: LoadedModel, *, programs: bool
) -> LoadedModel:
    """A file in the place of the original: weights of its architecture, or a TorchScript program.

    Weights get the normalisation that their file gives in numbers, else the original's.

    Args:
        spec, base: The original.
        programs: Whether programs that come in files may be run here.

    Raises:
        CheckpointError: The file has changed, cannot be read, or its weights do not fit.
    """
    path = Path(compression.path)
    digest = content_digest(path)
    if not digest.startswith(compression.digest):
        raise CheckpointError(
            f"{path} has changed: its digest begins with {digest[:16]}, the study is about "
            f"{compression.digest}"
        )
    if path.suffix.lower() == SUFFIX:
        return load_model(_as_original(compression, base, spec), programs=programs)
    if is_torchscript(path):
        spec = _as_original(compression, base, spec)
        return scripted_model(spec, load_scripted(path, programs=programs))
    checkpoint = read_checkpoint(path)
    if base.arch == "object" and not isinstance(base.module, CallableModule):
        return _own_class(checkpoint, base, path.name)
    if base.arch in _WITHOUT_LAYERS:
        raise CheckpointError(
            f"{path.name} holds weights, and the original ({base.arch}) has no PyTorch layers to "
            "put them into: take a checkpoint as the original, or export this one as it was"
        )
    architecture = find_architecture(base.arch)
    found = fitted(checkpoint, architecture_state(architecture))
    network = base.module if base.mean is None else base.module.get_submodule("network")
    taken, wanted = (channels_of(architecture, one) for one in (found.state, network.state_dict()))
    if taken != wanted:
        raise CheckpointError(
            f"{path.name} takes images of {taken} channels and the original of {wanted}; a "
            "compressed model must take the images of the original"
        )
    mean, std = (base.mean, base.std) if found.mean is None else (None, None)
    return load_weights(
        ModelSpec(
            *(str(path), base.arch, base.num_classes, mean, std), channel_order=spec.channel_order
        ),
        checkpoint,
    )


def _own_class(checkpoint: Checkpoint, base: LoadedModel, name: str) -> LoadedModel:
    """The weights in a copy of somebody's own module."""
    module = copy.deepcopy(base.module)
    found = fitted(checkpoint, module.state_dict())
    fill(module, found.state, f"{type(module).__name__} ({name})")
    return replace(base, module=module.eval(), digest=state_digest(module, base.digest))


def _as_original(compression: FileModel, base: LoadedModel, spec: ModelSpec) -> ModelSpec:
    """A file that is its own network, behind no normalisation or, where asked, the original's; it
    takes colours in the original's order."""
    if compression.normalize and base.mean is None:
        raise CheckpointError(
            f"{compression.title} asks for the original's normalisation, but there is none"
        )
    mean, std = (base.mean, base.std) if compression.normalize else (None, None)
    return ModelSpec(
        *(compression.path, None, base.num_classes, mean, std), channel_order=spec.channel_order
    )
