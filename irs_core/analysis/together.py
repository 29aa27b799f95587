"""What may be said of several compressed models of a study at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import study_routes, title_of
from irs_core.analysis.measured import study_measured
from irs_core.decide import Requirement, inputs_to_hold, which_hold
from irs_core.decide.rounding import chosen_percent
from irs_core.spec.outward import confidence
from irs_core.store import StudyRecord


@dataclass(frozen=True)
class Together:
    """Joint statements about all candidates of a study, at levels fixed before looking.

    Args:
        candidates: How many models were looked at.
        inputs: N.
        confidence: Asked for, of the statement by Holm's procedure.
        holds: Names of the models that meet the requirement, all of them at this confidence; None
            where inputs share noise, for which it is not proven.
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
    if names is None:
        names = [one for one in analysis.tally.compressed if analysis.methods(one)]
    if len(names) < 2:
        return None
    stated = min(1.0, len(names) * requirement.beta)
    inputs = int(analysis.rows.sum())
    if record.spec.noise.group > 1:
        return Together(len(names), inputs, requirement.confidence, None, (), stated, None)
    routes = {name: study_routes(analysis, name, requirement) for name in names}
    measured = {name: study_measured(record, analysis, name) for name in names}
    decided = which_hold(requirement, routes, measured, noun="inputs")
    holds = tuple(name for name, one in decided.items() if one.verdict == "holds")
    needed = None
    if not holds and requirement.max_loss is not None:
        best = min(routes.values(), key=lambda one: int(one.may_lose.sum()))
        needed = inputs_to_hold(
            int(best.may_lose.sum()) / inputs,
            max_share=requirement.max_loss,
            beta=requirement.beta / len(names),
            level=best.level,
        )
    titles = tuple(title_of(record, name) for name in holds)
    return Together(len(names), inputs, requirement.confidence, holds, titles, stated, needed)
