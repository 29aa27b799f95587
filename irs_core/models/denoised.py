"""A denoiser in front of a frozen classifier (Salman et al. 2020, Sec. 3.1).

Smoothing asks nothing of a classifier but that it is a fixed function of one image, so every
certificate holds, with the failure probability that it states, for the composition: denoiser, then
classifier. It holds for that composition
alone, neither for the classifier without the denoiser nor with another one, which is why one digest
covers both parts.
"""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load
from torch import Tensor, nn

from irs_core.errors import CheckpointError, reason
from irs_core.integer.carrier import Carrier
from irs_core.models.denoiser import Denoiser, denoiser_of
from irs_core.models.denoiser_onnx import onnx_bytes
from irs_core.models.digest import state_digest
from irs_core.models.exported import as_graph
from irs_core.models.gradients import runs_in_torch
from irs_core.models.graph import GraphModule
from irs_core.models.lite import LiteModule
from irs_core.models.loaded import LoadedDenoiser, LoadedModel, Parts
from irs_core.models.objects import CallableModule
from irs_core.models.served import ServedModule
from irs_core.models.shipping import network_path
from irs_core.sandbox.opening import pinned

_ONNX = ".onnx"


class DenoisedModule(nn.Module):
    """Denoiser, then classifier.

    Args:
        denoiser: Images (B, C, H, W) from noisy ones.
        classifier: Scores (B, K) from images in [0, 1], its normalisation inside.
    """

    def __init__(self, denoiser: nn.Module, classifier: nn.Module) -> None:
        super().__init__()
        self.denoiser, self.classifier = denoiser, classifier

    def forward(self, images: Tensor) -> Tensor:
        """Scores (B, K) of noisy images (B, C, H, W)."""
        return torch.as_tensor(self.classifier(self.denoiser(images)))


class _DenoisedCallable:
    """The same around a callable of arrays."""

    def __init__(self, denoiser: Denoiser, answer: CallableModule) -> None:
        self._denoiser, self._answer = denoiser, answer

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            scores = self._answer(self._denoiser(torch.from_numpy(images)))
        return np.asarray(scores.numpy(), np.float32)


def composed(denoiser: LoadedDenoiser, classifier: LoadedModel) -> LoadedModel:
    """The classifier that denoises first; neither part's weights change.

    PyTorch layers stay PyTorch layers; where either part is an ONNX file the whole becomes one ONNX
    graph. A certificate of what is given here is about both parts together: its digest, by which
    evidence is kept, is another one whenever either part is.

    Raises:
        CheckpointError: Shapes differ, or the classifier is of a kind that nothing can be put in
            front of: an integer network, an OpenVINO IR, a LiteRT file or a model on a server.
        SpecError: The images do not fit the denoiser.
    """
    network, module = denoiser.network, classifier.module
    if isinstance(network, Denoiser) and classifier.input_shape is not None:
        network.shape.check_image(classifier.input_shape)
    if isinstance(network, Denoiser) and isinstance(module, CallableModule):
        answer = _DenoisedCallable(network, module)
        whole: nn.Module = CallableModule(answer, module.classes).eval()
    elif isinstance(network, Denoiser) and runs_in_torch(classifier):
        whole = DenoisedModule(network, module).eval()
    else:
        whole = _one_graph(denoiser, classifier)
    return replace(
        classifier,
        module=whole,
        arch=whole.file.format if isinstance(whole, GraphModule) else classifier.arch,
        input_shape=classifier.input_shape or _shape(denoiser),
        digest=_digest(denoiser, classifier),
        parameters=classifier.parameters + denoiser.parameters,
        size_bytes=classifier.size_bytes + denoiser.size_bytes,
        parts=Parts(denoiser, classifier),
    )


def check_takes_denoiser(classifier: LoadedModel) -> None:
    """Refuse a classifier in front of which nothing can be put.

    Raises:
        CheckpointError: It is an OpenVINO IR, a LiteRT file, an integer network or on a server.
    """
    module = classifier.module
    if isinstance(module, GraphModule) and module.file.format != "onnx":
        raise CheckpointError(
            "a denoiser can stand in front of an ONNX file or of PyTorch layers; "
            f"{module.file.name} is an OpenVINO IR: give the ONNX file it was made from"
        )
    if isinstance(module, (LiteModule, ServedModule, Carrier)):
        raise _runs_as_it_is(classifier)


