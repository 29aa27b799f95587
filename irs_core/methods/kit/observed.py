"""What methods plan and count from: the predictions of f and of one compressed classifier."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from irs_core.methods.kit.counting import Predictions, winners
from irs_core.methods.kit.counts import Floats, Ints
from irs_core.methods.kit.groups import group_of_classes
from irs_core.spec.study import Stream, StudySpec


@dataclass(frozen=True, eq=False)
class Original:
    """The predictions of f.

    Args:
        selection: On its selection draws, (inputs, n0).
        estimation: On its estimation draws, (inputs, n).
        reported: False for inputs held out for tuning, (inputs,).
    """

    selection: Predictions
    estimation: Predictions
    reported: NDArray[np.bool_]

    @cached_property
    def candidate(self) -> Ints:
        """The class that won the selection draws, (inputs,)."""
        return winners(self.selection)

    @cached_property
    def selected(self) -> Ints:
        """How many selection draws gave it, (inputs,)."""
        hits = self.selection == self.candidate[:, None]
        return np.asarray(np.count_nonzero(hits, axis=1), np.int64)

    @cached_property
    def groups(self) -> NDArray[np.int8]:
        """Groups of the other classes, by the selection draws, (inputs, classes)."""
        return group_of_classes(self.selection, self.candidate)


@dataclass(frozen=True, eq=False)
class Observed:
    """One compressed classifier beside its original, as far as it is stored.

    Args:
        name: The classifier's name in the study.
        read: Its predictions on the first draws of a stream, (inputs, draws); where none is
            stored, the largest value of the integer type.
        rate: Mean measured seconds of one draw over the first draws of a stream, (inputs, 1);
            NaN where none was measured.
        seconds: Measured seconds of its first so many draws on a stream, (inputs, budgets).
        streams: Streams that the study keeps of it.
    """

    name: str
    spec: StudySpec
    original: Original
    read: Callable[[Stream, int], Predictions]
    rate: Callable[[Stream, int], Floats]
    seconds: Callable[[Stream, Ints], Floats]
    streams: tuple[Stream, ...]


def gaps_of(predictions: Predictions) -> NDArray[np.bool_]:
    """Where no prediction is stored."""
    return np.asarray(predictions == np.iinfo(predictions.dtype).max)


def all_stored(predictions: Predictions) -> NDArray[np.bool_]:
    """Inputs whose predictions are all stored, (inputs,)."""
    return np.asarray(~gaps_of(predictions).any(axis=1))


@dataclass(frozen=True, eq=False)
class Wish:
    """Draws that a method needs of one compressed classifier.

    Args:
        name: The classifier's name in the study.
        draws: How many of the first draws of each input, (inputs,).
        hits: Of the first draws on which f gave its candidate; otherwise of all.
    """

    name: str
    stream: Stream
    draws: Ints
    hits: bool = False
