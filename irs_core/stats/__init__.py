"""Binomial and anytime bounds, certified radii and sample sizes; NumPy and SciPy only."""

from irs_core.stats.anytime import (
    anytime_upper,
    confidence_sequence_lower,
    least_upper,
    looked_lower_bound,
)
from irs_core.stats.binomial import (
    agresti_coull_interval,
    binomial_lower_bound,
    binomial_upper_bound,
    wilson_interval,
)
from irs_core.stats.discrete import discrete_certified_radius
from irs_core.stats.iss import DECLINE_KINDS, DeclineKind, iss_allocation, iss_sample_sizes
from irs_core.stats.joint import JointLevels, joint_levels, joint_lower_bound
from irs_core.stats.planning import (
    INTERVAL_METHODS,
    IntervalMethod,
    largest_certifiable_radius,
    least_n_to_certify,
    samples_for_error,
    zeta_floor,
)
from irs_core.stats.radius import certified_radius, two_sided_radius
from irs_core.stats.sequential import (
    above_limit,
    crossed,
    failures_allowed,
    fewest_draws,
    first_crossing,
    futile,
    limit_q0,
    log_e_value,
)
from irs_core.stats.sizing import chance_of_radius, samples_for_radius

__all__ = [
    "DECLINE_KINDS",
    "INTERVAL_METHODS",
    "DeclineKind",
    "IntervalMethod",
    "JointLevels",
    "above_limit",
    "agresti_coull_interval",
    "anytime_upper",
    "binomial_lower_bound",
    "binomial_upper_bound",
    "certified_radius",
    "chance_of_radius",
    "confidence_sequence_lower",
    "crossed",
    "discrete_certified_radius",
    "failures_allowed",
    "fewest_draws",
    "first_crossing",
    "futile",
    "iss_allocation",
    "iss_sample_sizes",
    "joint_levels",
    "joint_lower_bound",
    "largest_certifiable_radius",
    "least_n_to_certify",
    "least_upper",
    "limit_q0",
    "log_e_value",
    "looked_lower_bound",
    "samples_for_error",
    "samples_for_radius",
    "two_sided_radius",
    "wilson_interval",
    "zeta_floor",
]
