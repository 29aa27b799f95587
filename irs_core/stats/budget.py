"""Planning for conditional incremental certification (CIRS): who gets how many draws.

Nothing here enters a guarantee. A plan may be as wrong as it likes: certificates only need that
it was made from what `certify_cirs` allows.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, ndtri  # type: ignore[import-untyped, unused-ignore]

from irs_core.errors import InvalidSampleError
from irs_core.stats.binomial import check_alpha, integers
from irs_core.stats.radius import check_sigma

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Shares of f's hits at which inputs are told apart; hard inputs change their class far more often.
_STRATA = np.array([0.7, 0.9, 0.98])
# Draws of the overall rate that a stratum is mixed with.
_SHRINKAGE = 50.0
# Possible rates within a stratum that an expectation runs over.
_NODES = 5
# Share of hits at which the split of alpha is judged.
_TYPICAL = 0.9
_SHARES = np.linspace(0.01, 0.99, 99)
# Bisection steps: enough to leave nothing between neighbouring floats.
_STEPS = 80


@dataclass(frozen=True, eq=False)
class LeavePrior:
    """What is supposed about f^p before it runs on cached draws.

    Args:
        leave: Supposed rates at which f^p leaves the class where f predicts it, per stratum of
            f's share of hits, (strata, nodes), in [0, 1]; equally likely within a stratum.
        arrive: Supposed rate at which f^p predicts the class where f does not, in [0, 1].
    """

    leave: Floats
    arrive: float

    def rates(self, share: ArrayLike) -> Floats:
        """The supposed rates of inputs with these shares of hits, shape (..., nodes)."""
        return np.asarray(self.leave[np.searchsorted(_STRATA, share, side="right")])


def leave_prior(
    hits: ArrayLike, n0: int, agree: ArrayLike, leave: ArrayLike, arrive: ArrayLike, draws: int
) -> LeavePrior:
    """Pool a pilot over inputs with similar shares of hits.

    Args:
        hits: Of `n0` selection draws of f, how many gave its candidate, (inputs,).
        agree: Of the pilot draws, on how many f predicted the candidate, (inputs,).
        leave: On how many of those f^p did not, (inputs,).
        arrive: On how many of the other draws f^p did, (inputs,).
        draws: Pilot draws per input; 0 for no pilot, which supposes 1% of either.
    """
    agreed, left, arrived = (
        integers("agree", agree),
        integers("leave", leave),
        integers("arrive", arrive),
    )
    # One disagreement in a hundred draws, before anything was seen.
    overall = (left.sum() + 1) / (agreed.sum() + 100)
    strata = np.searchsorted(_STRATA, integers("hits", hits) / n0, side="right")
    size = len(_STRATA) + 1
    within = np.bincount(strata, weights=left, minlength=size) + _SHRINKAGE * overall
    rates = within / (np.bincount(strata, weights=agreed, minlength=size) + _SHRINKAGE)
    others = draws * len(agreed) - agreed.sum()
    return LeavePrior(_spread(rates), float((arrived.sum() + 1) / (others + 100)))


def _spread(means: Floats) -> Floats:
    """Equally likely rates with these means: inputs of a stratum differ much among themselves."""
    middles = (np.arange(_NODES) + 0.5) / _NODES
    # Quantiles of the exponential distribution, which is what Beta(1, b) is for small rates.
    relative = -np.log1p(-middles)
    nodes = means[:, None] * relative / relative.mean()
    return np.asarray(np.clip(nodes, 0.0, 0.999))


@lru_cache(maxsize=256)
def split_alpha(n: int, draws: float, alpha: float) -> tuple[float, float]:
    """Divide a failure probability between the cached bound and the leave rate.

    A function of its arguments alone: a split that depends on the cached hits would forfeit the
    guarantee of `certify_cirs`.

    Args:
        n: Estimation draws of f per input.
        draws: Mean draws of f^p per input that are planned, at least 1.
        alpha: Failure probability to divide, in (0, 1).

    Returns:
        a1 for the bound on P(f = c) and a2 for the bound on the leave rate, both positive, with
        a sum of at most `alpha`.

    Raises:
        InvalidSampleError: A parameter is out of range.
    """
    check_alpha(alpha)
    if n < 1 or not draws >= 1:
        raise InvalidSampleError(f"need n >= 1 and draws >= 1; got n={n}, draws={draws}")
    first = _SHARES * alpha
    cached = betaincinv(_TYPICAL * n, n - _TYPICAL * n + 1, first)
    a1 = float(first[np.argmax(cached * (alpha - first) ** (1 / draws))])
    a2 = alpha - a1
    # The subtraction may round up.
    return a1, a2 if a1 + a2 <= alpha else float(np.nextafter(a2, 0.0))


def direct_threshold(n: int, draws: float, a1: float, a2: float, prior: LeavePrior) -> int:
    """The cached hits from which fresh draws of f^p promise more than cached ones.

    Args:
        n: Estimation draws of f per input.
        draws: Draws of f^p that an input typically gets, at least 1.

    Returns:
        A count in [0, n + 1]; n + 1 where fresh draws never promise more.
    """
    hits = n - np.unique(np.geomspace(1, n / 2 + 1, 200).astype(np.int64) - 1)
    size = np.array([max(1.0, float(draws))])
    cached = betaincinv(np.maximum(hits, 1), n - hits + 1, a1)
    incremental = incremental_radii(cached, hits / n, size, a2, 1.0, prior)[:, 0]
    direct = direct_radii(hits / n, size, a1 + a2, 1.0, prior)[:, 0]
    worse = np.flatnonzero(direct <= incremental)
    better = int(worse[0]) if len(worse) else len(hits)
    return int(hits[better - 1]) if better else n + 1


def candidate_draws(most: int, count: int = 40) -> Ints:
    """Sample sizes to choose from: 0, then even steps on a logarithmic scale up to `most`."""
    if most < 1 or count < 2:
        raise InvalidSampleError(f"need most >= 1 and count >= 2; got {most} and {count}")
    # Fewer than 8 draws certify nothing at any usual level.
    steps = np.geomspace(min(8, most), most, count - 1)
    return np.unique(np.concatenate([[0], steps.round()])).astype(np.int64)


def incremental_radii(
    p_lower: ArrayLike,
    share: ArrayLike,
    sizes: ArrayLike,
    a2: float,
    sigma: float,
    prior: LeavePrior,
) -> Floats:
    """Expected radii of CIRS' incremental branch, shape (inputs, sizes), in pixel units.

    Args:
        p_lower: Bound on P(f = c) at level a1, (inputs,).
        share: Share of hits, which says what leave rate to suppose, (inputs,).
        sizes: Cached draws on which f^p runs, (sizes,); 0 gives a radius of 0.
    """
    check_sigma(sigma)
    m = np.maximum(np.asarray(sizes, np.float64), 1)
    q = prior.leave[:, None, :]
    left = np.minimum(q * m[:, None], m[:, None] - 1e-9)
    stay = betaincinv(m[:, None] - left, left + 1, a2)
    strata = np.searchsorted(_STRATA, share, side="right")
    bound = np.asarray(p_lower)[:, None, None] * stay[strata]
    radii = sigma * ndtri(np.maximum(bound, 0.5)).mean(axis=2)
    return np.asarray(np.where(np.asarray(sizes) > 0, radii, 0.0))


def direct_radii(
    share: ArrayLike, sizes: ArrayLike, alpha: float, sigma: float, prior: LeavePrior
) -> Floats:
    """Expected radii from fresh draws of f^p, shape (inputs, sizes), in pixel units.

    Args:
        share: Share of f's hits, (inputs,).
        sizes: Fresh draws, (sizes,); 0 gives a radius of 0.
        alpha: Failure probability of the bound.
    """
    check_sigma(sigma)
    shares, which = np.unique(np.asarray(share, np.float64), return_inverse=True)
    hits, misses = shares[:, None, None], 1 - shares[:, None, None]
    expected = hits * (1 - prior.rates(shares)[:, None, :]) + misses * prior.arrive
    m = np.maximum(np.asarray(sizes, np.float64), 1)[:, None]
    bound = betaincinv(np.maximum(expected * m, 1e-9), m - expected * m + 1, alpha)
    radii = sigma * ndtri(np.clip(bound, 0.5, np.nextafter(1, 0))).mean(axis=2)
    return np.asarray(np.where(np.asarray(sizes) > 0, radii, 0.0)[which])


@dataclass(frozen=True, eq=False)
class Allocation:
    """Draws per input within a budget.

    Args:
        choice: Index of the chosen size, (inputs,).
        price: Radius per draw below which no input gets more.
    """

    choice: Ints
    price: float


def allocate(radii: ArrayLike, sizes: ArrayLike, budget: float) -> Allocation:
    """The sizes that maximise the summed radii within a budget, by its Lagrangian.

    For a price per draw every input takes the size with the largest radius less cost; the price
    is bisected. What the budget leaves at the final price goes to the inputs that gain most per
    draw. The sum is optimal but for at most one input's last step.

    Args:
        radii: Expected radius of each input at each size, (inputs, sizes); -inf where a size
            is not to be had.
        sizes: Increasing, beginning with 0, (sizes,).
        budget: Most draws in total.
    """
    values, costs = np.asarray(radii, np.float64), np.asarray(sizes, np.int64)
    if values.ndim != 2 or values.shape[1] != len(costs) or costs[0] != 0:
        raise InvalidSampleError("radii need one column per size, and the first size must be 0")
    low, high = 0.0, float(np.max(values, initial=0.0)) + 1.0
    if costs[best_at_price(values, costs, low)].sum() <= budget:
        return Allocation(best_at_price(values, costs, low), low)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if costs[best_at_price(values, costs, middle)].sum() > budget:
            low = middle
        else:
            high = middle
    choice = best_at_price(values, costs, high)
    return Allocation(_spend_rest(values, costs, choice, low, budget), high)


def best_at_price(radii: ArrayLike, sizes: ArrayLike, price: float) -> Ints:
    """Index of the size with the largest radius less `price` per draw, (inputs,); the smallest
    of equals."""
    return np.asarray(np.argmax(np.asarray(radii) - price * np.asarray(sizes), axis=1))


def _spend_rest(radii: Floats, sizes: Ints, choice: Ints, price: float, budget: float) -> Ints:
    """Give what is left to inputs that would take more at a price just below."""
    more = best_at_price(radii, sizes, price)
    rows = np.arange(len(radii))
    extra = sizes[more] - sizes[choice]
    gain = (radii[rows, more] - radii[rows, choice]) / np.maximum(extra, 1)
    left = budget - sizes[choice].sum()
    chosen = choice.copy()
    for row in np.argsort(-gain, kind="stable"):
        if 0 < extra[row] <= left:
            chosen[row] = more[row]
            left -= extra[row]
    return chosen
