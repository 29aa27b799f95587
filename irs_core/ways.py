"""Three ways to certify a classifier that never saw noise, compared by a pilot.

As it is, behind a denoiser (Salman et al. 2020), or fine-tuned under the noise (Cohen et al. 2019):
each is tried on some images and some noisy copies, after a short training where one is needed.
Nothing is stored and nothing is certified; shares and times are predictions.
"""

import math
import tempfile
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from irs_core.data import Dataset, load_dataset
from irs_core.errors import IrsError, SpecError
from irs_core.models import load_model
from irs_core.models.denoised import check_takes_denoiser
from irs_core.models.gradients import runs_in_torch
from irs_core.run.fit import check_fit
from irs_core.run.options import RunOptions
from irs_core.run.prepare import prepare_fixed
from irs_core.run.trial import Trial
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.stats import binomial_lower_bound
from irs_core.train.commands import (
    TUNING_RATE,
    certify_command,
    denoiser_commands,
    finetune_command,
)
from irs_core.train.denoise import train_denoiser
from irs_core.train.denoiser_spec import DenoiserSpec, images_text
from irs_core.train.images import (
    DENOISER_EPOCHS,
    TUNING_EPOCHS,
    epochs_over,
    training_images,
)
from irs_core.train.loop import train
from irs_core.train.spec import OWN_CLASS, TrainSpec
from irs_core.train.start import read_start
from irs_core.train.task import fitting_levels

DRAWS, PILOT_IMAGES = 50, 2000
# Passes of a pilot over images as large as CIFAR-10's or larger, and at most over smaller ones.
_PASSES, _MOST_PASSES, _USUAL_VALUES = 2, 10, 3 * 32 * 32


@dataclass(frozen=True)
class Way:
    """One way, as far as a pilot tells.

    Args:
        name: `as it is`, `denoised` or `fine-tuned`.
        clean: Accuracy without noise.
        noisy: Accuracy on single noisy copies.
        voted: Accuracy of the most frequent class among an image's copies.
        certified: Predicted share of images right and certified above each radius, of the function
            that was tried.
        rate: Predictions per second of the whole function.
        trained: What the pilot trained it on, in a few words; empty for nothing.
        seconds: Predicted time of the whole training here; 0 where nothing is left to train.
        commands: What to type for the whole.
        refused: Why it could not be tried; empty where it was.
    """

    name: str
    clean: float = float("nan")
    noisy: float = float("nan")
    voted: float = float("nan")
    certified: tuple[float, ...] = ()
    rate: float = float("nan")
    trained: str = ""
    seconds: float = 0.0
    commands: tuple[str, ...] = ()
    refused: str = ""

    def to_json(self) -> dict[str, Any]:
        """All of it, JSON-serialisable."""
        return asdict(self)


@dataclass(frozen=True)
class Pilot:
    """What every way is tried with.

    Args:
        sigma: Noise, pixel units.
        radii: L2 radii in pixel units at which certified shares are predicted.
        n, alpha: Of the certificates that are predicted.
        images: Training images of a pilot, of which 2 to 10 passes are made, more of small ones.
        draws: Noisy copies of each test image.
    """

    sigma: float
    radii: tuple[float, ...]
    n: int = 10_000
    alpha: float = 0.001
    images: int = PILOT_IMAGES
    draws: int = DRAWS
    seed: int = 0


def compare_ways(
    model: ModelSpec,
    data: DataSpec,
    pilot: Pilot,
    *,
    most: int | None = None,
    width: int = 32,
    levels: int | None = None,
    options: RunOptions | None = None,
) -> tuple[Way, ...]:
    """The three ways on the same images and the same noise.

    A denoiser that `model` names is tried as it is; without one, a small one is trained for the
    pilot, as is the fine-tuned classifier. What is measured is what the pilot trained; the whole
    training takes more images and passes. Noise comes from the `pilot` stream, which no certificate
    uses, so choosing by it costs no confidence in a certificate. A statement about new inputs asks
    for more: that the function was chosen on other images than those it is decided on.

    Args:
        data: Images to try on; the pilots train on the same data set's split `train`.
        most: Try on at most so many of the reported images, from all over them, and on those held
            out; None for all.
        width, levels: Size of the denoiser that is trained where none is named; None for as many
            levels as fit the images.

    Raises:
        IrsError: The model or the data cannot be used as they are.
    """
    options = options or RunOptions(programs=True)
    bare = replace(model, denoiser=None)
    trial = _Trial(data, pilot, options, most)
    if levels is None:
        levels = trial.fitting_levels()
    found = [trial.way("as it is", bare)]
    with tempfile.TemporaryDirectory() as folder:
        for name, make in (("denoised", _denoised), ("fine-tuned", _finetuned)):
            try:
                found.append(make(model, trial, Path(folder), width=width, levels=levels))
            except IrsError as error:
                found.append(Way(name, refused=str(error)))
    return tuple(found)


