"""What compressed classifiers of a study are made of."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import nn

from irs_core.approx.packing import graph_size, module_size, network_size
from irs_core.backends import Predictor
from irs_core.data import Dataset
from irs_core.errors import ApproximationError, DatasetError
from irs_core.integer import IntegerNetwork
from irs_core.integer.carrier import Carrier
from irs_core.models import GraphModule, LoadedModel
from irs_core.models.scripted import ScriptedModule
from irs_core.run.options import RunOptions
from irs_core.sampling.classifier import Setting
from irs_core.sampling.payload import ModelPayload, pack
from irs_core.spec.compressions import Compression
from irs_core.spec.cost import Size
from irs_core.spec.study import StudySpec


@dataclass(frozen=True, eq=False)
class Given:
    """A study, its original and its images, and how classifiers are run."""

    spec: StudySpec
    base: LoadedModel
    dataset: Dataset
    options: RunOptions

    @property
    def setting(self) -> Setting:
        """How classifiers are run."""
        return Setting(
            self.base.num_classes,
            self.dataset.input_shape,
            self.options.device,
            self.options.backend,
            self.options.batch,
        )

    def check_shape(self, taken: tuple[int, int, int] | None, name: str) -> None:
        """Refuse a model that takes images of another shape.

        Args:
            taken: (channels, height, width); None for any.
            name: The model's, for messages.

        Raises:
            DatasetError: The images have another one.
        """
        shape = self.setting.input_shape
        if taken not in (None, shape):
            raise DatasetError(f"{name} takes inputs of shape {taken}; the images have {shape}")

    def packer(
        self,
        compression: Compression | None,
        digest: str,
        predictor: Predictor,
        graph: Callable[[], tuple[bytes, bytes] | None] = lambda: None,
        module: GraphModule | None = None,
        network: IntegerNetwork | None = None,
        compressed: nn.Module | None = None,
        base: LoadedModel | None = None,
    ) -> Callable[[], ModelPayload]:
        """What packs a classifier for another process; see `pack`.

        Args:
            graph: Gives OpenVINO's graph and constants, for static int8.
            base: What the classifier starts from, where that is not the original.
        """
        origin = base or self.base
        if compression is None and isinstance(origin.module, GraphModule):
            module = origin.module
        return lambda: pack(
            origin,
            compression,
            digest=digest,
            execution=predictor.execution,
            setting=self.setting,
            graph=graph(),
            module=module,
            network=network,
            compressed=compressed,
        )


def packable(model: LoadedModel) -> bool:
    """Whether another process can build a model from bytes."""
    return model.arch not in ("torchscript", "litert", "object")


def unpackable() -> ModelPayload:
    """Stands in for what packs a classifier that no other process can build.

    Raises:
        ApproximationError: Always.
    """
    raise ApproximationError(
        "an object, a program, a model behind a server or one with a single compressed part runs "
        "in one process; use the engine local"
    )


def sized_of(module: nn.Module) -> Callable[[], Size] | None:
    """What looks at the weights of a model; None where they are not at hand."""
    if isinstance(module, GraphModule):
        return partial(graph_size, module.file)
    if isinstance(module, Carrier):
        return partial(network_size, module.network)
    if any(isinstance(one, ScriptedModule) for one in module.modules()):
        return None
    return partial(module_size, module) if any(True for _ in module.parameters()) else None
