"""Predictions to counts."""

import numpy as np
from numpy.typing import NDArray

from irs_core.methods.kit.counts import UNKNOWN, Floats, Ints

Predictions = NDArray[np.unsignedinteger]


def count_classes(predictions: NDArray[np.integer], classes: int) -> Ints:
    """How often each class was predicted for each input, (inputs, classes).

    Args:
        predictions: Class ids below `classes`, (inputs, draws).
    """
    rows = len(predictions)
    offsets = np.arange(rows)[:, None] * classes
    flat = (predictions.astype(np.int64) + offsets).ravel()
    counts: Ints = np.bincount(flat, minlength=rows * classes).reshape(rows, classes)
    return counts


def winners(predictions: Predictions) -> Ints:
    """The class predicted most often for each input, (inputs,); ties go to the lowest class."""
    found: Ints = count_classes(predictions, 1 + int(predictions.max())).argmax(axis=1)
    return found


def prefix_counts(events: NDArray[np.bool_], gaps: NDArray[np.bool_], budgets: Ints) -> Ints:
    """Events among the first draws of every input, (inputs, budgets); UNKNOWN after a gap.

    Args:
        events, gaps: Per draw, (inputs, draws).
        budgets: How many first draws, (budgets,).
    """
    counts = np.cumsum(events, axis=1, dtype=np.int64)[:, budgets - 1]
    unknown = np.cumsum(gaps, axis=1)[:, budgets - 1] > 0
    return np.where(unknown, UNKNOWN, counts)


def row_counts(events: NDArray[np.bool_], gaps: NDArray[np.bool_], draws: Ints) -> Ints:
    """Events among each input's own number of first draws, (inputs, budgets)."""

    def first(flags: NDArray[np.bool_]) -> Ints:
        sums = np.cumsum(flags, axis=1, dtype=np.int64)
        return np.where(draws > 0, np.take_along_axis(sums, np.maximum(draws - 1, 0), axis=1), 0)

    return np.where(first(gaps) > 0, UNKNOWN, first(events))


def times(rates: Floats, draws: Ints) -> Floats:
    """Seconds of a number of draws; no draws take no time, measured or not."""
    return np.where(draws > 0, rates * draws, 0.0)
