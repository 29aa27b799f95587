"""What CIRS draws and counts for two-sided radii: f^p on all of the first draws, hits or not."""

import numpy as np
from numpy.typing import NDArray

from irs_core.methods.kit.cirs_plan import points
from irs_core.methods.kit.counts import Ints
from irs_core.methods.kit.groups import arrival_counts
from irs_core.methods.kit.observed import Observed
from irs_core.spec.study import StudySpec


def prefixes(spec: StudySpec) -> Ints:
    """First draws of the stream on all of which f^p runs for two-sided radii, by point.

    Arrivals are binomial on a number of draws that no cached outcome chose: where n_p may follow
    the cached counts, it is that which the split is made for.
    """
    n_p = points(spec)
    return np.asarray([spec.split_draws or one for one in n_p], np.int64)


def arrivals_of(one: Observed) -> NDArray[np.signedinteger]:
    """On how many of these draws f^p gave each group of classes and f did not, (inputs, points,
    groups); UNKNOWN where some are not stored."""
    original, (sizes, at) = one.original, np.unique(prefixes(one.spec), return_inverse=True)
    seen = one.read("estimate", int(sizes[-1]))
    return arrival_counts(original.groups, original.estimation, seen, sizes)[:, at]


def not_chosen(one: Observed, chosen: Ints) -> Ints:
    """Of these draws, how many are not among the first so many hits of f, (inputs, points)."""
    sizes = prefixes(one.spec)
    hits = one.original.estimation[:, : sizes.max()] == one.original.candidate[:, None]
    within = np.cumsum(hits, axis=1, dtype=np.int64)[:, sizes - 1]
    return np.asarray(sizes - np.minimum(within, chosen))
