"""May a compressed model replace the original? Counts in, statements out; NumPy and SciPy only.

A non-inferiority test at a radius (`decide`), a comparison at equal draws (`split_gap`), and flags
that warn of dubious evaluations. Beside `irs_core.metrics`, the only place that sees labels.
"""

from irs_core.decide.betting import bounded_mean_interval, surely_above
from irs_core.decide.candidates import holm_levels, smallest_tolerance, which_hold
from irs_core.decide.flags import (
    Flag,
    accuracy_flag,
    channel_order_flag,
    draws_flag,
    folder_order_flag,
    inputs_flag,
    integer_sums_flag,
    noise_flag,
    normalisation_flags,
    permuted_labels_flag,
    shared_noise_flag,
    unequal_draws_flag,
)
from irs_core.decide.hardness import HARDNESS, GainsAndLosses, gains_and_losses, hardness
from irs_core.decide.noninferiority import (
    count_at_least,
    count_at_most,
    p_value_fails,
    p_value_holds,
    share_at_least,
    share_at_most,
    walk_holds,
)
from irs_core.decide.paired import (
    Difference,
    Gap,
    dominated,
    lost_inputs,
    share_difference,
    split_gap,
)
from irs_core.decide.requirement import Requirement
from irs_core.decide.routes import (
    UNKNOWN,
    BaseCounts,
    CompressedCounts,
    LeaveRule,
    Levels,
    Routes,
    find_routes,
    levels_for,
)
from irs_core.decide.settle import (
    MoreDraws,
    Settle,
    find_settle,
    inputs_to_fail,
    inputs_to_hold,
    most_draws,
    most_flags,
)
from irs_core.decide.statements import Finding, Measured, ShareBounds, Split, Topic, Verdict
from irs_core.decide.verdict import Decision, decide

__all__ = [
    "HARDNESS",
    "UNKNOWN",
    "BaseCounts",
    "CompressedCounts",
    "Decision",
    "Difference",
    "Finding",
    "Flag",
    "GainsAndLosses",
    "Gap",
    "LeaveRule",
    "Levels",
    "Measured",
    "MoreDraws",
    "Requirement",
    "Routes",
    "Settle",
    "ShareBounds",
    "Split",
    "Topic",
    "Verdict",
    "accuracy_flag",
    "bounded_mean_interval",
    "channel_order_flag",
    "count_at_least",
    "count_at_most",
    "decide",
    "dominated",
    "draws_flag",
    "find_routes",
    "find_settle",
    "folder_order_flag",
    "gains_and_losses",
    "hardness",
    "holm_levels",
    "inputs_flag",
    "inputs_to_fail",
    "inputs_to_hold",
    "integer_sums_flag",
    "levels_for",
    "lost_inputs",
    "most_draws",
    "most_flags",
    "noise_flag",
    "normalisation_flags",
    "p_value_fails",
    "p_value_holds",
    "permuted_labels_flag",
    "share_at_least",
    "share_at_most",
    "share_difference",
    "shared_noise_flag",
    "smallest_tolerance",
    "split_gap",
    "surely_above",
    "unequal_draws_flag",
    "walk_holds",
    "which_hold",
]
