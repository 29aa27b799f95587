"""Binomial bounds, certified radii and sample sizes; NumPy and SciPy only."""

from irs_core.stats.binomial import (
    agresti_coull_interval,
    binomial_lower_bound,
    binomial_upper_bound,
    wilson_interval,
)
from irs_core.stats.discrete import discrete_certified_radius
from irs_core.stats.iss import DECLINE_KINDS, DeclineKind, iss_allocation, iss_sample_sizes
from irs_core.stats.planning import (
    INTERVAL_METHODS,
    IntervalMethod,
    largest_certifiable_radius,
    least_n_to_certify,
    samples_for_error,
    zeta_floor,
)
from irs_core.stats.radius import certified_radius
from irs_core.stats.sizing import chance_of_radius, samples_for_radius

__all__ = [
    "DECLINE_KINDS",
    "INTERVAL_METHODS",
    "DeclineKind",
    "IntervalMethod",
    "agresti_coull_interval",
    "binomial_lower_bound",
    "binomial_upper_bound",
    "certified_radius",
    "chance_of_radius",
    "discrete_certified_radius",
    "iss_allocation",
    "iss_sample_sizes",
    "largest_certifiable_radius",
    "least_n_to_certify",
    "samples_for_error",
    "samples_for_radius",
    "wilson_interval",
    "zeta_floor",
]
