"""Compressed models of several studies as one family of candidates: `decide A B`, `gate A B`."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import study_decision, study_flags
from irs_core.analysis.family import Candidate, candidates_of, chosen, hold_together
from irs_core.analysis.ledger import ledger_in
from irs_core.analysis.together import Together, family_together
from irs_core.cli.printing import print_json
from irs_core.cli.requirements import conditions, judged_study, requirement_of, say_more
from irs_core.decide import Decision, Flag, Requirement
from irs_core.decide.words import required_words
from irs_core.errors import SpecError
from irs_core.store import Library, Study


@dataclass(frozen=True, eq=False)
class Family:
    """Candidates of several studies, and what their verdicts rest on.

    Args:
        studies: In the order in which they were named.
        candidates: All of them; who is named is chosen among these.
        flags: Of all studies.
        conditions: Of all studies, each once; banners of studies from elsewhere among them.
        confidence: What the certificates promise, of each study.
    """

    studies: tuple[Study, ...]
    candidates: tuple[Candidate, ...]
    requirement: Requirement
    flags: tuple[Flag, ...]
    conditions: tuple[str, ...]
    confidence: str

    def study_of(self, candidate: Candidate) -> Study:
        """The study that holds a candidate."""
        return next(one for one in self.studies if one.record is candidate.record)


def open_family(arguments: argparse.Namespace) -> Family:
    """The studies that were named, under their own settings.

    Raises:
        SpecError: They do not share original, inputs and noise.
    """
    library = Library(arguments.store)
    found = [judged_study(library, one) for one in arguments.ids]
    studies = tuple(study for study, _ in found)
    candidates = candidates_of([(study.record, analysis) for study, analysis in found])
    ledgers = [ledger_in(library, study) for study in studies]
    said = [*(one for ledger in ledgers for one in conditions(ledger)), *map(_named, studies)]
    return Family(
        studies,
        candidates,
        requirement_of(arguments, studies[0].record.spec.noise.sigma),
        _flags(found),
        tuple(dict.fromkeys(filter(None, said))),
        " ".join(dict.fromkeys(one.text for one in ledgers)),
    )


def _named(study: Study) -> str:
    """That a study comes from elsewhere, where it does."""
    return f"Study {study.record.id[:6]}: {study.banner}" if study.banner else ""


def _flags(found: Sequence[tuple[Study, Analysis]]) -> tuple[Flag, ...]:
    every = [one for study, analysis in found for one in study_flags(study.record, analysis)]
    return tuple({(one.code, one.sentence): one for one in every}.values())


def decide_family(arguments: argparse.Namespace) -> None:
    """Every candidate for itself, and which of them hold together.

    Raises:
        SpecError: An option is about one study, or the studies do not fit.
    """
    if arguments.replay or arguments.html is not None:
        raise SpecError(
            f"--replay and --html are about one study; got {len(arguments.ids)} studies"
        )
    family = open_family(arguments)
    asked = chosen(family.candidates, arguments.model)
    requirement = family.requirement
    found = {
        one.key: study_decision(one.record, one.analysis, one.name, requirement) for one in asked
    }
    together = family_together(asked, requirement)
    if arguments.json:
        print_json("decide", plain_family(family, found, together))
        return
    print(f"Required: {required_words(requirement)}.")
    for key, decision in found.items():
        print(f"{decision.verdict:<10} {key}: {decision.sentence}")
    say_more(family.flags, "", family.conditions, together.sentence if together else "")


def gate_family(family: Family, name: str) -> tuple[str, Decision]:
    """The verdict about one model among all compressed models of the studies, and its key.

    It is that of Holm's procedure: *holds* is right for all that hold at the confidence, whoever
    picked the model by these results; *fails* is not said of statistical limits.

    Raises:
        UnknownKeyError: No study has such a model, or several have.
        SpecError: Inputs share noise.
    """
    (one,) = chosen(family.candidates, [name])
    return one.key, hold_together(family.candidates, family.requirement)[one.key]


def union_words(family: Family) -> str:
    """What a verdict of the family covers."""
    ids = ", ".join(one.record.id[:6] for one in family.studies)
    return (
        f"The verdict is one of those of all {len(family.candidates)} compressed models of the "
        f"studies {ids}: all that hold do so together at the confidence (Holm's procedure), also "
        "for whoever picked this one by its results. That a model loses too much is only said of "
        "one that is named beforehand, with its study alone."
    )


def plain_family(
    family: Family, found: dict[str, Decision], together: Together | None
) -> dict[str, object]:
    """What `--json` prints of decisions about models of several studies."""
    return {
        "studies": [
            {"study": one.record.id, "origin": one.origin, "banner": one.banner}
            for one in family.studies
        ],
        "requirement": family.requirement.to_json(),
        "decisions": {key: decision.to_json() for key, decision in found.items()},
        "flags": [{"code": one.code, "sentence": one.sentence} for one in family.flags],
        "confidence": family.confidence,
        "conditions": list(family.conditions),
        "together": asdict(together) if together else None,
    }
