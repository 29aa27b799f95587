"""A base classifier, ready to predict, and those that are programs, LiteRT files or on servers."""

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from torch import nn

from irs_core.errors import CheckpointError
from irs_core.graphs.denoising import DenoiserGraph
from irs_core.models.channel_order import refuse_order, with_channel_order
from irs_core.models.denoiser import Denoiser
from irs_core.models.lite import LiteModule
from irs_core.models.normalize import NormalizeLayer
from irs_core.models.scripted import ScriptedModule
from irs_core.models.served import ServedModule
from irs_core.spec.study import ModelSpec


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A base classifier, ready to predict.

    Args:
        module: In evaluation mode, on the CPU (a `GraphModule` for a graph file, which only
            predictors run); takes float32 [0, 1] images (B, C, H, W) and
            gives scores (B, num_classes). Normalisation, if any, is its first layer.
        arch: Canonical architecture name; `onnx` or `openvino` where a graph file is its own.
        num_classes: Number of scores.
        input_shape: (C, H, W), or None where the file and the architecture leave it open.
        digest: SHA-256 of architecture, normalisation and weights; the key of stored evidence.
        parameters: Number of trainable numbers.
        size_bytes: Bytes of the state dict.
        mean, std: The normalisation inside; None for none.
        parts: What it is composed of, where a denoiser stands in front of a classifier. All else
            then describes the composition; `arch`, `mean` and `std` are those of the classifier.
    """

    module: nn.Module
    arch: str
    num_classes: int
    input_shape: tuple[int, int, int] | None
    digest: str
    parameters: int
    size_bytes: int
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    parts: "Parts | None" = None

    @property
    def classifier(self) -> "LoadedModel":
        """The classifier alone, without a denoiser before it."""
        return self if self.parts is None else self.parts.classifier


@dataclass(frozen=True, eq=False)
class LoadedDenoiser:
    """What takes noise out of images, as PyTorch layers or as an ONNX file.

    Args:
        name: File name, or `shipped:NAME`.
        network: Takes and gives images (B, C, H, W) in [0, 1], not clipped.
        digest: SHA-256 of its weights and size, or of the file.
        sigma: Noise that it was trained under, where the file says so.
    """

    name: str
    network: Denoiser | DenoiserGraph
    digest: str
    parameters: int
    size_bytes: int
    sigma: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Parts:
    """A denoiser and the classifier behind it."""

    denoiser: LoadedDenoiser
    classifier: LoadedModel


def with_normalisation(
    network: nn.Module, mean: tuple[float, ...] | None, std: tuple[float, ...] | None
) -> nn.Module:
    """The network behind a normalisation layer; the network itself where there is none."""
    if mean is None or std is None:
        return network
    layers = [("normalize", NormalizeLayer(mean, std)), ("network", network)]
    return nn.Sequential(OrderedDict(layers))


def scripted_model(spec: ModelSpec, module: ScriptedModule) -> LoadedModel:
    """A TorchScript program as a base classifier.

    Raises:
        CheckpointError: It is not as asked for.
    """
    if spec.arch is not None or spec.num_classes is None:
        raise CheckpointError(
            f"{module.name} is its own architecture, and its number of classes must be named; "
            f"got {spec.arch or 'no architecture'} and {spec.num_classes or 'no number'}"
        )
    return LoadedModel(
        module=with_normalisation(with_channel_order(module, spec), spec.mean, spec.std).eval(),
        arch="torchscript",
        num_classes=spec.num_classes,
        input_shape=None,
        digest=_named_digest(spec, file=module.digest),
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        size_bytes=module.size_bytes,
        mean=spec.mean,
        std=spec.std,
    )


def lite_model(spec: ModelSpec, module: LiteModule) -> LoadedModel:
    """A LiteRT file as a base classifier.

    Raises:
        CheckpointError: It is not as asked for.
    """
    if spec.arch is not None or spec.num_classes not in (None, module.facts.num_classes):
        raise CheckpointError(
            f"{module.name} is its own architecture and has {module.facts.num_classes} classes; "
            f"asked for were {spec.arch}, {spec.num_classes}"
        )
    refuse_order(spec, "a LiteRT file")
    return LoadedModel(
        module=module.eval(),
        arch="litert",
        num_classes=module.facts.num_classes,
        input_shape=module.facts.input_shape,
        digest=_named_digest(spec, file=module.digest),
        parameters=0,
        size_bytes=len(module.content),
        mean=spec.mean,
        std=spec.std,
    )


def served_model(spec: ModelSpec, served: ServedModule) -> LoadedModel:
    """A model behind a server as a base classifier.

    Raises:
        CheckpointError: It is not as asked for.
    """
    facts = served.facts
    classes = facts.num_classes or spec.num_classes
    if spec.arch is not None or classes is None or spec.num_classes not in (None, classes):
        raise CheckpointError(
            f"the model at {served.connection.url} is its own architecture and has "
            f"{facts.num_classes or 'an open number of'} classes; asked for were {spec.arch}, "
            f"{spec.num_classes}"
        )
    refuse_order(spec, "a model behind a server")
    module = ServedModule(served.connection, facts, spec.mean, spec.std)
    known = all(facts.input_shape)
    return LoadedModel(
        module=module.eval(),
        arch="server",
        num_classes=classes,
        input_shape=facts.input_shape if known else None,  # type: ignore[arg-type]
        digest=_named_digest(spec, model=facts.digest),
        parameters=0,
        size_bytes=0,
        mean=spec.mean,
        std=spec.std,
    )


def _named_digest(spec: ModelSpec, **parts: Any) -> str:
    parts |= {"mean": spec.mean, "std": spec.std}
    if spec.reversed:
        parts["channel_order"] = spec.channel_order
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
