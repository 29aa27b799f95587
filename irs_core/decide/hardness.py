"""Gains and losses through compression, on hard and on easy inputs apart."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irs_core.errors import InvalidSampleError
from irs_core.metrics import mean_intervals

# Of the original's share of votes for its answer.
_HALF, _HARD, _EASY = 0.5, 0.9, 0.99
HARDNESS: Mapping[str, str] = {
    "wrong": "the original's answer is wrong, or has no majority",
    "hard": f"at most {_HARD:.0%} of the original's votes for its answer",
    "middle": f"{_HARD:.0%} to {_EASY:.0%} of them",
    "easy": f"at least {_EASY:.0%} of them",
}
"""The groups of `hardness`, hardest first, in words."""


@dataclass(frozen=True)
class GainsAndLosses:
    """What compression changes on inputs of one kind, at equal draws.

    Args:
        name: Of the kind.
        inputs: Number of inputs.
        gained, lost: On how many the radius grew, and on how many it shrank.
        mean_gain, mean_loss: Change of the mean radius over these inputs through either, both at
            least 0.
        low, high: 95% interval over inputs of the mean change, by resampling; NaN where there are
            none.
    """

    name: str
    inputs: int
    gained: int
    lost: int
    mean_gain: float
    mean_loss: float
    low: float
    high: float


def hardness(votes: ArrayLike, right: ArrayLike) -> dict[str, NDArray[np.bool_]]:
    """Tell inputs apart by how sure the original is of the right answer; see `HARDNESS`.

    Args:
        votes: The original's share of votes for its answer, shape (N,). On draws other than those
            that are compared: an input on which these were lucky is no easier for it.
        right: Whether its answer is the label, shape (N,).

    Returns:
        Masks of shape (N,) that part the inputs, hardest first.

    Raises:
        InvalidSampleError: Shapes differ, or a share is outside [0, 1].
    """
    share, correct = np.asarray(votes, np.float64), np.asarray(right, np.bool_)
    if share.shape != correct.shape or share.ndim != 1:
        raise InvalidSampleError(f"need one share per input; got {share.shape}, {correct.shape}")
    if not np.all((share >= 0) & (share <= 1)):
        raise InvalidSampleError(f"votes are shares; got {share.min()} to {share.max()}")
    sure = correct & (share > _HALF)
    easy = sure & (share >= _EASY)
    hard = sure & (share <= _HARD)
    return {"wrong": ~sure, "hard": hard, "middle": sure & ~easy & ~hard, "easy": easy}


def gains_and_losses(
    equal: ArrayLike,
    compressed: ArrayLike,
    groups: Mapping[str, NDArray[np.bool_]],
    *,
    seed: int = 0,
) -> tuple[GainsAndLosses, ...]:
    """Gains and losses on each group of inputs.

    Args:
        equal, compressed: Radii of f and f^p at equal draws, 0 where wrong or abstaining, (N,).
        groups: Masks of shape (N,) by name, which must not be chosen by looking at `compressed`.
        seed: Of the resampling.

    Raises:
        InvalidSampleError: Shapes differ.
    """
    one, two = np.asarray(equal, np.float64), np.asarray(compressed, np.float64)
    shapes = {one.shape, two.shape, *(mask.shape for mask in groups.values())}
    if len(shapes) != 1:
        raise InvalidSampleError(f"radii and groups need one value per input; got {shapes}")
    return tuple(_kind(name, (two - one)[mask], seed) for name, mask in groups.items())


def _kind(name: str, change: NDArray[np.float64], seed: int) -> GainsAndLosses:
    count = max(1, len(change))
    low = high = float("nan")
    if len(change):
        low, high = (float(end[0]) for end in mean_intervals(change[:, None], seed=seed))
    return GainsAndLosses(
        name=name,
        inputs=len(change),
        gained=int(np.count_nonzero(change > 0)),
        lost=int(np.count_nonzero(change < 0)),
        mean_gain=float(np.maximum(change, 0).sum() / count),
        mean_loss=float(np.maximum(-change, 0).sum() / count),
        low=low,
        high=high,
    )
