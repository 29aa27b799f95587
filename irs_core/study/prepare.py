"""From a specification to classifiers that run: the base and its compressions."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from torch import nn

from irs_core.approx import compress, describe
from irs_core.approx.int8_static import quantise
from irs_core.backends import Arithmetic, Predictor, make_predictor
from irs_core.backends.torch_backend import check_device
from irs_core.compressions import Compression, HalfCompute, Int8Dynamic, Int8Static
from irs_core.data import Dataset, load_dataset, open_source
from irs_core.errors import ApproximationError, DatasetError
from irs_core.models import LoadedModel
from irs_core.sampling.noise import noise_blocks
from irs_core.specs import DataSpec, StudySpec
from irs_core.store import BASE
from irs_core.study.options import RunOptions

logger = logging.getLogger(__name__)

CALIBRATION_IMAGES = 400
CALIBRATION_DRAWS = 5


@dataclass(frozen=True, eq=False)
class Prepared:
    """A classifier ready to run, with what a study records about it."""

    name: str
    title: str
    digest: str
    note: str
    size_bytes: int
    nonzero: int
    predictor: Predictor


def prepare(
    spec: StudySpec, base: LoadedModel, dataset: Dataset, options: RunOptions
) -> Iterator[Prepared]:
    """The base classifier, then each compression in the order asked for.

    Raises:
        IrsError: A compression does not fit the model, the device or what is installed.
    """
    builder = _Builder(spec, base, dataset, options)
    yield Prepared(
        BASE,
        "original (fp32)",
        base.digest,
        "The uncompressed classifier.",
        base.size_bytes,
        base.parameters,
        builder.predictor(base.module),
    )
    for compression in spec.compressions:
        yield builder.build(compression)


class _Builder:
    def __init__(
        self, spec: StudySpec, base: LoadedModel, dataset: Dataset, options: RunOptions
    ) -> None:
        self._spec, self._base, self._dataset, self._options = spec, base, dataset, options

    def predictor(
        self, module: nn.Module, arithmetic: Arithmetic = "fp32", *, only_torch: bool = False
    ) -> Predictor:
        options = self._options
        return make_predictor(
            module,
            classes=self._base.num_classes,
            input_shape=self._dataset.input_shape,
            arithmetic=arithmetic,
            # PyTorch's dynamic int8 kernels exist on the CPU only.
            device="cpu" if arithmetic == "int8 linear" else options.device,
            backend="torch" if only_torch else options.backend,
            batch=options.batch,
        )

    def build(self, compression: Compression) -> Prepared:
        """One compressed classifier."""
        if isinstance(compression, Int8Static):
            return self._int8(compression)
        report = describe(self._base.module, compression)
        return Prepared(
            str(compression),
            compression.title,
            sha256(f"{self._base.digest} {compression}".encode()).hexdigest(),
            report.note,
            report.size_bytes,
            report.nonzero_parameters,
            self._run(compression),
        )

    def _run(self, compression: Compression) -> Predictor:
        if isinstance(compression, HalfCompute):
            return self._half(compression)
        module = compress(self._base.module, compression)
        if isinstance(compression, Int8Dynamic):
            return self.predictor(module, "int8 linear", only_torch=True)
        return self.predictor(module)

    def _half(self, compression: HalfCompute) -> Predictor:
        options = self._options
        if options.backend in ("auto", "openvino") and check_device(options.device).type == "cpu":
            try:
                # OpenVINO takes the 32-bit network and computes in 16 bits by itself.
                return make_predictor(
                    self._base.module,
                    classes=self._base.num_classes,
                    input_shape=self._dataset.input_shape,
                    arithmetic=compression.format,
                    backend="openvino",
                    batch=options.batch,
                )
            except ApproximationError as error:
                logger.warning("%s; PyTorch runs it instead", error)
        module = compress(self._base.module, compression)
        return self.predictor(module, compression.format, only_torch=True)

    def _int8(self, compression: Int8Static) -> Prepared:
        from irs_core.backends.openvino_backend import OpenVinoPredictor

        shape = self._dataset.input_shape
        calibration, source = calibration_images(self._spec, self._dataset)
        made = quantise(
            self._base.module,
            classes=self._base.num_classes,
            input_shape=shape,
            calibration=calibration,
            max_disagreement=compression.max_disagreement,
        )
        predictor = OpenVinoPredictor(
            made.model,
            classes=self._base.num_classes,
            input_shape=shape,
            arithmetic="int8",
            batch=self._options.batch,
        )
        kept = f"; in 32 bits: {', '.join(made.kept)}" if made.kept else ""
        note = (
            f"{len(made.layers)} of {len(made.layers) + len(made.kept)} convolutions and linear "
            f"layers in int8, calibrated on {source} under the study's noise{kept}."
        )
        return Prepared(
            str(compression),
            compression.title,
            sha256(f"{self._base.digest} {compression} {made.digest}".encode()).hexdigest(),
            note,
            _int8_bytes(self._base.module, len(made.kept) / (len(made.layers) + len(made.kept))),
            self._base.parameters,
            predictor,
        )


def calibration_images(spec: StudySpec, dataset: Dataset) -> tuple[NDArray[np.float32], str]:
    """Noisy images on which int8 ranges are set, and where they come from.

    Training images where there are some; else the held-out ones; else the reported ones, without
    labels. The noise comes from the `pilot` stream, so no certificate's draws are touched.
    """
    images, source = _calibration_source(spec, dataset)
    shape = images.shape[1:]
    noisy = [
        image + values
        for group, image in enumerate(images)
        for values in noise_blocks(
            spec.noise, "pilot", group, 0, shape=shape, stop=CALIBRATION_DRAWS
        )
    ]
    order = np.arange(len(images) * CALIBRATION_DRAWS).reshape(len(images), -1).T.ravel()
    return np.concatenate(noisy)[order], source


def _calibration_source(spec: StudySpec, dataset: Dataset) -> tuple[NDArray[np.float32], str]:
    try:
        training = _training_images(spec.data)
        if training.input_shape == dataset.input_shape:
            return training.images(slice(None)), f"{len(training)} training images"
    except DatasetError as error:
        logger.info("no training images for calibration: %s", error)
    rows = np.flatnonzero(~dataset.reported)[:CALIBRATION_IMAGES]
    if len(rows):
        return dataset.images(rows), f"{len(rows)} held-out images"
    rows = np.arange(min(len(dataset), CALIBRATION_IMAGES))
    return dataset.images(rows), f"{len(rows)} of the reported images, without labels"


def _training_images(data: DataSpec) -> Dataset:
    whole = replace(data, split="train", start=0, stride=1, max=None, holdout=0)
    # Folders are sorted by class, so the images are spread over the whole split.
    stride = max(1, len(open_source(whole).labels) // CALIBRATION_IMAGES)
    return load_dataset(replace(whole, stride=stride, max=CALIBRATION_IMAGES))


def _int8_bytes(module: nn.Module, share_kept: float) -> int:
    weights = sum(p.numel() for p in module.parameters() if p.dim() > 1)
    rest = sum(p.numel() for p in module.parameters() if p.dim() <= 1)
    return int(weights * (1 + 3 * share_kept)) + 4 * rest
