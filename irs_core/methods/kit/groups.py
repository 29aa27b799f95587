"""Classes other than the candidate, in groups, and how often each was predicted.

A study keeps a few counts per input, however many classes there are: the classes that the selection
draws gave most often stand for themselves, and all others make one group. Nothing but selection
draws decides which.
"""

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from irs_core.methods.kit.counting import Predictions, count_classes
from irs_core.methods.kit.counts import UNKNOWN, Ints

# With ten classes, each one but the candidate stands for itself.
GROUPS = 9
_GAP = GROUPS + 1
_BLOCK = 8_000_000


def group_of_classes(selection: Predictions, candidate: Ints) -> NDArray[np.int8]:
    """Group of each class, (inputs, classes); the candidate's is `GROUPS`, which is none.

    Classes beyond the last column are in the last group.

    Args:
        selection: Predictions on the selection draws, all stored, (inputs, draws).
    """
    classes = max(1 + int(max(selection.max(), candidate.max())), GROUPS)
    counts = count_classes(selection, classes)
    rows = np.arange(len(counts))
    counts[rows, candidate] = -1
    order = np.argsort(-counts, axis=1, kind="stable")
    groups = np.full(counts.shape, GROUPS - 1, np.int8)
    np.put_along_axis(groups, order[:, : GROUPS - 1], np.arange(GROUPS - 1, dtype=np.int8), axis=1)
    groups[rows, candidate] = GROUPS
    return groups


def group_counts(groups: NDArray[np.int8], predictions: Predictions, budgets: Ints) -> Ints:
    """How often each group was predicted on the first draws, (inputs, budgets, groups).

    UNKNOWN where one of these draws is not stored.

    Args:
        predictions: (inputs, draws).
        budgets: How many first draws, increasing, at least 1, (budgets,).
    """

    def one(rows: slice) -> Ints:
        seen = predictions[rows]
        return _counted(_grouped(groups[rows], seen), _gaps(seen), budgets)

    return _by_rows(one, predictions)


def most_frequent(groups: NDArray[np.int8], predictions: Predictions, budgets: Ints) -> Ints:
    """How often the group was predicted that was predicted most often, (inputs, budgets).

    Bounds of a fixed number of draws are those of the largest count.
    """
    return np.asarray(group_counts(groups, predictions, budgets).max(axis=2))


def arrival_counts(
    groups: NDArray[np.int8], base: Predictions, compressed: Predictions, budgets: Ints
) -> NDArray[np.signedinteger]:
    """On how many of the first draws f^p gave each group and f did not; see `group_counts`.

    In as few bytes as they need: a study keeps them for every point.
    """

    def one(rows: slice) -> Ints:
        seen = compressed[rows]
        now, before = (
            _grouped(groups[rows], seen),
            _grouped(groups[rows], base[rows, : seen.shape[1]]),
        )
        return _counted(np.where(now == before, np.int8(GROUPS), now), _gaps(seen), budgets)

    counts = _by_rows(one, compressed)
    small = np.int16 if budgets[-1] <= np.iinfo(np.int16).max else np.int32
    return counts.astype(small)


def _by_rows(count: Callable[[slice], Ints], predictions: Predictions) -> Ints:
    """Some rows at a time: memory stays small, whatever the study's size."""
    step = max(1, _BLOCK // max(1, predictions.shape[1]))
    return np.concatenate([count(slice(at, at + step)) for at in range(0, len(predictions), step)])


def _grouped(groups: NDArray[np.int8], predictions: Predictions) -> NDArray[np.int8]:
    classes = groups.shape[1]
    known = np.minimum(predictions, classes - 1).astype(np.intp)
    found = np.take_along_axis(groups, known, axis=1)
    return np.where(predictions < classes, found, np.int8(GROUPS - 1))


def _gaps(predictions: Predictions) -> NDArray[np.bool_]:
    return np.asarray(predictions == np.iinfo(predictions.dtype).max)


def _counted(grouped: NDArray[np.int8], gaps: NDArray[np.bool_], budgets: Ints) -> Ints:
    if grouped.shape[1] < budgets[-1]:
        raise ValueError(f"{budgets[-1]} draws are to be counted, and {grouped.shape[1]} are given")
    # Those of the candidate and gaps are counted beside the groups, in one pass.
    marked = np.where(gaps, np.int8(_GAP), grouped)
    edges = itertools.pairwise([0, *budgets.tolist()])
    parts = [count_classes(marked[:, start:stop], _GAP + 1) for start, stop in edges]
    counts = np.cumsum(np.stack(parts, axis=1), axis=1)
    return np.where(counts[:, :, _GAP:] > 0, UNKNOWN, counts[:, :, :GROUPS])
