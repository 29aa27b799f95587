"""Candidates that live in several studies of one original: one family, judged together.

Nothing but the number of candidates enters Holm's procedure, so that it holds for models of
different studies as for those of one, under any dependence between them. What they must share is
what the question is about: the original, the inputs and the noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import study_routes, title_of
from irs_core.analysis.measured import study_measured
from irs_core.analysis.side_by_side import told_apart
from irs_core.decide import Decision, Requirement, which_hold
from irs_core.errors import SpecError, UnknownKeyError
from irs_core.store import StudyRecord

# As many digits of an id as people are shown.
_DIGITS = 6


@dataclass(frozen=True, eq=False)
class Candidate:
    """A compressed model that is judged together with others.

    Args:
        key: Its name, as `STUDY:NAME` where several studies are judged.
        title: As people read it, with the study where there are several.
        record: The study that holds it.
        analysis: Of that study.
        name: In that study.
    """

    key: str
    title: str
    record: StudyRecord
    analysis: Analysis
    name: str


def candidates_of(studies: Sequence[tuple[StudyRecord, Analysis]]) -> tuple[Candidate, ...]:
    """All compressed models of some studies whose draws are there, in order.

    The same network in two studies counts as two candidates.

    Raises:
        SpecError: A study is named twice, or they do not share original, inputs and noise.
    """
    records = [record for record, _ in studies]
    check_family(records)
    several = len(records) > 1
    found = []
    for record, analysis in studies:
        short = record.id[:_DIGITS]
        for name in analysis.tally.compressed:
            if not analysis.methods(name):
                continue
            title = title_of(record, name)
            found.append(
                Candidate(
                    key=f"{short}:{name}" if several else name,
                    title=f"{title} (study {short})" if several else title,
                    record=record,
                    analysis=analysis,
                    name=name,
                )
            )
    return tuple(found)


def check_family(records: Sequence[StudyRecord]) -> None:
    """Refuse studies whose compressed models do not answer one question.

    Raises:
        SpecError: Which two, and what they do not share.
    """
    for at, record in enumerate(records):
        if record.id in [one.id for one in records[:at]]:
            raise SpecError(f"each study is named once; got {record.id[:_DIGITS]} again")
    for one, other in pairwise(records):
        apart = _another_original(one, other) or told_apart(one, other)
        if apart:
            raise SpecError(
                "candidates of several studies need one original, one set of inputs and one "
                f"noise; studies {one.id[:_DIGITS]} and {other.id[:_DIGITS]} differ: {apart}"
            )


def _another_original(one: StudyRecord, other: StudyRecord) -> str:
    same = (one.base.digest, one.base.execution) == (other.base.digest, other.base.execution)
    if same:
        return ""
    told = [f"{each.base.digest[:12]} on {each.base.execution}" for each in (one, other)]
    return f"they have other originals ({told[0]} against {told[1]})"


def chosen(candidates: Sequence[Candidate], names: Sequence[str] | None) -> tuple[Candidate, ...]:
    """The candidates that are named, by key or by a name that only one study has; all without.

    Raises:
        UnknownKeyError: A name is no candidate's, or that of several.
    """
    if names is None:
        return tuple(candidates)
    return tuple(dict.fromkeys(_named(candidates, name) for name in names))


def _named(candidates: Sequence[Candidate], name: str) -> Candidate:
    found = [one for one in candidates if name == one.key or one.record.meant(name) == one.name]
    if len(found) == 1:
        return found[0]
    if found:
        keys = " or ".join(one.key for one in found)
        raise UnknownKeyError(f"{name} is a model of several studies; write {keys}")
    known = ", ".join(one.key for one in candidates) or "none"
    raise UnknownKeyError(f"a decision is about a compressed model, {known}; got {name!r}")


def hold_together(candidates: Sequence[Candidate], requirement: Requirement) -> dict[str, Decision]:
    """The decision about each candidate by Holm's procedure, by its key.

    With probability at least the confidence, every model that is said to hold meets the statistical
    limits (Holm 1979, under any dependence). *Fails* is not said of these. The candidates were
    chosen before looking, and inputs have noise of their own.

    Raises:
        SpecError: There is no candidate, or inputs share noise.
    """
    if any(one.record.spec.noise.group > 1 for one in candidates):
        raise SpecError("candidates whose inputs share noise are not judged together; no proof")
    return which_hold(
        requirement,
        {one.key: study_routes(one.analysis, one.name, requirement) for one in candidates},
        {one.key: study_measured(one.record, one.analysis, one.name) for one in candidates},
        titles={one.key: one.title for one in candidates},
        noun="inputs",
    )