def _runs_as_it_is(classifier: LoadedModel) -> CheckpointError:
    return CheckpointError(
        "a denoiser can stand in front of PyTorch layers or an ONNX file; a model of the kind "
        f"{classifier.arch} runs as it is: export it to ONNX"
    )


def load_denoiser(name: str) -> LoadedDenoiser:
    """The denoiser that a study names.

    Args:
        name: A safetensors file of the command `denoiser train`, an ONNX file that takes noisy
            images in [0, 1] and gives images of the same shape, or `shipped:NAME`.

    Raises:
        CheckpointError: The file is missing, damaged, or holds something else.
        UnknownKeyError: No such denoiser is shipped.
    """
    path = network_path("denoiser", name)
    if path.suffix.lower() == _ONNX:
        from irs_core.graphs.joined import read_denoiser_graph

        graph = read_denoiser_graph(path)
        return LoadedDenoiser(name, graph, graph.digest, graph.parameters, len(graph.graph))
    network, sigma = _read(path)
    return of_network(name, network, sigma)


def of_network(name: str, network: Denoiser, sigma: tuple[float, ...] = ()) -> LoadedDenoiser:
    """A denoiser of this package with what a study keeps about it."""
    state = network.state_dict().values()
    return LoadedDenoiser(
        name,
        network,
        state_digest(network, f"denoiser {network.shape}"),
        sum(parameter.numel() for parameter in network.parameters()),
        sum(value.nbytes for value in state),
        sigma,
    )


def load_denoiser_network(name: str) -> Denoiser:
    """The PyTorch layers of a denoiser of this package, in evaluation mode.

    Raises:
        CheckpointError: The file is missing, damaged, or holds something else.
        UnknownKeyError: No such denoiser is shipped.
    """
    return _read(network_path("denoiser", name))[0]


def from_bytes(content: bytes) -> Denoiser:
    """The denoiser that `denoiser_bytes` wrote, in evaluation mode.

    Raises:
        CheckpointError: They are no such bytes.
    """
    # What comes before the tensors: its length, and the metadata as JSON.
    head = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
    metadata = {key: _decoded(text) for key, text in head.items()}
    return denoiser_of(load(content), metadata, "the payload")


def _read(path: Path) -> tuple[Denoiser, tuple[float, ...]]:
    try:
        with pinned(path) as place, safe_open(place, framework="pt", device="cpu") as file:
            metadata = {key: _decoded(text) for key, text in (file.metadata() or {}).items()}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise CheckpointError(f"cannot read the denoiser {path}: {reason(error)}") from None
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(
            f"{path} is no denoiser in a safetensors file, as denoiser train writes it: {error}"
        ) from None
    found = denoiser_of(state, metadata, path.name)
    sigma = metadata.get("sigma")
    if not isinstance(sigma, list) or not all(isinstance(one, int | float) for one in sigma):
        return found, ()
    return found, tuple(map(float, sigma))


def _one_graph(denoiser: LoadedDenoiser, classifier: LoadedModel) -> GraphModule:
    from irs_core.graphs.joined import denoiser_graph, joined

    module, network = classifier.module, denoiser.network
    check_takes_denoiser(classifier)
    if isinstance(module, GraphModule):
        file, mean, std = module.file, module.mean, module.std
    elif runs_in_torch(classifier):
        shape = classifier.input_shape or _shape(denoiser)
        if shape is None:
            raise CheckpointError(
                "neither the denoiser nor the classifier says the size of its images; export the "
                "denoiser for that size, or the classifier to ONNX"
            )
        file, mean, std = as_graph(classifier, shape), None, None
    else:
        raise _runs_as_it_is(classifier)
    if isinstance(network, Denoiser):
        network = denoiser_graph(onnx_bytes(network), Path(denoiser.name).name, denoiser.digest)
    return GraphModule(joined(network, file, mean, std)).eval()


def _shape(denoiser: LoadedDenoiser) -> tuple[int, int, int] | None:
    network = denoiser.network
    if isinstance(network, Denoiser):
        return None
    _, channels, height, width = network.shape
    known = channels is not None and height is not None and width is not None
    return (channels, height, width) if known else None  # type: ignore[return-value]


def _digest(denoiser: LoadedDenoiser, classifier: LoadedModel) -> str:
    head = {"first": denoiser.digest, "then": classifier.digest}
    return hashlib.sha256(json.dumps(head, sort_keys=True).encode()).hexdigest()


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return text
