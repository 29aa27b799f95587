"""A classifier as plain bytes: what another process needs to run it.

Weights travel in the safetensors format and quantised networks in OpenVINO's, so that building a
classifier from them runs no code of theirs.
"""

import hashlib
import platform
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from safetensors.torch import load, save
from torch import nn

from irs_core.approx import compress
from irs_core.backends import Measurable
from irs_core.backends.device import check_device
from irs_core.errors import ApproximationError
from irs_core.graphs import GraphFile
from irs_core.integer import IntegerNetwork, files
from irs_core.models import GraphModule, LoadedModel, build
from irs_core.models.denoised import DenoisedModule, from_bytes
from irs_core.models.denoiser import Denoiser, denoiser_bytes
from irs_core.models.loaded import with_normalisation
from irs_core.sampling.classifier import Setting, make_classifier, make_integer
from irs_core.sampling.fixed_function import is_one_by_one, one_by_one
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.compressions import Compression, LowRank


@dataclass(frozen=True)
class ModelPayload:
    """Everything that a predictor is made of.

    Args:
        digest: Of the classifier, as in the key of its evidence.
        execution: What its predictor must say it is.
        arch, mean, std: Of the base network.
        weights: Of the base network (safetensors); empty where `graph` holds the network.
        denoiser: What stands before it (safetensors); empty for none.
        compression: Text form; None for the base network.
        factors: Weights of the compressed network (safetensors), where computing them again on
            another machine need not give the same bits.
        graph: OpenVINO graph and constants of a quantised network.
        file: The network where it is a graph file; then `mean` and `std` are those before it.
        integers: An integer network (safetensors), in place of all the others.
    """

    digest: str
    execution: str
    setting: Setting
    arch: str
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    weights: bytes = b""
    denoiser: bytes = b""
    compression: str | None = None
    factors: bytes = b""
    graph: tuple[bytes, bytes] | None = None
    file: GraphFile | None = None
    integers: bytes = b""

    @cached_property
    def key(self) -> str:
        """SHA-256 of all of it."""
        plain = (self.digest, self.execution, self.setting, self.arch, self.mean, self.std)
        found = hashlib.sha256(repr((*plain, self.compression)).encode())
        own = b"" if self.file is None else f"{self.file.digest} {self.file.facts}".encode()
        parts = (
            *(self.weights, self.denoiser, self.factors, self.integers, own),
            *(self.graph or ()),
        )
        for part in parts:
            found.update(len(part).to_bytes(8, "big"))
            found.update(part)
        return found.hexdigest()

    def predictor(self) -> Measurable:
        """The predictor, bit for bit the one that was packed.

        Raises:
            ApproximationError: This machine would run it as something else.
            IrsError: It cannot run here at all.
        """
        made = self._make()
        if is_one_by_one(self.execution):
            made = one_by_one(made)
        if made.execution != self.execution:
            raise ApproximationError(
                f"{self.compression or 'the original'} must run as {self.execution!r}; "
                f"{platform.node()} runs it as {made.execution!r}: give every worker the same "
                "packages and the same kind of device"
            )
        return made

    def _make(self) -> Measurable:
        if self.file is not None:
            module = GraphModule(self.file, self.mean, self.std)
            return make_classifier(module, None, self.setting)
        if self.integers:
            return make_integer(files.from_bytes(self.integers), self.setting)
        return self._from_weights() if self.graph is None else self._from_graph(*self.graph)

    def _from_weights(self) -> Measurable:
        network = build(self.arch, self.setting.classes, self.setting.input_shape[0])
        network.load_state_dict(load(self.weights))
        module = with_normalisation(network, self.mean, self.std)
        if self.denoiser:
            module = DenoisedModule(from_bytes(self.denoiser), module)
        return make_classifier(
            module.eval(),
            None if self.compression is None else parse_compression(self.compression),
            self.setting,
            state=load(self.factors) if self.factors else None,
        )

    def _from_graph(self, graph: bytes, constants: bytes) -> Measurable:
        try:
            from irs_core.backends.openvino_predictor import OpenVinoPredictor, from_bytes
        except ImportError as error:
            raise ApproximationError(
                f"{self.compression} needs OpenVINO, which {platform.node()} lacks ({error})"
            ) from None
        return OpenVinoPredictor(
            from_bytes(graph, constants),
            classes=self.setting.classes,
            input_shape=self.setting.input_shape,
            arithmetic="int8",
            batch=self.setting.batch,
        )


def pack(
    base: LoadedModel,
    compression: Compression | None,
    *,
    digest: str,
    execution: str,
    setting: Setting,
    graph: tuple[bytes, bytes] | None = None,
    module: GraphModule | None = None,
    network: IntegerNetwork | None = None,
    compressed: nn.Module | None = None,
) -> ModelPayload:
    """The payload of a classifier.

    Args:
        graph: OpenVINO graph and constants, for static int8.
        module: The network where it is a graph file.
        network: The integer network, where the classifier is one.
        compressed: The compressed network, where it was made already.
    """
    if setting.device == "auto":
        # Another machine may have other devices; the choice made here holds there.
        setting = Setting(
            setting.classes,
            setting.input_shape,
            check_device("auto").type,
            setting.backend,
            setting.batch,
        )
    named = None if compression is None else str(compression)
    made = ModelPayload(
        digest, execution, setting, base.arch, base.mean, base.std, compression=named
    )
    if network is not None:
        return replace(made, integers=files.to_bytes(network))
    if module is not None:
        return replace(made, mean=module.mean, std=module.std, file=module.file)
    factors = b""
    if isinstance(compression, LowRank):
        factors = _tensors(compressed or compress(base.module, compression))
    if graph is not None:
        return replace(made, graph=graph)
    weights, denoiser = _tensors(_network(base.classifier)), b""
    if isinstance(base.module, DenoisedModule):
        first = base.module.denoiser
        assert isinstance(first, Denoiser)
        denoiser = denoiser_bytes(first, dtype=torch.float32)
    return replace(made, weights=weights, denoiser=denoiser, factors=factors)


def _network(base: LoadedModel) -> nn.Module:
    return base.module if base.mean is None else base.module.get_submodule("network")


def _tensors(module: nn.Module) -> bytes:
    state = module.state_dict().items()
    return save({name: value.detach().cpu().contiguous().clone() for name, value in state})
