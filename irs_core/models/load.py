"""From a model specification to a network that takes [0, 1] images."""

import hashlib
import json
from pathlib import Path

from torch import nn

from irs_core.errors import CheckpointError, UnknownKeyError
from irs_core.graphs import is_graph_file
from irs_core.integer.carrier import Carrier
from irs_core.integer.files import ARCH, read_network
from irs_core.models.channel_order import refuse_order, reverse_first_layer
from irs_core.models.checkpoint import Checkpoint, read_checkpoint
from irs_core.models.denoised import composed, load_denoiser
from irs_core.models.digest import state_digest
from irs_core.models.fit import (
    architecture_state,
    channel_count,
    class_count,
    fill,
    fitted,
    normalisation,
)
from irs_core.models.graph import GraphModel, load_graph
from irs_core.models.lite import SUFFIX, load_lite
from irs_core.models.loaded import (
    LoadedModel,
    lite_model,
    scripted_model,
    served_model,
    with_normalisation,
)
from irs_core.models.objects import adopted, is_object
from irs_core.models.recognise import is_torchscript
from irs_core.models.registry import Architecture, build, find_architecture
from irs_core.models.scripted import load_scripted
from irs_core.models.served import ServedModule
from irs_core.models.shipping import network_path
from irs_core.spec.study import MAX_CLASSES, ModelSpec


def load_model(spec: ModelSpec, *, programs: bool = False) -> LoadedModel:
    """Read weights into their architecture and check that they fit.

    What the specification says comes first, then what the file says; see `normalisation` in
    `irs_core.models.fit`. Where it names a denoiser, the model is both: denoiser, then classifier.

    Args:
        programs: Whether programs that come in files (TorchScript) may be run here.

    Raises:
        CheckpointError: Weights missing, unreadable, not finite, or not those of the
            architecture.
        UnknownKeyError: No such architecture or shipped model.
    """
    classifier = _load_classifier(spec, programs=programs)
    if spec.denoiser is None:
        return classifier
    return composed(load_denoiser(spec.denoiser), classifier)


def _load_classifier(spec: ModelSpec, *, programs: bool) -> LoadedModel:
    if is_object(spec.weights):
        return _load_object(spec)
    if is_graph_file(spec.weights):
        return _load_graph(spec)
    if spec.output is not None:
        raise CheckpointError(f"only graph files have outputs by name; got {spec.output!r}")
    path = network_path("model", spec.weights)
    if path.suffix.lower() == SUFFIX:
        return lite_model(spec, load_lite(path, programs=programs, mean=spec.mean, std=spec.std))
    if path.is_file() and is_torchscript(path):
        return scripted_model(spec, load_scripted(path, programs=programs))
    checkpoint = read_checkpoint(path)
    if checkpoint.arch == ARCH:
        return _load_integer(spec, checkpoint)
    return load_weights(spec, checkpoint)


def load_weights(spec: ModelSpec, checkpoint: Checkpoint) -> LoadedModel:
    """Put the weights of a file into their architecture.

    Raises:
        CheckpointError: The file names none, or they do not fit.
        UnknownKeyError: No such architecture.
    """
    arch = spec.arch or checkpoint.arch
    if arch is None:
        name = Path(spec.weights).name
        raise CheckpointError(
            f"{name} names no architecture; give one with the model (--arch NAME), or a function "
            "that builds it, as in call:package.module:make (docs/how-to/own-torch-class.md)"
        )
    architecture = _architecture(arch, named_by_file=spec.arch is None)
    found = fitted(checkpoint, architecture_state(architecture))
    num_classes = (
        spec.num_classes or checkpoint.num_classes or class_count(architecture, found.state)
    )
    if not 2 <= num_classes <= MAX_CLASSES:
        raise CheckpointError(f"a model has 2 to {MAX_CLASSES} classes; got {num_classes}")
    channels = channel_count(architecture, checkpoint, found.state)
    network = build(architecture.name, num_classes, channels)
    fill(network, found.state, architecture.name)
    if spec.reversed:
        reverse_first_layer(network, architecture.name)
    mean, std = normalisation(spec, checkpoint, found, architecture, channels)
    return LoadedModel(
        module=with_normalisation(network, mean, std).eval(),
        arch=architecture.name,
        num_classes=num_classes,
        input_shape=_input_shape(architecture, checkpoint, channels),
        digest=model_digest(network, arch=architecture.name, mean=mean, std=std),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        size_bytes=sum(value.nbytes for value in network.state_dict().values()),
        mean=mean,
        std=std,
    )


