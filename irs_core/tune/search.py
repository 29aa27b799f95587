"""A search for the compression that may ship: proposed from sensitivities, certified together."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.kept_tally import open_tally
from irs_core.decide import Levels, Requirement, inputs_to_hold
from irs_core.errors import MissingEvidenceError, SpecError, StoreError, reason
from irs_core.goals.settling import Standing, settling_spec, standings
from irs_core.spec.compressions import Compression
from irs_core.spec.cost import ModelCost
from irs_core.spec.settings import Settings
from irs_core.spec.study import StudySpec
from irs_core.store import Library, Study, StudyRecord
from irs_core.store.files import write_bytes
from irs_core.tune.propose import OBJECTIVES, Objective
from irs_core.tune.record import FOLDER

_SEARCHES = "searches"
_SCHEMA = 1


@dataclass(frozen=True)
class Search:
    """What a search was asked, fixed before its candidates draw.

    Args:
        study: Id of the study that holds the draws of all candidates.
        requirement: As text; `Requirement.from_text` reads it.
        objective: What the best of the candidates that hold has least of.
        proposer, seed: What proposed them.
        sensitivity: Id of the record that they were proposed from; empty for none.
        budget: Mean draws per input at which a candidate stops unsettled; None for no limit.
    """

    study: str
    requirement: str
    objective: Objective
    proposer: str
    seed: int
    sensitivity: str = ""
    budget: float | None = None

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES:
            raise SpecError(
                f"an objective is one of {', '.join(OBJECTIVES)}; got {self.objective!r}"
            )
        if self.budget is not None and not self.budget > 0:
            raise SpecError(f"a budget of draws must be positive; got {self.budget}")

    @property
    def asked(self) -> Requirement:
        """The requirement."""
        return Requirement.from_text(self.requirement)


@dataclass(frozen=True)
class Candidate:
    """A candidate with where it stands and what it costs.

    Args:
        cost: None before it is measured.
        front: Whether no candidate that is at least as cheap keeps more inputs; only those that
            do not fail are compared.
    """

    standing: Standing
    cost: ModelCost | None
    value: float | None
    front: bool


@dataclass(frozen=True)
class Outcome:
    """Where a search stands.

    Args:
        inputs: Reported ones.
        winner: Name of the candidate that holds and has least of the objective; None where none
            holds, or where costs are not measured and the objective needs them.
        draws: Forward passes of all candidates on the reported inputs.
        alone: Those that certifying two of them from scratch takes, n0 and n each.
        needed: Fewest inputs at which a candidate could hold at all; None if these are enough.
        others: Further searches in the store about this original on these inputs.
    """

    search: Search
    candidates: tuple[Candidate, ...]
    inputs: int
    winner: str | None
    draws: int
    alone: int
    needed: int | None
    others: int

    @property
    def unmeasured(self) -> tuple[str, ...]:
        """Candidates that may still ship and whose size and time are not measured."""
        return tuple(
            one.standing.name
            for one in self.candidates
            if one.cost is None and one.standing.state in ("holds", "open")
        )

    @property
    def sentence(self) -> str:
        """What may be said, in words."""
        asked, count = self.search.asked, len(self.candidates)
        states = [one.standing.state for one in self.candidates]
        said = (
            f"{count} candidates on {self.inputs:,} inputs: {states.count('holds')} hold, "
            f"{states.count('fails')} fail, {states.count('eliminated')} were eliminated, "
            f"{states.count('open') + states.count('waiting')} are open. All verdicts hold "
            f"together with {100 * asked.confidence:g}% confidence: each has 1/{count} of the "
            "failure probability."
        )
        if self.needed is not None:
            said += (
                f" With these limits no candidate can hold on fewer than {self.needed:,} inputs."
            )
        if self.others:
            said += (
                f" Further searches of this original on these inputs: {self.others}. Each has a "
                "failure probability of its own; for a choice among all of them these add up."
            )
        if self.winner is None:
            return said
        title = next(
            one.standing.title for one in self.candidates if one.standing.name == self.winner
        )
        return f"{said} Of those that hold, {title} has least {self.search.objective}."


def prepare_search(
    base: StudySpec,
    candidates: tuple[Compression, ...],
    requirement: Requirement,
    objective: Objective,
    *,
    proposer: str,
    seed: int,
    sensitivity: str = "",
    budget: float | None = None,
) -> tuple[StudySpec, Search]:
    """The study of a search, and the search.

    Raises:
        SpecError: There is no candidate, or the requirement does not ask for a loss.
    """
    spec = settling_spec(base, candidates, requirement)
    made = Search(spec.id, requirement.text, objective, proposer, seed, sensitivity, budget)
    return spec, made


def inputs_needed(requirement: Requirement, spec: StudySpec, inputs: int) -> int | None:
    """Fewest inputs at which a candidate could be shown to hold at all; None if these are enough.

    None as well where ten million would not be.

    Args:
        spec: The study of the search.
        inputs: Reported ones that there are.
    """
    share, routes = requirement.beta / len(spec.compressions), Levels()
    level = routes.excluded + spec.alpha + spec.alpha_zeta + routes.stays

    needed = inputs_to_hold(0, max_share=requirement.max_loss or 0.5, beta=share, level=level)
    return None if needed is None or needed <= inputs else needed


def outcome(search: Search, study: Study, library: Library) -> Outcome:
    """Where a search stands, from the stored draws of its study.

    Raises:
        MissingEvidenceError: Draws of the original are missing.
    """
    record = study.record
    analysis = Analysis(open_tally(study, library.root), Settings.of(record.spec))
    found = standings(record, analysis, search.asked)
    costs = {one.name: one.cost for one in record.models}
    inputs = int(analysis.rows.sum())
    valued = [(one, costs[one.name], _value(one, costs[one.name], search, inputs)) for one in found]
    candidates = tuple(
        Candidate(one, cost, value, _on_front(one, value, valued)) for one, cost, value in valued
    )
    holding = [one for one in candidates if _winning(one)]
    best = min(holding, key=lambda one: one.value or 0.0, default=None)
    spec = record.spec
    return Outcome(
        search,
        candidates,
        inputs,
        None if best is None else best.standing.name,
        draws=sum(one.draws for one in found),
        alone=2 * inputs * (spec.n0 + spec.n),
        needed=inputs_needed(search.asked, spec, inputs),
        others=other_searches(library, record),
    )


def other_searches(library: Library, record: StudyRecord) -> int:
    """Searches of a store, beside that of a study, about its original on its inputs."""
    ids = {one.study for one in searches(library.root)} - {record.id}
    found = [one for one in map(library.live_record, ids) if one is not None]
    own = (record.base.digest, record.data.digest)
    return sum((one.base.digest, one.data.digest) == own for one in found)


def _winning(one: Candidate) -> bool:
    decision = one.standing.decision
    # Limits on size and time are part of the verdict; they are compared as they were measured.
    return decision is not None and one.value is not None and decision.verdict == "holds"


def _value(one: Standing, cost: ModelCost | None, search: Search, inputs: int) -> float | None:
    if search.objective == "draws":
        # Of one that was eliminated or stopped, they are not those that settle it.
        return one.draws / inputs if one.state in ("holds", "fails") else None
    if cost is None:
        return None
    return cost.speed.p50_ms if search.objective == "latency" else float(cost.size.packed_bytes)


def _on_front(
    own: Standing, value: float | None, all_: list[tuple[Standing, ModelCost | None, float | None]]
) -> bool:
    if value is None or own.state == "fails":
        return False
    return not any(
        other is not own
        and theirs is not None
        and other.state != "fails"
        and theirs <= value
        and other.kept >= own.kept
        and (theirs < value or other.kept > own.kept)
        for other, _, theirs in all_
    )


def save_search(root: Path, search: Search) -> None:
    """Keep what a search was asked, under the id of its study."""
    path = root / FOLDER / _SEARCHES / f"{search.study}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    described = {"schema": _SCHEMA, **asdict(search)}
    write_bytes(path, json.dumps(described, indent=1, sort_keys=True).encode())


def read_search(root: Path, study: str) -> Search:
    """The search whose draws a study holds.

    Raises:
        StoreError: There is none, or it cannot be read.
    """
    path = root / FOLDER / _SEARCHES / f"{study}.json"
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if fields.pop("schema") != _SCHEMA:
            raise StoreError(f"{path.name} is of another version of the program")
        return Search(**fields)
    except FileNotFoundError:
        raise StoreError(f"study {study} is no search; ./irs tune search makes one") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"cannot read the search {path.name}: {reason(error)}") from None


def searches(root: Path) -> list[Search]:
    """All searches of a store that can be read, latest first."""
    files = (root / FOLDER / _SEARCHES).glob("*.json")
    found = []
    for file in sorted(files, key=lambda one: -one.stat().st_mtime):
        try:
            found.append(read_search(root, file.stem))
        except StoreError:
            continue
    return found


def winner_of(found: Outcome) -> str:
    """The name of the winner.

    Raises:
        MissingEvidenceError: No candidate holds, or costs are not measured yet.
    """
    if found.winner is None:
        raise MissingEvidenceError(f"this search has no winner: {found.sentence}")
    return found.winner