class _Trial:
    """The images and noisy copies that every way gets."""

    def __init__(self, data: DataSpec, pilot: Pilot, options: RunOptions, most: int | None) -> None:
        self.data, self.pilot, self.options = data, pilot, options
        self._noise = NoiseSpec(pilot.sigma, seed=pilot.seed)
        self._dataset: Dataset = load_dataset(data, most)
        self._trial = Trial(self._dataset, self._noise, pilot.draws)

    @property
    def passes(self) -> int:
        """Passes that take about as long as the usual ones over usual images."""
        wanted = _PASSES * _USUAL_VALUES // math.prod(self._dataset.input_shape)
        return max(_PASSES, min(wanted, _MOST_PASSES))

    @cached_property
    def training_images(self) -> int:
        """How many images there are to train on, apart from those that are tried on."""
        return training_images(self.data)

    def fitting_levels(self) -> int:
        """How often a denoiser may halve the images."""
        return fitting_levels(*self._dataset.input_shape[1:])

    def way(self, name: str, model: ModelSpec) -> Way:
        """The measures of one way."""
        spec = StudySpec(model, self.data, self._noise, (), n0=1, n=1, n_p=(1,))
        base = load_model(model, programs=self.options.programs)
        check_fit(spec, base, self._dataset)
        (one,) = prepare_fixed(spec, base, self._dataset, self.options)
        found = self._trial.answers(one.predictor)
        return Way(
            name,
            clean=found.clean_accuracy,
            noisy=found.noisy_accuracy,
            voted=found.voted_accuracy,
            certified=self._certified(found.counts.max(axis=1), found.right),
            rate=found.rate,
        )

    def _certified(self, hits: NDArray[np.int64], right: NDArray[np.bool_]) -> tuple[float, ...]:
        pilot = self.pilot
        # As if the share of the pilot were the share among the n draws.
        expected = np.rint(hits / pilot.draws * pilot.n).astype(np.int64)
        lower = binomial_lower_bound(expected, pilot.n, pilot.alpha)
        return tuple(
            float(np.mean(right & (lower > norm.cdf(radius / pilot.sigma))))
            for radius in pilot.radii
        )


def _denoised(model: ModelSpec, trial: _Trial, folder: Path, *, width: int, levels: int) -> Way:
    if model.denoiser is not None:
        command = certify_command(model, trial.data, trial.pilot.sigma)
        return replace(trial.way("denoised", model), commands=(command,))
    if levels < 1:
        raise SpecError(
            "a denoiser halves the images, whose sides have to be even for that: resize them with "
            "--size, or fine-tune"
        )
    pilot, data, total = trial.pilot, trial.data, trial.training_images
    classifier = load_model(model, programs=trial.options.programs)
    check_takes_denoiser(classifier)
    first = DenoiserSpec(
        images_text(data),
        str(folder / "first.safetensors"),
        (pilot.sigma,),
        epochs=trial.passes,
        width=width,
        levels=levels,
        max_images=pilot.images,
        size=data.size,
        channels=data.channels,
        lr=2e-3,
        batch=64,
    )
    result = train_denoiser(first)
    paces = [result.epochs[-1]]
    if runs_in_torch(classifier) and classifier.arch != "torchscript":
        second = replace(
            first,
            out=str(folder / "second.safetensors"),
            start=first.out,
            against=model.weights,
            arch=model.arch,
            mean=model.mean,
            std=model.std,
            channel_order=model.channel_order,
            lr=1e-3,
        )
        result = train_denoiser(second)
        paces.append(result.epochs[-1])
    each = " of each objective" if len(paces) > 1 else ""
    return replace(
        trial.way("denoised", replace(model, denoiser=str(result.weights))),
        trained=f"{min(total, pilot.images):,} images, {trial.passes} passes{each}",
        seconds=epochs_over(total, DENOISER_EPOCHS)
        * sum(total / pace.images_per_second for pace in paces),
        commands=denoiser_commands(
            model,
            data,
            pilot.sigma,
            against=len(paces) > 1,
            images=total,
            width=width,
            levels=levels,
        ),
    )


def _finetuned(model: ModelSpec, trial: _Trial, folder: Path, **_: int) -> Way:
    pilot, data, total = trial.pilot, trial.data, trial.training_images
    start = read_start(replace(model, denoiser=None))
    spec = TrainSpec(
        arch=start.arch,
        out=str(folder / "tuned.safetensors"),
        data=data.kind,
        root=data.root,
        size=data.size,
        channels=data.channels,
        sigma=pilot.sigma,
        epochs=trial.passes,
        batch=64,
        lr=TUNING_RATE,
        max_images=pilot.images,
        start=model.weights,
        classes=data.class_list,
        mean=model.mean,
        std=model.std,
        channel_order=model.channel_order,
    )
    if spec.arch == OWN_CLASS:
        raise SpecError(
            "somebody's own class is fine-tuned by the command finetune; a pilot cannot build it "
            "anew from the weights that it writes"
        )
    result = train(spec, max_test=0)
    tuned = ModelSpec(str(result.weights), num_classes=model.num_classes, output=model.output)
    pace = result.epochs[-1].images_per_second
    return replace(
        trial.way("fine-tuned", tuned),
        trained=f"{min(total, pilot.images):,} images, {trial.passes} passes",
        seconds=epochs_over(total, TUNING_EPOCHS) * total / pace,
        commands=(finetune_command(model, data, pilot.sigma, total),),
    )
