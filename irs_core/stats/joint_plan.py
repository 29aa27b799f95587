"""Planning for CIRS with the joint bound: what an input is expected to get for how many draws.

Nothing here enters a guarantee. A plan may be as wrong as it likes: certificates only need that
it was made from what `certify_joint` allows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import (  # type: ignore[import-untyped, unused-ignore]
    betainc,
    betaincinv,
    ndtri,
)

from irs_core.stats.binomial import integers
from irs_core.stats.budget import allocate, best_at_price
from irs_core.stats.joint import band_edges
from irs_core.stats.radius import check_sigma

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Over compressions and noise levels, a class is left in proportion to the misses of the original.
_USUAL = 0.03
# Expected changes per unit of the factor that the usual one counts as.
_SHRINKAGE = 20.0
# Inputs differ: factors of a mean rate, equally likely, as quantiles of the exponential.
_RELATIVE = -np.log1p(-(np.arange(5) + 0.5) / 5)
_RELATIVE /= _RELATIVE.mean()
# Shares of hits are told apart in so many steps of their standard scale.
_BINS = 24
# Cached counts at which fresh draws are compared with cached ones.
_COUNTS = 80
# The levels suit inputs with few leavers, which are most: so many, and this part of the mean.
_LEAVERS, _PART = 0.7, 0.25


@dataclass(frozen=True)
class FlowPrior:
    """What is supposed about f^p before it runs on cached draws.

    Where f predicts the candidate with probability p, f^p is supposed to leave it on a share
    `rate` (1 - p) of the hits, and to arrive at it on a share `rate` p of the others: it then
    predicts the candidate as often as f does.

    Args:
        rate: At least 0.
    """

    rate: float

    def leave(self, share: ArrayLike) -> Floats:
        """Supposed leave rates of inputs with these shares of hits, shape (..., nodes)."""
        misses = 1 - np.asarray(share, np.float64)
        return np.asarray(np.clip(self.rate * misses[..., None] * _RELATIVE, 0.0, 0.999))


def flow_prior(
    hits: ArrayLike, n0: int, agree: ArrayLike, leave: ArrayLike, arrive: ArrayLike, draws: int
) -> FlowPrior:
    """Pool a pilot over all inputs; arguments as of `leave_prior`."""
    share = integers("hits", hits) / n0
    agreed = integers("agree", agree)
    changes = integers("leave", leave).sum() + integers("arrive", arrive).sum()
    exposure = float((agreed * (1 - share) + (draws - agreed) * share).sum())
    return FlowPrior(float((changes + _USUAL * _SHRINKAGE) / (exposure + _SHRINKAGE)))


def joint_radii(
    hits: ArrayLike, n: int, sizes: ArrayLike, alpha: float, sigma: float, prior: FlowPrior
) -> Floats:
    """Expected radii from cached draws, shape (inputs, sizes), in pixel units.

    The two errors are added in quadrature, on the scale of log p, as if the levels were made for
    each size.

    Args:
        hits: Cached hits of n, (inputs,); need not be whole.
        sizes: Cached draws on which f^p runs, (sizes,); 0 gives a radius of 0.
        alpha: Failure probability of the bound.
    """
    check_sigma(sigma)
    k, m = np.maximum(np.asarray(hits, np.float64), 1e-9), np.asarray(sizes, np.float64)
    share = k / n
    cached = np.log(share) - np.log(betaincinv(k, n - k + 1, alpha))
    # Inputs with similar shares have one leave rate, which saves most of the time.
    bins = np.rint(np.arcsin(np.sqrt(share)) * (_BINS * 2 / np.pi)).astype(np.int64)
    rate = prior.leave(np.sin(np.arange(_BINS + 1) * np.pi / 2 / _BINS) ** 2)[:, None, :]
    draws = np.maximum(m, 1)[:, None]
    left = np.minimum(rate * draws, draws - 1e-9)
    stay = np.log1p(-left / draws)
    own = stay - np.log(betaincinv(draws - left, left + 1, alpha))
    log_p = np.log(share)[:, None, None] + stay[bins]
    log_p -= np.sqrt(cached[:, None, None] ** 2 + own[bins] ** 2)
    radii = sigma * ndtri(np.maximum(np.exp(log_p), 0.5)).mean(axis=2)
    return np.asarray(np.where(m > 0, radii, 0.0))


def fresh_radii(hits: ArrayLike, n: int, sizes: ArrayLike, alpha: float, sigma: float) -> Floats:
    """Expected radii from fresh draws of f^p, which hit as often as those of f."""
    check_sigma(sigma)
    counts, which = np.unique(np.asarray(hits, np.float64), return_inverse=True)
    m = np.maximum(np.asarray(sizes, np.float64), 1)
    found = np.maximum(counts[:, None] / n * m, 1e-9)
    bound = betaincinv(found, m - found + 1, alpha)
    radii = sigma * ndtri(np.clip(bound, 0.5, np.nextafter(1, 0)))
    return np.asarray(np.where(np.asarray(sizes) > 0, radii, 0.0)[which])


def fresh_threshold(
    selected: ArrayLike, n0: int, n: int, sizes: Ints, price: float, alpha: float, prior: FlowPrior
) -> int:
    """The cached hits from which inputs are best certified on fresh draws, at a price per draw.

    Args:
        selected: Selection draws of n0 that gave the candidate, (inputs,). They say how often
            each share of hits is to be expected.
        n: Estimation draws of f per input.
        sizes: Draws that an input may get, increasing from 0; the last is on how many of the
            estimation draws f^p may run.
        price: Radius per draw in units of sigma.

    Returns:
        A count in [0, n + 1]; n + 1 where fresh draws never promise more.
    """
    hits = n - np.unique(np.geomspace(1, n / 2 + 1, _COUNTS).astype(np.int64) - 1)
    cached = joint_radii(hits, n, sizes, alpha, 1.0, prior)
    cached[sizes[None, :] > hits[:, None] / n * sizes[-1]] = -np.inf
    fresh = fresh_radii(hits, n, sizes, alpha, 1.0)
    gain = (fresh - price * sizes).max(axis=1) - (cached - price * sizes).max(axis=1)
    # From count to count downwards, what is won in total by fresh draws from there up.
    total = np.cumsum(gain * _chances(selected, n0, hits / n))
    best = int(np.argmax(total))
    return int(hits[best]) if total[best] > 0 else n + 1


def _chances(selected: ArrayLike, n0: int, shares: Floats) -> Floats:
    """Inputs whose p lies about each of these decreasing shares, expected from a flat prior."""
    counts, often = np.unique(np.asarray(selected), return_counts=True)
    edges = np.concatenate([[1.0], (shares[1:] + shares[:-1]) / 2, [0.0]])
    below = betainc(counts[:, None] + 1, n0 - counts[:, None] + 1, edges)
    return np.asarray(often @ -np.diff(below, axis=1))


def price_of(radii: Floats, sizes: Ints, mean: float) -> float:
    """Radius per draw at which inputs with these radii take `mean` draws on average."""
    return allocate(radii, sizes, mean * len(radii)).price if len(radii) else 0.0


@dataclass(frozen=True, eq=False)
class Supposed:
    """What an input in the middle of each band of `band_edges(n)` is supposed to show.

    Args:
        draws: Draws of f^p, at least 1, (bands,).
        leavers: How many of them leave, in [0, draws), (bands,).
        least: Part of alpha that every level keeps; see `joint_levels`.
    """

    draws: Ints
    leavers: Floats
    least: float


def suppose(
    n: int, sizes: Ints, price: float, alpha: float, prior: FlowPrior, mean: float, least: float
) -> Supposed:
    """What inputs are supposed to show that take draws at a price; `mean` where they take none."""
    edges = band_edges(n)
    share = np.maximum(edges[:-1] + edges[1:], 1.0) / 2
    radii = joint_radii(share * n, n, sizes, alpha, 1.0, prior)
    radii[sizes[None, :] > share[:, None] * sizes[-1]] = -np.inf
    taken = sizes[best_at_price(radii, sizes, price)]
    usual = np.floor(np.minimum(mean, share * sizes[-1])).astype(np.int64)
    draws = np.maximum(np.where(taken > 0, taken, usual), 1)
    leavers = _LEAVERS + _PART * prior.rate * (1 - share) * draws
    return Supposed(draws, np.minimum(leavers, draws / 2), least)
