"""Counts and flags of a known truth, for the tests of decisions."""

import numpy as np

from irs_core.decide import BaseCounts, CompressedCounts, Levels, Routes
from irs_core.stats import binomial_lower_bound, certified_radius

SIGMA = 0.5
LEVELS = Levels(excluded=0.02, claimed=0.03, stays=0.04, base_claimed=0.02, ruled_out=0.03)


def flagged(
    n: int,
    *,
    may: int = 0,
    proven: int = 0,
    certified: int = 0,
    out: int = 0,
    base: int | None = None,
) -> Routes:
    """Flags on the first inputs of n; levels as in LEVELS with all routes open.

    Args:
        base: How many the original withstands; None for all.
    """

    def first(count: int) -> np.ndarray:
        return np.arange(n) < count

    return Routes(
        excluded=~first(may),
        claimed=first(0),
        stays=first(0),
        open_claimed=first(n),
        open_stays=first(n),
        may_lose=first(may),
        proven_lost=first(proven),
        certified=first(certified),
        ruled_out=first(out),
        base_certified=first(n if base is None else base),
        level=0.0025,
        proven_level=0.001,
        claimed_level=0.001,
        ruled_out_level=0.001,
    )


def base(inputs: int, draws: int, **changes: object) -> BaseCounts:
    """f with label 0 and candidate 0 everywhere, never excluded, never certified."""
    fields = {
        "labels": np.zeros(inputs, int),
        "candidate": np.zeros(inputs, int),
        "label_hits": np.full(inputs, draws),
        "draws": draws,
        "predicted": np.full(inputs, -1),
        "radius": np.zeros(inputs),
    }
    return BaseCounts(**{**fields, **changes})  # type: ignore[arg-type]


def compressed(inputs: int, draws: int, **changes: object) -> CompressedCounts:
    """f^p that nothing is known about."""
    fields = {
        "candidate": np.zeros(inputs, int),
        "predicted": np.full(inputs, -1),
        "radius": np.zeros(inputs),
        "leavers": np.full(inputs, -1),
        "leave_draws": draws,
        "label_hits": np.full(inputs, -1),
        "label_draws": draws,
    }
    return CompressedCounts(**{**fields, **changes})  # type: ignore[arg-type]


def certified(hits: np.ndarray, draws: int, level: float) -> dict[str, np.ndarray]:
    """Certificates of class 0 from hits."""
    low = binomial_lower_bound(hits, draws, level)
    return {"predicted": np.where(low > 0.5, 0, -1), "radius": certified_radius(low, SIGMA)}
