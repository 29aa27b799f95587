"""What every backend offers, and the checks that all of them share."""

import copy
from collections.abc import Iterator
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from irs_core.errors import ModelOutputError

Arithmetic = Literal["fp32", "fp16", "bf16", "int8", "int8 linear"]

# Batches have one fixed size, so that a prediction never depends on how many are asked for.
_BATCH_PIXELS = 160_000


class Predictor(Protocol):
    """A classifier ready to run.

    Attributes:
        execution: Backend, device and arithmetic in words; part of the evidence key.
    """

    execution: str

    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[np.int64]:
        """Class ids (N,) of noisy inputs (N, channels, height, width), any N >= 1.

        Raises:
            ModelOutputError: The scores are not (N, classes), or not finite.
        """


class Measurable(Predictor, Protocol):
    """A predictor of which it can be measured whether it is a fixed function of one image.

    Attributes:
        batch: Inputs per forward pass.
    """

    batch: int

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores (N, classes) as they come, NaN and infinity included."""

    def with_batch(self, batch: int) -> Self:
        """The same classifier at another batch size.

        Raises:
            ApproximationError: It was made for another number of images.
        """

    def second(self) -> "Measurable | None":
        """The same classifier on another backend; None where there is none."""

    def nan_inside(self, inputs: NDArray[np.float32]) -> int:
        """Inputs on which NaN arises before the scores; 0 where nobody can look inside."""


class Opaque:
    """What a predictor does that nobody can look into and nothing else runs; see `Measurable`."""

    batch: int

    def with_batch(self, batch: int) -> Self:
        """The same at another batch size."""
        made = copy.copy(self)
        made.batch = batch
        return made

    def second(self) -> None:
        """None: there is no other way to run it."""

    def nan_inside(self, inputs: NDArray[np.float32]) -> int:
        """0: nobody can look inside."""
        del inputs
        return 0


def classes_of(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """The class of the highest score of each input.

    Raises:
        ModelOutputError: A score is NaN or infinite.
    """
    check_finite(bool(np.isfinite(scores).all()))
    return np.asarray(scores.argmax(axis=1), np.int64)


def batch_for(pixels: int, largest: int = 50) -> int:
    """A fixed batch size that suits images of this size."""
    return max(1, min(largest, _BATCH_PIXELS // max(1, pixels)))


def fixed_batches(
    inputs: NDArray[np.float32], size: int
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Batches of exactly `size` inputs with their place; the last is padded with copies."""
    for start in range(0, len(inputs), size):
        part = inputs[start : start + size]
        place = slice(start, start + len(part))
        if len(part) < size:
            # Copies of a real input, so that padding cannot upset the model.
            part = np.concatenate([part, np.repeat(part[-1:], size - len(part), axis=0)])
        yield place, part


def check_scores(shape: tuple[int, ...], inputs: int, classes: int) -> None:
    """Refuse scores that are not one per input and class."""
    if shape != (inputs, classes):
        raise ModelOutputError(
            f"the model must return scores of shape ({inputs}, {classes}); got {shape}"
        )


def check_finite(finite: bool) -> None:
    """Refuse scores among which some are NaN or infinite."""
    if not finite:
        raise ModelOutputError(
            "the model returned NaN or infinite scores; every score must be finite"
        )