def _load_object(spec: ModelSpec) -> LoadedModel:
    found = adopted(spec.weights)
    if isinstance(found, ServedModule):
        return served_model(spec, found)
    refuse_order(spec, "an object")
    if spec.arch is not None or spec.mean is not None or spec.num_classes is None:
        raise CheckpointError(
            "an object has its own architecture and normalisation, and its number of classes must "
            f"be named; got {spec}"
        )
    module = found
    return LoadedModel(
        module=module,
        arch="object",
        num_classes=spec.num_classes,
        input_shape=None,
        digest=hashlib.sha256(spec.weights.encode()).hexdigest(),
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        size_bytes=sum(value.nbytes for value in module.state_dict().values()),
    )


def _load_integer(spec: ModelSpec, checkpoint: Checkpoint) -> LoadedModel:
    refuse_order(spec, "an integer network")
    if spec.arch is not None or spec.mean is not None:
        raise CheckpointError(
            f"{Path(spec.weights).name} is an integer network, which is its own architecture and "
            "normalises by itself; got an architecture or a normalisation as well"
        )
    network = read_network(network_path("model", spec.weights))
    if spec.num_classes not in (None, network.classes):
        raise CheckpointError(
            f"{Path(spec.weights).name} has {network.classes} classes; got {spec.num_classes}"
        )
    return LoadedModel(
        module=Carrier(network).eval(),
        arch=ARCH,
        num_classes=network.classes,
        input_shape=network.input_shape,
        digest=network.digest,
        parameters=sum(value.numel() for value in checkpoint.state.values()),
        size_bytes=network.size_bytes,
    )


def _load_graph(spec: ModelSpec) -> LoadedModel:
    if spec.arch is not None:
        raise CheckpointError(
            f"{Path(spec.weights).name} is its own architecture; got {spec.arch} as well"
        )
    return of_graph(
        load_graph(
            Path(spec.weights),
            num_classes=spec.num_classes,
            mean=spec.mean,
            std=spec.std,
            output=spec.output,
            reverse=spec.reversed,
        )
    )


def of_graph(found: GraphModel) -> LoadedModel:
    """A graph file as a base classifier."""
    module, file = found.module, found.module.file
    return LoadedModel(
        module=module,
        arch=file.format,
        num_classes=found.num_classes,
        input_shape=found.input_shape,
        digest=found.digest,
        parameters=file.facts.parameters,
        size_bytes=file.size_bytes,
        mean=module.mean,
        std=module.std,
    )


def model_digest(
    network: nn.Module,
    *,
    arch: str,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
) -> str:
    """SHA-256 (hexadecimal) of a network: equal weights, equal digest, whatever the file format.

    It covers the architecture name, the normalisation and each tensor's name, type, shape and
    bytes, in the order of the names.
    """
    head = {"arch": arch, "mean": mean and list(mean), "std": std and list(std)}
    return state_digest(network, json.dumps(head, sort_keys=True))


def _architecture(name: str, *, named_by_file: bool) -> Architecture:
    try:
        return find_architecture(name)
    except UnknownKeyError as error:
        if named_by_file:
            raise CheckpointError(f"the weights file names an {error}") from None
        raise


def _input_shape(
    architecture: Architecture, checkpoint: Checkpoint, channels: int
) -> tuple[int, int, int] | None:
    if checkpoint.input_shape is not None or architecture.input_shape is None:
        return checkpoint.input_shape
    return (channels, *architecture.input_shape[1:])
