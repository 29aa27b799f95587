"""Why an input gets its radius under CIRS: branch, bounds, draws; as planned and as it came out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from irs_core.analysis.analysis import Analysis
from irs_core.certify import Branch, Certificates
from irs_core.errors import SpecError, UnknownKeyError
from irs_core.methods.cirs import METHOD, counts_of
from irs_core.methods.kit.cirs_plan import CirsPlan
from irs_core.methods.kit.cirs_promise import levels_of
from irs_core.spec.outward import down, up
from irs_core.stats import binomial_lower_bound
from irs_core.stats.budget import split_alpha
from irs_core.store import StudyRecord

if TYPE_CHECKING:
    import pandas as pd


def why_table(record: StudyRecord, analysis: Analysis, name: str, budget: int) -> pd.DataFrame:
    """One row per reported input.

    Columns: input (position in the full set), branch, cached hits, bound on p_A at level a1 (under
    the joint bound: at the level at which the hits alone rule p out), draws (without the pilot),
    left (chosen draws on which f^p left the class; fresh ones where direct),
    leave bound, bound (on the probability of the class under f^p), radius and expected radius
    (pixel units), why (a sentence).

    Raises:
        UnknownKeyError: The study does not show CIRS, or has no such compressed model.
        MissingEvidenceError: The draws of CIRS are not all stored.
    """
    import pandas as pd

    analysis.check_shown(METHOD.name)
    if name not in analysis.tally.compressed:
        known = ", ".join(analysis.tally.compressed) or "none"
        raise UnknownKeyError(f"no compressed model {name!r} in this study; it has {known}")
    made = analysis.certify(name, METHOD.name, budget)
    counts, rows = counts_of(analysis.tally.compressed[name]), analysis.rows
    at = len(counts.plans) - len(analysis.tally.budgets) + budget
    plan = counts.plans[at]
    draws, hits = plan.draws[rows], analysis.cache.agree_counts
    direct = made.branch == Branch.DIRECT
    left = np.where(direct, draws - counts.fresh_hits[rows, at], counts.leavers[rows, at])
    cached = _cached_bounds(hits, analysis.tally.n, plan, made)
    indices = [one for one, keep in zip(record.data.indices, rows, strict=True) if keep]
    names = {int(branch): branch.name.lower() for branch in Branch}
    return pd.DataFrame(
        {
            "input": indices,
            "branch": [names[int(one)] for one in made.branch],
            "cached hits": hits,
            "p_A bound": cached,
            "draws": draws,
            "left": left,
            "leave bound": made.zeta_upper,
            "bound": made.p_lower,
            "radius": made.radius,
            "expected radius": plan.expected[rows],
            "why": [
                _skipped(float(cached[row]), counts.planner.max_loss)
                if made.branch[row] == Branch.SKIPPED
                else _sentence(made, row, plan, int(draws[row]), int(left[row]), float(cached[row]))
                for row in range(len(draws))
            ],
        }
    )


def plan_table(record: StudyRecord, analysis: Analysis, name: str) -> pd.DataFrame:
    """What each reported input is to get at the largest budget, before f^p runs on it.

    Columns: input (position in the full set), branch, cached hits, bound on p_A as in `why_table`,
    draws (without the pilot), expected radius (pixel units), why (a sentence).

    Args:
        record: A study whose pilot is stored.

    Raises:
        SpecError: The study has no such compressed model.
    """
    import pandas as pd

    if name not in analysis.tally.compressed:
        known = ", ".join(analysis.tally.compressed)
        raise SpecError(f"a plan is for one of {known}; got {name!r}")
    counts, rows = counts_of(analysis.tally.compressed[name]), analysis.rows
    plan, n = counts.plans[-1], analysis.tally.n
    a1 = _cached_level(n, plan, counts.planner.level)
    hits, draws = analysis.cache.agree_counts, plan.draws[rows]
    cached = np.asarray(binomial_lower_bound(hits, n, a1))
    branch = np.where(draws == 0, "skipped", np.where(plan.direct[rows], "direct", "incremental"))
    indices = [one for one, keep in zip(record.data.indices, rows, strict=True) if keep]
    return pd.DataFrame(
        {
            "input": indices,
            "branch": branch,
            "cached hits": hits,
            "p_A bound": cached,
            "draws": draws,
            "expected radius": plan.expected[rows],
            "why": [
                _plan_sentence(
                    str(one), int(m), float(bound), plan.threshold, counts.planner.max_loss
                )
                for one, m, bound in zip(branch, draws, cached, strict=True)
            ],
        }
    )


def _cached_bounds(
    hits: NDArray[np.int64], n: int, plan: CirsPlan, made: Certificates
) -> NDArray[np.float64]:
    """Bounds on p_A that hold together with the certificates, (inputs,)."""
    whole, half = (
        binomial_lower_bound(hits, n, _cached_level(n, plan, level))
        for level in (made.claimed_failure, made.claimed_failure / 2)
    )
    # A two-sided radius leaves the other half to the other classes.
    return whole if made.other_upper is None else np.where(np.isnan(made.other_upper), whole, half)


def _cached_level(n: int, plan: CirsPlan, level: float) -> float:
    """Level of the bound on p_A that holds together with the certificate."""
    if plan.joint:
        return float(levels_of(n, level, plan.supposed).tails[-1])
    return split_alpha(n, plan.mean, level)[0]


def _plan_sentence(
    branch: str, draws: int, cached: float, threshold: int, max_loss: float | None
) -> str:
    if branch == "skipped":
        return _skipped(cached, max_loss)
    if branch == "direct":
        return f"Direct: at least {threshold} cached hits, so {draws} fresh draws."
    return f"Incremental: {draws} of its cached hits, to see how often its class is left."


def _skipped(cached: float, max_loss: float | None) -> str:
    if cached <= 0.5:
        return "No draws: the bound on the original's class is at most 1/2."
    if max_loss is not None:
        return f"No draws: without any it is expected to lose at most {max_loss:g} of radius."
    return "No draws: within this budget they promise more radius elsewhere."


def _outcome(made: Certificates, row: int) -> str:
    certified = f"certified at {down(made.radius[row])}"
    if made.other_upper is None or np.isnan(made.other_upper[row]):
        return certified if made.radius[row] > 0 else "abstains, since that is at most 1/2"
    others = f"no other class has more than {up(made.other_upper[row], 4)}"
    return f"{others}; {certified if made.radius[row] > 0 else 'abstains, since that is not less'}"


def _sentence(
    made: Certificates, row: int, plan: CirsPlan, draws: int, left: int, cached: float
) -> str:
    outcome = _outcome(made, row)
    if made.branch[row] == Branch.DIRECT:
        return (
            f"Direct: at least {plan.threshold} cached hits, so {draws} fresh draws; {left} missed "
            f"the class, P >= {down(made.p_lower[row], 4)}; {outcome}."
        )
    if plan.joint:
        return (
            f"Incremental: left the class on {left} of {draws} cached hits; together with the "
            f"number of hits this leaves P >= {down(made.p_lower[row], 4)}; {outcome}."
        )
    return (
        f"Incremental: left the class on {left} of {draws} cached hits, so P >= "
        f"{down(cached, 4)} x "
        f"(1 - {up(made.zeta_upper[row], 4)}), at least {down(made.p_lower[row], 4)}; {outcome}."
    )
