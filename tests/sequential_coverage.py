"""Exact probabilities that a sequential rule stops, by dynamic programming over (draws, failures).

No Monte Carlo: the distribution of the failures among the inputs that still draw is carried from
draw to draw, and what stops is added up.
"""

import numpy as np
from numpy.typing import NDArray

from irs_core.stats import failures_allowed

Table = NDArray[np.bool_]


def stop_probability(rate: float, stops: Table) -> float:
    """Probability that independent draws of failure rate `rate` ever meet a stop.

    Args:
        stops: Whether j draws with k failures stop, row j - 1, column k; (horizon, columns).
            Counts beyond the columns count as stopped, so that the result is an upper bound.
    """
    alive = np.zeros(stops.shape[1])
    alive[0], stopped = 1.0, 0.0
    for stop in stops:
        beyond = alive[-1] * rate
        alive[1:] = alive[1:] * (1 - rate) + alive[:-1] * rate
        alive[0] *= 1 - rate
        stopped += beyond + alive[stop].sum()
        alive[stop] = 0
    return float(stopped)


def proof_table(limit: float, alpha: float, horizon: int, every: int = 1) -> Table:
    """Where the rule of the product proves a rate below `limit`, looking every so many draws."""
    draws = np.arange(1, horizon + 1)
    allowed = failures_allowed(draws, limit, alpha)
    allowed[draws % every != 0] = -1
    return np.arange(columns(limit, horizon)) <= allowed[:, None]


def columns(rate: float, horizon: int) -> int:
    """Failures that `horizon` draws of this rate exceed with less than one in 10^12."""
    mean = horizon * rate
    return min(horizon, int(mean + 9 * np.sqrt(mean) + 40)) + 1


def grid(horizon: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Failures and draws of a full table; failures are cut at the draws."""
    draws = np.arange(1, horizon + 1)[:, None]
    failures = np.minimum(np.arange(horizon + 1)[None, :], draws)
    return failures, np.broadcast_to(draws, failures.shape)
