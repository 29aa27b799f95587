"""What classifiers answer on a few images, without noise and with it; nothing is stored."""

from dataclasses import dataclass
from functools import cached_property
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from irs_core.backends import Predictor
from irs_core.data import Dataset
from irs_core.errors import SpecError
from irs_core.methods.kit.counting import count_classes
from irs_core.sampling.noise import pilot_copies
from irs_core.spec.study import NoiseSpec

_TOGETHER = 500
Classes = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Answers:
    """Classes that a classifier gave.

    Args:
        labels: True classes, (images,).
        clean: Of the images as they are, (images,).
        copies: Of noisy copies, (images, draws).
        rate: Predictions per second.
    """

    labels: Classes
    clean: Classes
    copies: Classes
    rate: float

    @cached_property
    def counts(self) -> Classes:
        """How often each class was given to an image's copies, (images, classes)."""
        return count_classes(self.copies, 1 + int(self.copies.max()))

    @property
    def right(self) -> NDArray[np.bool_]:
        """Where the most frequent class among an image's copies is the true one, (images,)."""
        found: NDArray[np.bool_] = self.counts.argmax(axis=1) == self.labels
        return found

    @property
    def clean_accuracy(self) -> float:
        """On the images as they are."""
        return float(np.mean(self.clean == self.labels))

    @property
    def noisy_accuracy(self) -> float:
        """On single noisy copies."""
        return float(np.mean(self.copies == self.labels[:, None]))

    @property
    def voted_accuracy(self) -> float:
        """Of the most frequent class among an image's copies."""
        return float(np.mean(self.right))


class Trial:
    """The images and noisy copies that every classifier gets.

    Noise comes from the `pilot` stream, which no certificate uses.
    """

    def __init__(self, dataset: Dataset, noise: NoiseSpec, draws: int) -> None:
        if draws < 1:
            raise SpecError(f"draws must be at least 1 noisy copy of each image; got {draws}")
        self._labels, self._noise, self._draws = dataset.labels, noise, draws
        self._images = dataset.images(slice(None))

    def answers(self, predictor: Predictor) -> Answers:
        """What a classifier says of all of them."""
        clean = predictor(self._images)
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
        return Answers(self._labels, clean, classes, classes.size / spent)
