"""Several compressed models against one requirement: each stops drawing as soon as it is settled.

The models are K candidates, fixed before any draw of theirs on the reported inputs. Each verdict
has a K-th of the failure probability, so that all verdicts hold together at the confidence, also
for whoever takes the best of those that hold. Who stops when may depend on anything: a verdict
holds at every number of draws (docs/methods/tune.md).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import study_routes, title_of
from irs_core.analysis.measured import study_measured
from irs_core.analysis.tally import count_study
from irs_core.decide import (
    Decision,
    Requirement,
    Routes,
    Split,
    decide,
    most_flags,
    share_at_least,
)
from irs_core.errors import SpecError
from irs_core.goals.deciding import METHOD, deciding_spec
from irs_core.methods.seq import SeqTally
from irs_core.spec.compressions import Compression
from irs_core.spec.settings import Settings
from irs_core.spec.study import StudySpec
from irs_core.store import Library, Study, StudyRecord
from irs_core.text import NAME, plain

State = Literal["holds", "fails", "eliminated", "open", "waiting"]


@dataclass(frozen=True)
class Standing:
    """Where one candidate stands.

    Args:
        name: In the study.
        state: `eliminated`: not shown to hold, and no longer able to be shown within its draws;
            `waiting`: nothing drawn yet.
        decision: At its share of the failure probability; None where nothing is drawn.
        stuck: Inputs that it may lose and on which it will draw no more.
        allowed: Most inputs that it may lose and still be shown to hold; None where none at all
            would do.
        draws: Forward passes of it on the reported inputs.
        kept: Inputs right and certified at the radius by the original that it may not lose: it
            withstands radius less tolerance there.
        kept_at_least: Lower bound on their share among new inputs, at the same level.
    """

    name: str
    title: str
    state: State
    decision: Decision | None
    stuck: int
    allowed: int | None
    draws: int
    kept: int
    kept_at_least: float


def settling_spec(
    spec: StudySpec, candidates: Sequence[Compression], requirement: Requirement
) -> StudySpec:
    """The study whose draws settle a requirement for all candidates.

    Raises:
        SpecError: There is no candidate, or one of them twice; nothing is asked about a loss.
    """
    if not candidates:
        raise SpecError("a search needs at least one candidate; got none")
    if requirement.max_loss is None:
        raise SpecError("a search asks how much a candidate loses; give max_loss")
    one = deciding_spec(spec, candidates[0], requirement)
    what = f"{len(candidates)} candidates at {requirement.radius:g}"
    name = plain(f"{plain(spec.name, NAME // 2)}: {what}".removeprefix(": "), NAME)
    return replace(one, compressions=tuple(candidates), name=name)


def standings(record: StudyRecord, analysis: Analysis, requirement: Requirement) -> list[Standing]:
    """Where every candidate of a study stands, in the order of the study.

    With probability at least the confidence, no candidate is said to hold that does not, and with
    the same probability none is said to fail that does not; the candidates are all compressed
    models of the study, whether they were drawn or not.
    """
    names = [one.name for one in record.compressed]
    share = requirement.beta / len(names)
    split = Split(holds=share, fails=share, bounds=share, candidates=len(names))
    return [_standing(record, analysis, requirement, name, split) for name in names]


def _standing(
    record: StudyRecord, analysis: Analysis, requirement: Requirement, name: str, split: Split
) -> Standing:
    title = title_of(record, name)
    own = analysis.tally.compressed[name].own.get(METHOD)
    if not isinstance(own, SeqTally) or not analysis.has(name, METHOD):
        return Standing(name, title, "waiting", None, 0, None, 0, 0, 0.0)
    routes = study_routes(analysis, name, requirement)
    shared_noise = record.spec.noise.group > 1
    decision = decide(
        requirement,
        title,
        routes,
        study_measured(record, analysis, name),
        split=split,
        shared_noise=shared_noise,
        noun="inputs",
    )
    stuck = int((routes.may_lose & (own.open[analysis.rows] == 0)).sum())
    allowed = most_flags(
        len(routes), max_share=requirement.max_loss or 0.5, beta=split.holds, level=routes.level
    )
    kept, at_least = _kept(routes, split.bounds, shared_noise=shared_noise)
    draws = int(own.taken[analysis.rows].clip(min=0).sum())
    return Standing(
        name,
        title,
        _state(decision, stuck, allowed, draws),
        decision,
        stuck,
        allowed,
        draws,
        kept,
        at_least,
    )


def _state(decision: Decision, stuck: int, allowed: int | None, draws: int) -> State:
    loss = next(one for one in decision.findings if one.topic == "loss")
    if loss.verdict != "undecided":
        # Size and latency are measured afterwards; what draws can settle is settled.
        return loss.verdict
    if allowed is None or stuck > allowed:
        return "eliminated"
    return "open" if draws else "waiting"


def _kept(routes: Routes, beta: float, *, shared_noise: bool) -> tuple[int, float]:
    """Inputs that the original certifies and the candidate keeps, and a bound on their share.

    Such an input does not have the property only if the original was certified wrongly or the
    candidate lost it without a flag: at most the sum of the two levels.
    """
    kept = int((routes.base_certified & ~routes.may_lose).sum())
    level = min(1 - 1e-9, routes.proven_level + routes.level)
    least = share_at_least(kept, len(routes), beta=beta, level=level, shared_noise=shared_noise)
    return kept, least


def settled(
    library: Library,
    requirement: str | None,
    *,
    draws: float | None = None,
    note: Callable[[list[Standing]], None] = lambda _: None,
) -> Callable[[StudyRecord], frozenset[str]]:
    """For a run: the candidates that take no more draws.

    Args:
        requirement: As text; None for none, so that all go on.
        draws: Mean draws per input of a candidate at which it stops unsettled; None for no limit.
        note: Takes where the candidates stand, each time.
    """

    if requirement is None:
        return lambda _: frozenset()
    asked = Requirement.from_text(requirement)

    def found(record: StudyRecord) -> frozenset[str]:
        study = Study(record, library.evidence_folder)
        analysis = Analysis(count_study(study), Settings.of(record.spec))
        found = standings(record, analysis, asked)
        note(found)
        inputs = int(np.count_nonzero(record.data.reported))
        return frozenset(
            one.name
            for one in found
            if one.state in ("holds", "fails", "eliminated")
            or (draws is not None and one.draws >= draws * inputs)
        )

    return found
