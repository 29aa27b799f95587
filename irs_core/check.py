"""A dry run of a model before it is certified: is it read right, how good and how fast is it?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irs_core.backends import Predictor
from irs_core.data import Dataset, load_dataset
from irs_core.decide import (
    Flag,
    accuracy_flag,
    channel_order_flag,
    integer_sums_flag,
    normalisation_flags,
    permuted_labels_flag,
)
from irs_core.errors import ChannelsError
from irs_core.graphs.order_said import NOTHING_SAID, OrderSaid
from irs_core.methods.kit.counting import count_classes
from irs_core.models import GraphModule, LoadedModel, load_model
from irs_core.run.fit import check_fit
from irs_core.run.normalisations import Tried, order_note, tried_otherwise
from irs_core.run.options import RunOptions
from irs_core.run.prepare import prepare, prepare_fixed
from irs_core.run.prepared import Prepared, as_fixed
from irs_core.sampling.noise import pilot_copies
from irs_core.spec.compressions import Compression, FileModel
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.train.offers import offered

DRAWS = 20
# Accuracy that the vote loses to noise, or agreement lacking, that is worth a warning.
DROP, AGREEMENT = 0.1, 0.9
_TOGETHER = 500


@dataclass(frozen=True)
class CheckRow:
    """What a dry run measured of one classifier; shares in [0, 1].

    Args:
        clean: Accuracy on the images as they are.
        noisy: Accuracy on noisy copies of them.
        voted: Accuracy of the most frequent class among an image's copies, which is what
            smoothing certifies.
        agreement: Share of noisy copies on which it answers as the original.
        rate: Predictions per second.
        digest: SHA-256, as in the key of its evidence.
        execution: What ran it.
        fixed: What was measured of it as a function of one image, in a sentence.
    """

    name: str
    title: str
    clean: float
    noisy: float
    voted: float
    agreement: float
    rate: float
    size_bytes: int
    digest: str
    execution: str
    fixed: str


@dataclass(frozen=True)
class CheckReport:
    """A dry run.

    Args:
        model: What the original is, in a sentence.
        data: The images, in a sentence.
        rows: The original, then each compressed classifier.
        warnings: Sentences about what is likely to disappoint or to be a mistake.
        offers: What to type for each of `ways` and to compare them, a sentence each.
        notes: What is done to images, labels and scores, in a few words each.
        sees: Ranges of the pixels, and of what the network gets after normalisation.
        flags: What makes the accuracy doubtful.
        spec: The data as they were read, with what was changed to fit the model.
        ways: Of a model that was not trained under the noise, by the names of
            `irs_core.ways.Way`, what helps it: `denoised`, `fine-tuned`; empty for others.
    """

    model: str
    data: str
    rows: tuple[CheckRow, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    sees: str
    flags: tuple[Flag, ...]
    spec: DataSpec
    ways: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """All of it, JSON-serialisable."""
        return asdict(self)


def check_model(
    model: ModelSpec,
    data: DataSpec,
    *,
    sigma: float,
    compressions: Sequence[Compression] = (),
    seed: int = 0,
    draws: int = DRAWS,
    most: int | None = None,
    options: RunOptions | None = None,
) -> CheckReport:
    """Run the original and compressed classifiers on the images, without and with noise.

    Nothing is stored and nothing is certified: the shares are plain estimates. The noise comes
    from the `pilot` stream, which no certificate uses.

    Args:
        sigma: Noise in pixel units.
        draws: Noisy copies per image.
        most: Take at most so many of the reported images, from all over them, and those held out;
            None for all.

    Raises:
        IrsError: The model, the data or a compression cannot be used, or they do not fit.
    """
    noise = NoiseSpec(sigma, seed=seed)
    spec = StudySpec(model, data, noise, tuple(compressions), n0=1, n=1, n_p=(1,))
    options = options or RunOptions()
    base = load_model(model, programs=options.programs)
    spec, dataset = _fitting(spec, base, most)
    trial = _Trial(dataset, noise, draws)
    rows, warnings = [], []
    for one in prepare_fixed(spec, base, dataset, options):
        rows.append(trial.row(one))
    if base.parts is not None:
        warnings += _denoiser_warning(spec, base.classifier, dataset, options, rows[0])
    ways: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    # A model that was trained under the noise loses accuracy on single copies, not in the vote.
    if rows[0].clean - rows[0].voted > DROP:
        ways, offers = offered(model, spec.data, sigma, base, dataset)
        warnings.append(_noise_warning(rows[0], sigma, behind_denoiser=base.parts is not None))
    for row, compression in zip(rows[1:], compressions, strict=True):
        if row.agreement < AGREEMENT:
            warnings.append(
                f"With {row.title}, only {row.agreement:.1%} of noisy images get the original's "
                "answer."
            )
            warnings += _other_normalisation(spec, base, dataset, options, trial, row, compression)
    order = _order_said(base)
    tried = tried_otherwise(spec, base, dataset, options, trial.clean, order_open=order.open)
    return CheckReport(
        _described(base),
        f"{dataset.description}, {len(dataset)} images",
        tuple(rows),
        tuple(warnings),
        (*dataset.notes, *_handled(base), *order_note(order, trial.clean, dataset, tried)),
        _ranges(base, dataset),
        _flags(trial.clean, dataset, base, tried, rows),
        spec.data,
        ways,
        offers,
    )


def _fitting(spec: StudySpec, base: LoadedModel, most: int | None) -> tuple[StudySpec, Dataset]:
    """The data, made to fit the model's channels where only those differ."""
    dataset = load_dataset(spec.data, most)
    try:
        check_fit(spec, base, dataset)
    except ChannelsError as error:
        spec = replace(spec, data=replace(spec.data, channels=error.channels))
        dataset = load_dataset(spec.data, most)
        check_fit(spec, base, dataset)
    return spec, dataset


