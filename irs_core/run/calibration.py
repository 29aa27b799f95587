"""Images on which ranges of quantised networks are set, never those of a certificate's draws."""

import logging
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from irs_core.data import Dataset, load_dataset, open_training
from irs_core.data.base import scaled, spaced
from irs_core.errors import DatasetError
from irs_core.sampling.noise import noise_blocks, noisy
from irs_core.spec.study import DataSpec, StudySpec

logger = logging.getLogger(__name__)

CALIBRATION_IMAGES = 400
CALIBRATION_DRAWS = 5


def calibration_images(
    spec: StudySpec, dataset: Dataset, *, unseen: bool = False
) -> tuple[NDArray[np.float32], str]:
    """Noisy images on which int8 ranges are set, and where they come from.

    Training images where there are some; else the held-out ones; else the reported ones, without
    labels. The noise comes from the `pilot` stream, so no certificate's draws are touched.

    Args:
        unseen: Never take reported images.

    Raises:
        DatasetError: There are only reported images, and those are not to be taken.
    """
    pixels, source = _calibration_source(spec, dataset, unseen=unseen)
    images = pixels if spec.noise.integer else scaled(pixels, dataset.scale)
    # Mixed, because folders are sorted by class; the draws of one image stay together, so that
    # an image belongs to one part of the calibration only.
    images = np.random.default_rng(spec.noise.seed).permutation(images)
    found = [
        noisy(image, values, dataset.scale, steps=False)
        for group, image in enumerate(images)
        for values in noise_blocks(
            spec.noise,
            "pilot",
            group,
            0,
            shape=images.shape[1:],
            scale=dataset.scale,
            stop=CALIBRATION_DRAWS,
        )
    ]
    return np.concatenate(found, dtype=np.float32), source


def _calibration_source(
    spec: StudySpec, dataset: Dataset, *, unseen: bool
) -> tuple[NDArray[np.uint8], str]:
    try:
        training = _training_images(spec.data)
        if (training.input_shape, training.scale) == (dataset.input_shape, dataset.scale):
            return training.pixels, f"{len(training)} training images"
    except DatasetError as error:
        logger.info("no training images for calibration: %s", error)
    # Those may be sorted by class, too.
    rows = np.flatnonzero(~dataset.reported)
    rows = rows[spaced(len(rows), CALIBRATION_IMAGES)]
    if len(rows):
        return dataset.pixels[rows], f"{len(rows)} held-out images"
    if unseen:
        raise DatasetError(
            "an integer network needs training or held-out images to set its ranges; found none: "
            "hold some out"
        )
    rows = spaced(len(dataset), CALIBRATION_IMAGES)
    return dataset.pixels[rows], f"{len(rows)} of the reported images, without labels"


def _training_images(data: DataSpec) -> Dataset:
    # Folders are sorted by class, so the images are spread over the whole split.
    stride = max(1, len(open_training(data).labels) // CALIBRATION_IMAGES)
    return load_dataset(replace(data.whole("train"), stride=stride, max=CALIBRATION_IMAGES))
