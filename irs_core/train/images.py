"""The images that trainings take, and how often where nobody says. Works without torch."""

import logging
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irs_core.data import Dataset, load_dataset, open_source, open_training
from irs_core.data.unlabelled import unlabelled_files
from irs_core.errors import DatasetError
from irs_core.spec.study import DataSpec
from irs_core.train.denoiser_spec import DenoiserSpec
from irs_core.train.spec import TrainSpec

_log = logging.getLogger(__name__)

# Passes over a training set as large as CIFAR-10 or larger: a denoiser (by itself, then against the
# classifier's own answers), and fine-tuning of a classifier.
DENOISER_EPOCHS, TUNING_EPOCHS = 4, 3
_USUAL_IMAGES, _MOST_EPOCHS = 50_000, 100


def epochs_over(images: int, usual: int) -> int:
    """Passes over a training set that make about as many steps as are usual over 50,000 images.

    Args:
        images: Of the set; 0 where that is not known.
        usual: Passes over 50,000 images, which larger sets get as well.
    """
    wanted = math.ceil(usual * _USUAL_IMAGES / images) if images else usual
    return max(usual, min(wanted, _MOST_EPOCHS))


def epochs_help(usual: int) -> str:
    """What help says of passes that follow the images."""
    return (
        f"passes over the images (default: as many as make the steps of {usual} over "
        f"{_USUAL_IMAGES:,} images, {usual} to {_MOST_EPOCHS})"
    )


def training_images(data: DataSpec) -> int:
    """How many images a data set has to train on, apart from those that it names.

    Raises:
        DatasetError: There are none, or training does not take them.
    """
    source = open_training(data)
    check_depth(source.read(np.zeros(1, np.int64)).pixels, source.description)
    return len(source.labels)


def training_set(spec: DataSpec, most: int | None) -> Dataset:
    """The images that a run names, in 8 bits, with their labels.

    Data that name no splits are taken as a whole, with a warning: who names them for training may
    keep others for testing, which only they can know.

    Args:
        spec: The whole split.
        most: At most so many, from all over it; None for all.

    Raises:
        DatasetError: They are missing, damaged, or not of 8 bits.
    """
    found = load_dataset(spec, most)
    check_depth(found.pixels, found.description)
    if not found.has_split:
        _log.warning(
            "%s names no splits, so all of it is trained on: certify and test on other images",
            found.description,
        )
    return found


def check_depth(pixels: NDArray[Any], what: str) -> None:
    """Refuse images that training cannot take.

    Raises:
        DatasetError: They are not of 8 bits.
    """
    if pixels.dtype != np.uint8:
        raise DatasetError(
            f"training takes images of 8 bits, and {what} has {pixels.dtype}: save them as such"
        )


def finetuning_epochs(spec: TrainSpec) -> int:
    """Passes for the images that a run of fine-tuning names.

    Raises:
        DatasetError: There are none.
    """
    return epochs_over(_taken(spec.data_spec("train"), spec), TUNING_EPOCHS)


def denoiser_epochs(spec: DenoiserSpec) -> int:
    """Passes for the images that the run of a denoiser names.

    Raises:
        DatasetError: There are none.
    """
    data = spec.data_spec("train")
    images = _taken(data, spec) if data else _most(len(unlabelled_files(spec.images)), spec)
    return epochs_over(images, DENOISER_EPOCHS)


def _taken(data: DataSpec, spec: TrainSpec | DenoiserSpec) -> int:
    return _most(len(open_source(data).labels), spec)


def _most(images: int, spec: TrainSpec | DenoiserSpec) -> int:
    return images if spec.max_images is None else min(images, spec.max_images)
