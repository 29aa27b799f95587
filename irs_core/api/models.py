"""A model and the images on which it is certified."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from irs_core.check import CheckReport, check_model
from irs_core.cost import CostRow, measure_costs
from irs_core.data import load_dataset, with_model_classes
from irs_core.errors import ChannelsError, SpecError
from irs_core.models import load_model
from irs_core.models.objects import Classifier, adopt, count_classes
from irs_core.report.inline import facts_html
from irs_core.run.fit import check_fit
from irs_core.run.named import named_compressions, named_model
from irs_core.run.options import RunOptions
from irs_core.spec.compressions import Compression
from irs_core.spec.data_kinds import DataKind
from irs_core.spec.study import ChannelOrder, DataSpec, ModelSpec, NoiseSpec, StudySpec


@dataclass(frozen=True, repr=False)
class Model:
    """A model and the images on which it is certified; both were read once and fit together.

    Args:
        digest: SHA-256 of the model, as in the key of its evidence.
    """

    spec: ModelSpec
    data: DataSpec
    digest: str

    def check(self, sigma: float, compressions: Sequence[str] = ()) -> CheckReport:
        """A dry run: accuracy with and without noise, speed, agreement."""
        return check_model(
            self.spec,
            self.data,
            sigma=sigma,
            compressions=self.compressions(compressions),
            options=RunOptions(programs=True),
        )

    def cost(self, compressions: Sequence[str] = ()) -> tuple[CostRow, ...]:
        """Size as deployed and speed of one image alone, of the model and compressed versions.

        Weights that are only emulated here are counted as they would be packed, and said to be.
        """
        made = self.compressions(compressions)
        return measure_costs(self.spec, self.data, made, options=RunOptions(programs=True))

    def compressions(self, texts: Sequence[str]) -> tuple[Compression, ...]:
        """Compressed models from their texts; see `certify`."""
        return named_compressions(texts, data=self.data, num_classes=self.spec.num_classes)

    def __repr__(self) -> str:
        return f"Model({self.spec.weights} on {self._images})"

    def _repr_html_(self) -> str:
        """The model in the cell of a notebook: no script, foreign text escaped."""
        facts = {"images": self._images, "SHA-256": self.digest}
        if self.spec.num_classes is not None:
            facts = {"classes": str(self.spec.num_classes), **facts}
        return facts_html(self.spec.weights, facts)

    @property
    def _images(self) -> str:
        most = "all inputs" if self.data.max is None else f"at most {self.data.max} inputs"
        return ", ".join(filter(None, [self.data.kind, self.data.split, most]))


def load(
    weights: str | None = None,
    *,
    model: Classifier | None = None,
    name: str | None = None,
    arch: str | None = None,
    num_classes: int | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    output: str | None = None,
    denoise: str | None = None,
    channel_order: ChannelOrder = "rgb",
    data: DataKind = "digits",
    root: str | None = None,
    **subset: Any,
) -> Model:
    """A model and its data, read and checked.

    Args:
        weights: A file (safetensors, .pth, .onnx, .xml, TorchScript), shipped:NAME,
            package.module:make (a function of your own code), or the URL of a model behind a
            server that speaks the Open Inference Protocol, http://HOST:PORT/v2/models/NAME.
        model, name: In its place an object: a PyTorch module that takes [0, 1] images, or a
            callable of numpy batches (B, C, H, W) to scores (B, K) or class ids (B,). A callable
            needs a name, which stands for what it answers; see `adopt`.
        num_classes: None takes it from the file, the object's scores or the data.
        output: Name of the output that holds the scores, of a graph file that has several.
        denoise: A denoiser in front of the model: a file of the command `denoiser train`, an ONNX
            file from images to images, or shipped:NAME. What is certified then is both together,
            the denoiser and after it the classifier; its accuracy and its latency are theirs.
        channel_order: In which the model takes colours: "bgr" after training on images as OpenCV
            or Caffe give them. mean and std stay red, green, blue, as images and noise do.
        data, root, subset: As in `DataSpec`: split, start, stride, max, holdout, size,
            channels (None makes them fit the model), class_list.

    Returns:
        The model with its images, to be certified.

    Raises:
        IrsError: One of them cannot be used, or they do not fit together.

    Example:
        >>> load("shipped:digits-0.50", max=2).spec.weights
        'shipped:digits-0.50'
    """
    if (weights is None) == (model is None):
        raise SpecError("load takes weights or a model, one of them; got both or none")
    chosen = DataSpec(data, None if root is None else str(root), **subset)
    chosen = chosen if weights is None else with_model_classes(chosen, str(weights))
    dataset = load_dataset(chosen)
    if model is not None:
        classes = num_classes or len(dataset.classes)
        weights = adopt(model, name=name, num_classes=classes)
        num_classes = num_classes or count_classes(weights, dataset.images(np.arange(1)))
    spec = ModelSpec(
        str(weights),
        arch,
        num_classes,
        None if mean is None else tuple(mean),
        None if std is None else tuple(std),
        output,
        denoise,
        channel_order,
    )
    if model is None:
        spec = named_model(spec, chosen)
    loaded = load_model(spec, programs=True)
    try:
        check_fit(StudySpec(spec, chosen, NoiseSpec(1.0), ()), loaded, dataset)
    except ChannelsError as error:
        chosen = replace(chosen, channels=error.channels)
    return Model(spec, chosen, loaded.digest)