class _Trial:
    """The images and noisy copies that every classifier gets."""

    def __init__(self, dataset: Dataset, noise: NoiseSpec, draws: int) -> None:
        self._labels, self._draws = dataset.labels, draws
        self._images = dataset.images(slice(None))
        self._noise = noise
        self._base: NDArray[np.int64] | None = None
        # Answers of the original to the images as they are.
        self.clean = np.zeros(0, np.int64)

    def row(self, one: Prepared) -> CheckRow:
        clean = one.predictor(self._images)
        found, rate = self._noisy(one.predictor)
        if self._base is None:
            self._base, self.clean = found, clean
        return CheckRow(
            one.name,
            one.title,
            clean=float(np.mean(clean == self._labels)),
            noisy=float(np.mean(found == self._labels[:, None])),
            voted=float(np.mean(_vote(found) == self._labels)),
            agreement=float(np.mean(found == self._base)),
            rate=rate,
            size_bytes=one.size_bytes,
            digest=one.digest,
            execution=one.predictor.execution,
            fixed=one.fixed,
        )

    def _noisy(self, predictor: Predictor) -> tuple[NDArray[np.int64], float]:
        """Classes of noisy copies, (images, draws), and predictions per second."""
        found, spent = [], 0.0
        # Several images at once, so that batches are full.
        step = max(1, _TOGETHER // self._draws)
        for start in range(0, len(self._images), step):
            copies = np.concatenate(
                [
                    pilot_copies(self._noise, self._images[row], row, self._draws)
                    for row in range(start, min(start + step, len(self._images)))
                ]
            )
            started = perf_counter()
            found.append(predictor(copies))
            spent += perf_counter() - started
        classes = np.concatenate(found).reshape(len(self._images), self._draws)
        return classes, classes.size / spent


def _vote(classes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(count_classes(classes, 1 + int(classes.max())).argmax(axis=1), np.int64)


def _denoiser_warning(
    spec: StudySpec,
    classifier: LoadedModel,
    dataset: Dataset,
    options: RunOptions,
    both: CheckRow,
) -> list[str]:
    """Whether a classifier loses, behind its denoiser, what it knows of clean images."""
    alone = replace(spec, model=replace(spec.model, denoiser=None), compressions=())
    (one,) = prepare_fixed(alone, classifier, dataset, options)
    clean = float(np.mean(one.predictor(dataset.images(slice(None))) == dataset.labels))
    if clean - both.clean <= DROP:
        return []
    return [
        f"Behind the denoiser the accuracy on clean images falls from {clean:.1%} to "
        f"{both.clean:.1%}: it was trained too short or for other images, or gives values in "
        "another range than [0, 1]."
    ]


def _noise_warning(row: CheckRow, sigma: float, *, behind_denoiser: bool) -> str:
    why = (
        "the denoiser in front does not take enough of it away, or gives other values than the "
        "classifier was trained on"
        if behind_denoiser
        else "the model was not trained under this noise"
    )
    return (
        f"Under noise sigma {sigma:g} the accuracy falls from {row.clean:.1%} to {row.noisy:.1%} "
        f"({row.voted:.1%} by vote over copies), so certificates will be small or missing: {why}. "
        "A smaller sigma costs less."
    )


def _other_normalisation(
    spec: StudySpec,
    base: LoadedModel,
    dataset: Dataset,
    options: RunOptions,
    trial: _Trial,
    row: CheckRow,
    compression: Compression,
) -> list[str]:
    """Whether a file agrees better with the normalisation left out, or put in front."""
    if not isinstance(compression, FileModel) or base.mean is None:
        return []
    other = replace(compression, normalize=not compression.normalize)
    _, prepared = prepare(replace(spec, compressions=(other,)), base, dataset, options)
    found = trial.row(as_fixed(prepared, dataset, spec.noise))
    if found.agreement <= row.agreement:
        return []
    return [
        f"As {str(other).partition(':')[0]}:{other.path}, that is "
        f"{'behind' if other.normalize else 'without'} the original's normalisation, it agrees on "
        f"{found.agreement:.1%}."
    ]


def _flags(
    clean: NDArray[np.int64],
    dataset: Dataset,
    base: LoadedModel,
    tried: Tried,
    rows: Sequence[CheckRow],
) -> tuple[Flag, ...]:
    labels, classes = dataset.labels, base.num_classes
    right = int(np.sum(clean == labels))
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (labels, clean), 1)
    found = [
        accuracy_flag(right, len(labels), classes),
        permuted_labels_flag(confusion),
        *normalisation_flags(
            guessed=False,
            used=(right, len(labels)),
            alternatives=tried.normalisations,
        ),
        None
        if tried.reversed is None
        else channel_order_flag(clean == labels, tried.reversed, options=tried.order),
        integer_sums_flag(row.execution for row in rows),
    ]
    return tuple(one for one in found if one is not None)


def _handled(base: LoadedModel) -> tuple[str, ...]:
    return base.module.file.facts.notes if isinstance(base.module, GraphModule) else ()


def _order_said(base: LoadedModel) -> OrderSaid:
    module = base.classifier.module
    return module.file.facts.order_said if isinstance(module, GraphModule) else NOTHING_SAID


def _ranges(base: LoadedModel, dataset: Dataset) -> str:
    images = dataset.images(slice(None))
    if base.parts is not None:
        return (
            f"pixels {images.min():.3g} to {images.max():.3g}, mean {images.mean():.3g}; the "
            "denoiser gets them as they are"
        )
    said = f"pixels {images.min():.3g} to {images.max():.3g}, mean {images.mean():.3g}"
    if base.mean is None or base.std is None:
        return f"{said}; the network gets them as they are"
    shape = (1, -1, 1, 1)
    normal = (images - np.reshape(base.mean, shape)) / np.reshape(base.std, shape)
    return f"{said}; the network gets {normal.min():.3g} to {normal.max():.3g} after normalisation"


def _described(base: LoadedModel) -> str:
    shape = "x".join(map(str, base.input_shape)) if base.input_shape else "of any size"
    normal = "no normalisation inside"
    if base.mean is not None and base.std is not None:
        mean, std = (", ".join(f"{one:.4g}" for one in values) for values in (base.mean, base.std))
        normal = f"normalisation inside, mean {mean}, std {std}"
    said = f"{base.arch}, {base.num_classes} classes, inputs {shape}, {normal}"
    if base.parts is None:
        return said
    first = base.parts.denoiser
    return f"denoiser {first.name} ({first.parameters:,} parameters), then {said}"
