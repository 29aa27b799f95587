"""What may be said of several compressed models at once, of one study or of several."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import study_routes
from irs_core.analysis.family import Candidate, candidates_of, hold_together
from irs_core.decide import Requirement, inputs_to_hold
from irs_core.decide.rounding import chosen_percent
from irs_core.spec.outward import confidence
from irs_core.store import StudyRecord


@dataclass(frozen=True)
class Together:
    """Joint statements about all candidates, at levels fixed before looking.

    Args:
        candidates: How many models were looked at.
        inputs: N.
        confidence: Asked for, of the statement by Holm's procedure.
        holds: Keys of the models that meet the requirement, all of them at this confidence; their
            names, where there is one study. None where inputs share noise, for which it is not
            proven.
        titles: Their titles.
        stated: Failure probability of all single verdicts together.
        inputs_needed: About how many inputs decide the best candidate at this confidence, with
            the same share of them open; None where one holds, or where no number does.
    """

    candidates: int
    inputs: int
    confidence: float
    holds: tuple[str, ...] | None
    titles: tuple[str, ...]
    stated: float
    inputs_needed: int | None

    @property
    def sentence(self) -> str:
        """Both statements in words."""
        single = (
            f"Each verdict holds for itself with {chosen_percent(self.confidence)} confidence. All "
            f"{self.candidates} verdicts are right together with {confidence(self.stated)}, which "
            "is what remains for whoever picks one by its verdict."
        )
        if self.holds is None:
            return single
        sure = chosen_percent(self.confidence)
        joint = f"At {sure} for all candidates at once (Holm's procedure)"
        if self.holds:
            return f"{single} {joint}, {len(self.holds)} hold: {', '.join(self.titles)}."
        few = f"{single} {joint}, {self.inputs:,} inputs are too few for any of them."
        if self.inputs_needed is None or self.inputs_needed <= self.inputs:
            return few
        return (
            f"{few} About {self.inputs_needed:,} would be enough for the best one, if the same "
            "share stays undecided."
        )


def study_together(
    record: StudyRecord,
    analysis: Analysis,
    requirement: Requirement,
    names: Sequence[str] | None = None,
) -> Together | None:
    """Which models of a study hold together; None where fewer than two are judged.

    With probability at least the confidence, every model in `holds` meets the statistical limits
    of the requirement (Holm 1979, under any dependence between the models). *Fails* is never said
    jointly.

    Args:
        names: The candidates, chosen before looking; None for all whose draws are there.
    """
    found = candidates_of([(record, analysis)])
    if names is not None:
        known = {one.name: one for one in found}
        found = tuple(known[name] for name in names if name in known)
    return family_together(found, requirement)


def family_together(candidates: Sequence[Candidate], requirement: Requirement) -> Together | None:
    """The same of candidates of one study or of several; see `hold_together`."""
    if len(candidates) < 2:
        return None
    stated = min(1.0, len(candidates) * requirement.beta)
    inputs = int(candidates[0].analysis.rows.sum())
    joint = Together(len(candidates), inputs, requirement.confidence, None, (), stated, None)
    if any(one.record.spec.noise.group > 1 for one in candidates):
        return joint
    decided = hold_together(candidates, requirement)
    holds = tuple(one for one in candidates if decided[one.key].verdict == "holds")
    needed = None
    if not holds and requirement.max_loss is not None:
        routes = [study_routes(one.analysis, one.name, requirement) for one in candidates]
        best = min(routes, key=lambda one: int(one.may_lose.sum()))
        needed = inputs_to_hold(
            int(best.may_lose.sum()) / inputs,
            max_share=requirement.max_loss,
            beta=requirement.beta / len(candidates),
            level=best.level,
        )
    return replace(
        joint,
        holds=tuple(one.key for one in holds),
        titles=tuple(one.title for one in holds),
        inputs_needed=needed,
    )
