"""A check of everything that a library holds: manifests, evidence, journals, pilots and bundles."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from irs_core.errors import StoreError
from irs_core.store.audit import Problem, evidence_problems, sealable, unsealed_arrays
from irs_core.store.bundle import SUFFIX, read_bundle
from irs_core.store.chunk_states import chunk_states, vouch
from irs_core.store.evidence import CHUNK_DRAWS, read_evidence
from irs_core.store.library import Library
from irs_core.store.manifests import read_manifest
from irs_core.store.study import Origin, Study

Kind = Literal["live", "shipped", "imported", "pilot", "evidence"]


@dataclass(frozen=True)
class Finding:
    """What the check of one file of a study found, or of evidence that no study uses.

    Args:
        name: Id of the study or of the evidence; the name of the file where it cannot be opened.
        title: For people; empty where it cannot be opened.
        problems: What is wrong.
        notes: What is not wrong, and should be known.
        study: The study, where it can be opened.
    """

    name: str
    kind: Kind
    title: str
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()
    study: Study | None = None


def check_up(library: Library, wanted: str = "") -> Iterator[Finding]:
    """Check studies, one after the other.

    Args:
        wanted: Id of a study, its first digits, or the name of its file; all without it.

    Raises:
        StoreError: No study is called so, or several are.
    """
    for path, origin in _chosen(library, wanted):
        yield _live(library, path) if origin == "live" else _bundle(library, path, origin)
    if not wanted:
        yield from _pilots(library)
        yield from _unused(library)


def seal(library: Library, wanted: str) -> tuple[str, int]:
    """Give a live study's manifest and chunks the digests that they lack.

    Only what matches the digests that the study was finished with is sealed. What nothing can
    check, labels for example, holds from then on as it is.

    Args:
        wanted: Id of the study, or its first digits.

    Returns:
        Its id, and how many chunks stay without a digest because they also hold draws of longer
        studies, which are to be sealed as well.

    Raises:
        StoreError: There is no such live study, it is unfinished, or it does not match its digests.
    """
    live = [path for path, origin in _chosen(library, wanted) if origin == "live"]
    if not live:
        raise StoreError(f"no live study {wanted!r} in the store; bundles carry digests anyway")
    study = library.open_file(live[0], "live")
    arrays = sealable(study)
    left = sum(vouch(array, draws) for array, draws in arrays)
    library.save(study.record)
    return study.record.id, left


def _chosen(library: Library, wanted: str) -> list[tuple[Path, Origin]]:
    every = library.files()
    if not wanted:
        return every
    named = {(path, origin): _name(library, path, origin) for path, origin in every}
    exact = [one for one, name in named.items() if wanted in (name, one[0].name, _stem(one[0]))]
    found = exact or [one for one, name in named.items() if name.startswith(wanted)]
    names = sorted({named[one] for one in found})
    if not found:
        raise StoreError(f"no study {wanted!r} in the store")
    if len(names) > 1:
        raise StoreError(f"{len(names)} studies begin with {wanted!r}: {', '.join(names)}")
    return found


def _stem(path: Path) -> str:
    return path.name.removesuffix(SUFFIX).removesuffix(".json")


def _name(library: Library, path: Path, origin: Origin) -> str:
    """Id of the study in a file; live and imported files are named by it."""
    if origin != "shipped":
        return _stem(path)
    try:
        return library.open_file(path, origin).record.id
    except (StoreError, OSError):
        return _stem(path)


def _live(library: Library, path: Path) -> Finding:
    name = _stem(path)
    try:
        study = library.open_file(path, "live")
    except StoreError as error:
        remedy = (
            f"delete {path} and run the study again, which computes no draw that is stored, or "
            "restore the file from a backup"
        )
        return Finding(name, "live", "", (Problem(str(error), remedy),))
    return Finding(
        name,
        "live",
        study.record.title,
        tuple(evidence_problems(study)),
        tuple(_live_notes(study)),
        study,
    )


def _live_notes(study: Study) -> Iterator[str]:
    record = study.record
    if not record.finished:
        yield "unfinished"
    if not study.sealed:
        yield (
            "written before manifests carried digests; if nothing above is wrong, "
            f"./irs verify --seal {record.id}"
        )
    arrays = unsealed_arrays(study)
    if arrays and study.sealed:
        after = f"./irs verify --seal {record.id}" if record.finished else "run it to its end"
        yield f"{arrays} arrays hold draws that were stored without digests; {after}"
    torn = sum(
        study.evidence(one).journal.damaged for one in record.digest_draws() if _opens(study, one)
    )
    if torn:
        yield f"{torn} lines of its journals are damaged; measured times leave them out"


def _opens(study: Study, evidence_id: str) -> bool:
    try:
        study.evidence(evidence_id)
    except StoreError:
        return False
    return True


def _bundle(library: Library, path: Path, origin: Origin) -> Finding:
    try:
        study = library.open_file(path, origin)
        # Whether or not it passed before.
        read_bundle(path)
    except (StoreError, OSError) as error:
        remedy = (
            f"delete {path} and import it again"
            if origin == "imported"
            else f"restore {path} as it came with the program"
        )
        return Finding(_stem(path), origin, "", (Problem(str(error), remedy),))
    notes = (study.banner,) if study.banner else ()
    return Finding(study.record.id, origin, study.record.title, (), notes, study)


def _pilots(library: Library) -> Iterator[Finding]:
    for path in sorted((library.root / "pilots").glob("*.json")):
        problems: tuple[Problem, ...] = ()
        notes: tuple[str, ...] = ()
        title = ""
        try:
            manifest = read_manifest(path)
            study = Study(manifest.record, library.evidence_folder, sealed=manifest.sealed)
            title, problems = manifest.record.title, tuple(evidence_problems(study))
            if not manifest.sealed:
                notes = ("written before manifests carried digests; the next run writes it anew",)
        except StoreError as error:
            problems = (Problem(str(error), f"delete {path}; a forecast makes it again"),)
        yield Finding(_stem(path), "pilot", title, problems, notes)


def _unused(library: Library) -> Iterator[Finding]:
    """Arrays of no readable study or pilot: what studies that were removed or began left behind."""
    used: set[str] = set()
    for folder in ("studies", "pilots"):
        for path in (library.root / folder).glob("*.json"):
            with contextlib.suppress(StoreError):
                used |= set(read_manifest(path).record.digest_draws())
    for place in sorted(library.evidence_folder.glob("*/")):
        if place.name not in used:
            yield Finding(place.name, "evidence", "of no study", tuple(_array_problems(place)))


def _array_problems(place: Path) -> Iterator[Problem]:
    remedy = f"delete {place}, which no study uses"
    try:
        array = read_evidence(place, place / "journal.jsonl")
    except StoreError as error:
        yield Problem(str(error), remedy)
        return
    last = max((at.chunk for at in array.journal.noted()), default=-1)
    states = chunk_states(array, (last + 1) * CHUNK_DRAWS).values()
    bad = sum(state in ("damaged", "foreign") for state in states)
    if bad:
        yield Problem(f"{bad} of {len(states)} chunks are not what was committed there", remedy)
