"""What draws are expected to buy under each bound of CIRS, and what a bound fixes beforehand."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from irs_core.stats import JointLevels, binomial_lower_bound, joint_levels
from irs_core.stats.budget import (
    LeavePrior,
    direct_radii,
    direct_threshold,
    incremental_radii,
    split_alpha,
)
from irs_core.stats.joint import LEAST
from irs_core.stats.joint_plan import (
    FlowPrior,
    Supposed,
    fresh_radii,
    fresh_threshold,
    joint_radii,
    price_of,
    suppose,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# Few draws leave nearly all of alpha to the leave rate, many do not: levels for both keep more.
_LEAST_FOR_ALL = 0.65


@dataclass(frozen=True, eq=False)
class Setting:
    """What plans of one study share.

    Args:
        n0, n: Selection and estimation draws of f.
        sigma: Standard deviation of the noise, pixel units.
        level: Failure probability of each certificate.
        sizes: Numbers of draws that an input may get, increasing from 0.
    """

    n0: int
    n: int
    sigma: float
    level: float
    sizes: Ints


@dataclass(frozen=True, eq=False)
class Promise:
    """What is expected of draws under one bound.

    Args:
        threshold: Cached hits from which an input is direct.
        incremental: Expected radii from cached draws by f's hits, (inputs, sizes), pixel units.
        direct: The same from fresh draws.
        scratch: Expected radius from n fresh draws, (inputs, 1).
        supposed: What the levels of the joint bound are made for; no draws under the split.
    """

    threshold: int
    incremental: Callable[[Ints], Floats]
    direct: Callable[[Ints], Floats]
    scratch: Callable[[Ints], Floats]
    supposed: Supposed


def split_promise(setting: Setting, mean: float, prior: LeavePrior) -> Promise:
    """Under a split of the level made for a mean budget."""
    n, sizes, sigma, level = setting.n, setting.sizes, setting.sigma, setting.level
    a1, a2 = split_alpha(n, mean, level)

    def incremental(hits: Ints) -> Floats:
        p_lower = binomial_lower_bound(hits, n, a1)
        return incremental_radii(p_lower, hits / n, sizes, a2, sigma, prior)

    return Promise(
        threshold=direct_threshold(n, mean, a1, a2, prior),
        incremental=incremental,
        direct=lambda hits: direct_radii(hits / n, sizes, a1 + a2, sigma, prior),
        scratch=lambda hits: direct_radii(hits / n, [n], level, sigma, prior),
        supposed=Supposed(np.zeros(0, np.int64), np.zeros(0), LEAST),
    )


def joint_promise(
    setting: Setting, mean: float, prior: FlowPrior, selected: Ints, *, for_all: bool
) -> Promise:
    """Under the joint bound, with levels and a threshold made for a mean budget.

    Args:
        selected: Selection draws that gave the candidate, of the inputs that get draws,
            (inputs,). Levels and threshold see nothing else of f.
        for_all: Whether other budgets than `mean` use the same levels.
    """
    n, sizes, sigma, level = setting.n, setting.sizes, setting.sigma, setting.level
    share = selected / setting.n0
    radii = joint_radii(share * n, n, sizes, level, 1.0, prior)
    radii[sizes[None, :] > share[:, None] * sizes[-1]] = -np.inf
    # Fresh draws compete for the budget; where no more cached ones are to be had, a larger budget
    # does not change the levels.
    price = price_of(radii, sizes, mean)
    least = _LEAST_FOR_ALL if for_all else LEAST
    fresh = np.maximum(radii, fresh_radii(share * n, n, sizes, level, 1.0))
    contested = price_of(fresh, sizes, mean)
    return Promise(
        threshold=fresh_threshold(selected, setting.n0, n, sizes, contested, level, prior),
        incremental=lambda hits: joint_radii(hits, n, sizes, level, sigma, prior),
        direct=lambda hits: fresh_radii(hits, n, sizes, level, sigma),
        scratch=lambda hits: fresh_radii(hits, n, np.array([n]), level, sigma),
        supposed=suppose(n, sizes, price, level, prior, mean, least),
    )


def levels_of(n: int, alpha: float, supposed: Supposed) -> JointLevels:
    """The levels of the joint bound at a failure probability, kept for the next who asks."""
    draws, leavers = supposed.draws, supposed.leavers
    return _levels(n, alpha, tuple(draws.tolist()), tuple(leavers.tolist()), supposed.least)


@lru_cache(maxsize=256)
def _levels(
    n: int, alpha: float, draws: tuple[int, ...], leavers: tuple[float, ...], least: float
) -> JointLevels:
    return joint_levels(n, alpha, draws, leavers, least)
