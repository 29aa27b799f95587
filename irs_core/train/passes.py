"""How often a training passes over its images where nobody says. Works without torch."""

import math

from irs_core.data import open_source
from irs_core.data.unlabelled import unlabelled_files
from irs_core.errors import DatasetError
from irs_core.spec.study import DataSpec
from irs_core.train.denoiser_spec import DenoiserSpec
from irs_core.train.spec import TrainSpec

# Over a training set as large as CIFAR-10 or larger: a denoiser (by itself, then against the
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
    """How many images a data set has to train on; 0 where it has no split of that name."""
    try:
        return len(open_source(data.whole("train")).labels)
    except DatasetError:
        return 0


def finetuning_epochs(spec: TrainSpec) -> int:
    """Passes for the images that a run of fine-tuning names."""
    return epochs_over(_most(training_images(spec.data_spec("train")), spec), TUNING_EPOCHS)


def denoiser_epochs(spec: DenoiserSpec) -> int:
    """Passes for the images that the run of a denoiser names.

    Raises:
        DatasetError: They are a folder without images.
    """
    data = spec.data_spec("train")
    images = len(unlabelled_files(spec.images)) if data is None else training_images(data)
    return epochs_over(_most(images, spec), DENOISER_EPOCHS)


def _most(images: int, spec: TrainSpec | DenoiserSpec) -> int:
    return images if spec.max_images is None else min(images, spec.max_images)
