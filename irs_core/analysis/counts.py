"""Counts of a study: all that certificates need, small enough to keep in memory."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irs_core.analysis.results import Method
from irs_core.errors import MissingEvidenceError
from irs_core.methods.cirs_plan import CirsPlan, Planner

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# Marks a count whose draws are not all there.
UNKNOWN = -1


@dataclass(frozen=True)
class BaseTally:
    """Counts of the base classifier f.

    Args:
        candidate: Class that won the selection draws, (inputs,).
        selected: How many of the selection draws gave it, (inputs,).
        hits: How many of the n estimation draws gave it, (inputs,).
        seconds: Time of all its draws, (inputs,).
    """

    candidate: Ints
    selected: Ints
    hits: Ints
    seconds: Floats


@dataclass(frozen=True)
class CirsTally:
    """Counts of one compressed classifier under the plans of CIRS; UNKNOWN where draws lack.

    Args:
        n_p: Mean budgets, pilot included: some below the study's own, then those, (points,).
        plans: One per point.
        leavers: Of an incremental input's chosen draws, how many left the candidate,
            (inputs, points); 0 where direct.
        fresh_hits: Of a direct input's fresh draws, how many gave it, (inputs, points); 0 where
            incremental.
        seconds: Time of these draws and of the pilot, (inputs, points).
        planner: Makes the plan of any other budget.
        seconds_per_draw: Mean measured time of a draw; NaN where none was measured.
    """

    n_p: Ints
    plans: tuple[CirsPlan, ...]
    leavers: Ints
    fresh_hits: Ints
    seconds: Floats
    planner: Planner
    seconds_per_draw: float


@dataclass(frozen=True)
class IssTally:
    """Counts of one compressed classifier under input-specific sampling from scratch.

    Args:
        sizes: Sample sizes, with n_p as the size whose radius is wanted, (inputs, budgets).
        hits: How many of so many fresh draws gave f^p's own candidate, (inputs, budgets).
        seconds: Time of these draws, (inputs, budgets).
    """

    sizes: Ints
    hits: Ints
    seconds: Floats


@dataclass(frozen=True)
class CompressedTally:
    """Counts of one compressed classifier f^p; UNKNOWN where its draws are not all stored.

    Args:
        disagreements: Of the first n_p cached draws, how many f and f^p answered differently,
            (inputs, budgets).
        fresh_hits: Of the first n_p fresh draws, how many gave the base's candidate,
            (inputs, budgets).
        scratch_candidate: Class that won f^p's own selection draws, (inputs,).
        scratch_hits: Of the first n_p fresh draws, how many gave that class, (inputs, budgets).
        paired_seconds, fresh_seconds: Time of the first n_p draws, (inputs, budgets).
        select_seconds: Time of the selection draws, (inputs,).
        leaves, agreements: On how many of the first n_p cached draws f predicted the candidate
            and f^p did not, and on how many f predicted it, (inputs, budgets).
        scratch_selected: Of f^p's own selection draws, how many gave its candidate, (inputs,).
        cirs, iss: Counts of the other methods.
    """

    disagreements: Ints
    fresh_hits: Ints
    scratch_candidate: Ints
    scratch_hits: Ints
    paired_seconds: Floats
    fresh_seconds: Floats
    select_seconds: Floats
    leaves: Ints
    agreements: Ints
    scratch_selected: Ints
    cirs: CirsTally
    iss: IssTally


@dataclass(frozen=True)
class StudyTally:
    """Counts of a whole study.

    Args:
        budgets: The n_p of the study, increasing, (budgets,).
        labels: True classes, for metrics only, (inputs,).
        reported: False for inputs held out for tuning, (inputs,).
        compressed: By the name of the compression.
    """

    n0: int
    n: int
    sigma: float
    budgets: Ints
    labels: Ints
    reported: NDArray[np.bool_]
    base: BaseTally
    compressed: Mapping[str, CompressedTally]


def require_known(counts: Ints, name: str, method: Method) -> Ints:
    """The counts, refused if some are UNKNOWN.

    Args:
        name: The compressed classifier that is counted.
        method: What needs them.

    Raises:
        MissingEvidenceError: Some are.
    """
    if (counts == UNKNOWN).any():
        wanted = "the RS baseline" if method == "rs" else f"the method {method.upper()}"
        raise MissingEvidenceError(
            f"the draws of {name} for {method.upper()} are not all stored: "
            f"{int(np.count_nonzero(counts == UNKNOWN))} inputs lack some; run the study with "
            f"{wanted} to have them"
        )
    return counts
