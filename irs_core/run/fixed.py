"""Classifiers of a study, each measured to be a fixed function of one image before it counts."""

from collections.abc import Iterator
from dataclasses import replace

from irs_core.backends import Measurable
from irs_core.data import Dataset
from irs_core.models import LoadedModel
from irs_core.run.options import RunOptions
from irs_core.run.prepare import Prepared, prepare
from irs_core.sampling.fixed_function import Fixedness, held_fixed, trial_images
from irs_core.sampling.payload import ModelPayload
from irs_core.spec.study import NoiseSpec, StudySpec


def prepare_fixed(
    spec: StudySpec, base: LoadedModel, dataset: Dataset, options: RunOptions
) -> Iterator[Prepared]:
    """The base classifier, then each compression, as `prepare` gives them, measured one by one.

    What depends on the batch runs one image at a time; its execution and its note say so.

    Raises:
        ModelOutputError: A classifier is random, hides NaN, or cannot run one image at a time
            although its answers depend on the batch.
        IrsError: A compression does not fit the model, the device or what is installed.
    """
    for one in prepare(spec, base, dataset, options):
        yield as_fixed(one, dataset, spec.noise)


def as_fixed(prepared: Prepared, dataset: Dataset, noise: NoiseSpec) -> Prepared:
    """A classifier as it can be certified, with a sentence on what was measured of it.

    Raises:
        ModelOutputError: It is no fixed function of one image, and cannot be made one.
    """
    steps = noise.integer and getattr(prepared.predictor, "takes_steps", False)
    images = trial_images(dataset, noise, steps=steps)
    predictor, found = held_fixed(prepared.title, prepared.predictor, images)
    if not found.one_by_one:
        return replace(prepared, fixed=found.sentence)
    return _alone(prepared, predictor, found)


def _alone(prepared: Prepared, predictor: Measurable, found: Fixedness) -> Prepared:
    def pack() -> ModelPayload:
        return replace(prepared.pack(), execution=predictor.execution)

    return replace(
        prepared,
        predictor=predictor,
        pack=pack,
        fixed=found.sentence,
        note=f"{prepared.note} It runs one image at a time, since its answers depend on the batch.",
    )
