"""What is wrong with the evidence of a live study, and what to do about it.

A study's own digests, given when it was finished, decide first. Where other studies have added
draws since, as they may where some inputs need none, the journals decide, chunk by chunk.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from irs_core.errors import StoreError
from irs_core.store.chunk_states import chunk_states, raw_digest
from irs_core.store.evidence import EvidenceArray
from irs_core.store.records import ModelRecord, StudyRecord
from irs_core.store.study import Study

AGAIN = "run the study again, which computes only these"


@dataclass(frozen=True)
class Problem:
    """Something that is wrong.

    Args:
        what: What, as a clause.
        remedy: What to do, as a clause.
    """

    what: str
    remedy: str


@dataclass(frozen=True)
class _Part:
    """One array of a study."""

    model: ModelRecord
    stream: str
    id: str
    draws: int
    # What the study says that its predictions were; empty before it is finished.
    digest: str
    # Whether the study has all of these draws, so that none can be added.
    complete: bool

    @property
    def title(self) -> str:
        return f"{self.model.name} on {self.stream} draws (evidence/{self.id})"


def _parts(record: StudyRecord) -> Iterator[_Part]:
    draws = record.digest_draws()
    digests = record.digests if record.finished else {}
    for model in record.models:
        complete = not record.may_lack(model)
        for stream, one in model.evidence.items():
            yield _Part(model, stream, one, draws[one], digests.get(one, ""), complete)


def evidence_problems(study: Study) -> list[Problem]:
    """All that is wrong with the arrays of a live study, read as they lie on disk."""
    found = []
    for part in _parts(study.record):
        try:
            array = study.evidence(part.id)
        except StoreError as error:
            found.append(Problem(f"{part.title}: {error}", "run the study again"))
            continue
        problem = _problem(study.record, part, array)
        if problem is not None:
            found.append(problem)
    return found


def _problem(record: StudyRecord, part: _Part, array: EvidenceArray) -> Problem | None:
    states = chunk_states(array, part.draws)
    counted = Counter(states.values())
    if counted["damaged"]:
        return Problem(f"{part.title}: {_chunks(counted['damaged'])} damaged or missing", AGAIN)
    matched = bool(part.digest) and raw_digest(array, part.draws) == part.digest
    if counted["foreign"]:
        tile, chunk = next(at for at, state in states.items() if state == "foreign")
        if matched:
            return Problem(
                f"{part.title}: its journal has lost the notes of {_chunks(counted['foreign'])}",
                f"./irs verify --seal {record.id}",
            )
        return Problem(
            f"{part.title}: {_chunks(counted['foreign'])} not what was committed there, "
            f"c/{tile}/{chunk} first",
            AGAIN,
        )
    if matched or not part.digest:
        return None
    if counted["unsealed"]:
        return _changed(part)
    if not part.complete:
        # All chunks are what was committed: other studies have added draws.
        return None
    lost = (array.read(part.draws) == array.missing).any()
    return Problem(f"{part.title}: predictions are missing", AGAIN) if lost else _changed(part)


def _changed(part: _Part) -> Problem:
    return Problem(
        f"{part.title} does not match the digest that its study gives",
        f"delete the folder evidence/{part.id} and run the study again",
    )


def _chunks(count: int) -> str:
    return "1 chunk is" if count == 1 else f"{count} chunks are"


def unsealed_arrays(study: Study) -> int:
    """Arrays of a live study with chunks that were noted without a digest."""
    found = 0
    for part in _parts(study.record):
        try:
            found += "unsealed" in chunk_states(study.evidence(part.id), part.draws).values()
        except StoreError:
            continue
    return found


def check_trusted(study: Study) -> bool:
    """Refuse to count a finished live study whose evidence may have been changed.

    Chunks that their journal does not vouch for count as not computed, which counting notices. What
    is left to find are changed chunks that were noted without a digest, or noted anew after that.

    Returns:
        Whether all is there that the study was finished with.

    Raises:
        StoreError: An array does not match the digest that the study gives, and neither gaps nor
            draws of other studies need be the reason.
    """
    if study.shipped or not study.record.finished:
        return True
    whole = True
    for part in _parts(study.record):
        array = study.evidence(part.id)
        if array.digest(part.draws) == part.digest:
            continue
        states = set(chunk_states(array, part.draws).values())
        full = part.complete and (array.read(part.draws) != array.missing).all()
        if full or "unsealed" in states:
            problem = _changed(part)
            raise StoreError(f"{problem.what}; {problem.remedy}")
        whole &= not part.complete and states <= {"sound", "absent"}
    return whole


def sealable(study: Study) -> list[tuple[EvidenceArray, int]]:
    """The arrays of a finished live study, with the draws that its digests cover and match.

    Raises:
        StoreError: The study is unfinished, or an array does not match its digest.
    """
    record = study.record
    if not record.finished:
        raise StoreError(
            f"study {record.id} is unfinished, so nothing says what its draws were; run it to its "
            "end, which seals it"
        )
    found = []
    for part in _parts(record):
        array = study.evidence(part.id)
        if raw_digest(array, part.draws) != part.digest:
            problem = _problem(record, part, array) or _changed(part)
            raise StoreError(f"study {record.id} is not sealed: {problem.what}; {problem.remedy}")
        found.append((array, part.draws))
    return found


def exportable(study: Study) -> StudyRecord:
    """The record of a live study to put into a bundle, whose evidence was verified.

    Its digests are those that it was finished with. Where other studies have added draws since,
    every chunk is vouched for by its journal, and they are those of what is there.

    Raises:
        StoreError: The study does not verify.
    """
    record = study.record
    problems = evidence_problems(study)
    if problems:
        one = problems[0]
        raise StoreError(f"study {record.id} does not verify: {one.what}; {one.remedy}")
    if not study.sealed:
        raise StoreError(
            f"study {record.id} was written before manifests carried digests; check it with "
            f"./irs verify {record.id}, then ./irs verify --seal {record.id}"
        )
    if record.finished:
        return replace(record, digests=current_digests(study))
    if unsealed_arrays(study):
        raise StoreError(
            f"study {record.id} is unfinished and has draws that were stored without digests; run "
            "it to its end before it is exported"
        )
    return record


def current_digests(study: Study) -> dict[str, str]:
    """Evidence id to SHA-256 of what is stored of it."""
    draws = study.record.digest_draws()
    return {one: study.evidence(one).digest(length) for one, length in draws.items()}
