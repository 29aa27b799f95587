"""Whether a model answers better behind another usual normalisation than behind its own."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from irs_core.data import Dataset
from irs_core.run.options import RunOptions
from irs_core.spec.study import StudySpec

if TYPE_CHECKING:
    from irs_core.models import LoadedModel

# Accuracy that leaves no room for another normalisation to be clearly better.
ENOUGH = 0.9
NORMALISATIONS: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "pixels in [0, 1]": ((0.0,), (1.0,)),
    "pixels in [0, 255]": ((0.0,), (1 / 255,)),
    "pixels in [-1, 1]": ((0.5,), (0.5,)),
    "that of ImageNet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "that of CIFAR-10": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "that of MNIST": ((0.1307,), (0.3081,)),
}


def other_normalisations(
    spec: StudySpec,
    base: "LoadedModel",
    dataset: Dataset,
    options: RunOptions,
    clean: NDArray[np.int64],
) -> dict[str, tuple[int, int]]:
    """Correct answers, of how many, with usual normalisations that are not in use, by name.

    Tried only where the answers leave room for one that fits better, and where one can be put
    before the network.

    Args:
        clean: Classes that the model answers as it is, one for each image of the dataset.
    """
    # torch takes seconds to import.
    from irs_core.models import load_model
    from irs_core.run.prepare import prepare

    if float(np.mean(clean == dataset.labels)) >= ENOUGH or base.arch in ("object", "integer"):
        return {}
    images, found = dataset.images(slice(None)), {}
    channels = dataset.input_shape[0]
    for name, values in NORMALISATIONS.items():
        if channels % len(values[0]):
            continue
        mean, std = (one * (channels // len(one)) for one in values)
        if (mean, std) == (base.mean or (0.0,) * channels, base.std or (1.0,) * channels):
            continue
        model = replace(spec.model, mean=mean, std=std)
        plain = replace(spec, model=model, compressions=())
        made = next(
            iter(prepare(plain, load_model(model, programs=options.programs), dataset, options))
        )
        right = int(np.sum(made.predictor(images) == dataset.labels))
        shown = " ".join(
            f"--{key} {' '.join(f'{one:.6g}' for one in numbers)}"
            for key, numbers in (("mean", mean), ("std", std))
        )
        found[f"{name} ({shown})"] = right, len(images)
    return found
