"""From a requirement to the draws that decide it: a study of its own, run until it is settled."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic
from typing import Protocol

import numpy as np

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import check_alone, study_decision
from irs_core.analysis.tally import count_study, observed_models
from irs_core.decide import Requirement, most_draws
from irs_core.errors import CancelledError, MissingEvidenceError, SpecError
from irs_core.methods import get
from irs_core.methods.kit.observed import gaps_of
from irs_core.spec.compressions import Compression
from irs_core.spec.convention import ONE_SIDED
from irs_core.spec.settings import Settings
from irs_core.spec.study import StudySpec
from irs_core.store import BASE, Library, Study, StudyRecord
from irs_core.text import NAME, plain

METHOD = "seq"


@dataclass(frozen=True)
class Limits:
    """How far a run may go before the question is settled.

    Args:
        draws: Mean draws per input of the model that is judged, about; None for no limit.
        seconds: Time of the whole run; None for no limit.
    """

    draws: float | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        """Refuse limits that allow nothing."""
        for name, value in vars(self).items():
            if value is not None and not 0 < value < float("inf"):
                raise SpecError(f"{name} must be positive and finite; got {value}")


def deciding_spec(
    spec: StudySpec, compression: Compression | None, requirement: Requirement
) -> StudySpec:
    """The study whose draws decide a requirement about one compressed model.

    It shares the original, the inputs and the noise with `spec`, so that the original's draws
    are used again. Radius and tolerance enter its id: they are fixed before it draws.

    Args:
        compression: None for the original alone, which then draws from scratch.

    Raises:
        SpecError: The original is to be compared with itself.
    """
    if compression is None:
        return _alone_spec(spec, requirement)
    radii: tuple[float, ...] = (requirement.radius,)
    tolerance = requirement.tolerance
    if requirement.min_certified is not None:
        # Certified at r as well, for the model's own certified accuracy.
        radii, tolerance = tuple(sorted({requirement.reach, requirement.radius} - {0.0})), 0.0
    return replace(
        _sequential(spec, str(compression), requirement, radii),
        compressions=(compression,),
        tolerance=tolerance,
        convention=spec.convention,
    )


def _alone_spec(spec: StudySpec, requirement: Requirement) -> StudySpec:
    check_alone(requirement)
    return _sequential(spec, "the original", requirement, (requirement.radius,))


def _sequential(
    spec: StudySpec, what: str, requirement: Requirement, radii: tuple[float, ...]
) -> StudySpec:
    """A study of `seq` without any compression."""
    # Names of models and of older studies may be longer than a new study's.
    named = f"{plain(spec.name, NAME // 2)}: {what} at {requirement.radius:g}"
    return replace(
        spec,
        compressions=(),
        n_p=(most_draws(spec.n),),
        methods=(METHOD,),
        baseline=False,
        max_loss=None,
        split_draws=None,
        bound="split",
        looks=False,
        radii=radii,
        tolerance=0.0,
        convention=ONE_SIDED,
        name=plain(named.removeprefix(": "), NAME),
    )


class Run(Protocol):
    """Runs a study, as `irs_core.run.study.run_study` does."""

    def __call__(
        self,
        spec: StudySpec,
        library: Library,
        *,
        should_stop: Callable[[], bool],
        enough: Callable[[StudyRecord], bool],
    ) -> StudyRecord:
        """Compute what is missing of a study."""


def run_deciding(
    spec: StudySpec,
    name: str,
    requirement: Requirement,
    library: Library,
    run: Run,
    *,
    limits: Limits | None = None,
) -> Study:
    """Draw until a requirement is settled, every input is answered or a limit is reached.

    Inputs that few draws are expected to answer come first. Each input's certificates and the
    verdict hold whenever drawing stops (docs/methods/seq.md and decisions.md), so that a run that
    reached a limit can be looked at, and continued by another.

    Args:
        spec: What `deciding_spec` made.
        name: The compressed model's name in it; `base` for the original alone.
        run: Runs the study.

    Raises:
        IrsError: The study cannot run.
        MissingEvidenceError: Time was over before anything was drawn.
    """
    limits = limits or Limits()
    started = monotonic()

    def out_of_time() -> bool:
        return limits.seconds is not None and monotonic() - started > limits.seconds

    def enough(record: StudyRecord) -> bool:
        study = Study(record, library.evidence_folder)
        if limits.draws is not None and _mean_draws(study, name) >= limits.draws:
            return True
        analysis = Analysis(count_study(study), Settings.of(spec))
        return study_decision(record, analysis, name, requirement).verdict != "undecided"

    try:
        run(spec, library, should_stop=out_of_time, enough=enough)
    except CancelledError:
        if library.live_record(spec.id) is None:
            raise MissingEvidenceError(
                f"{limits.seconds:g} s were over before anything was drawn; allow more"
            ) from None
    return library.open(spec.id)


def _mean_draws(study: Study, name: str) -> float:
    record = study.record
    if name == BASE:
        seen = study.evidence(record.base.evidence["estimate"]).read(record.spec.n)
        stored = ~gaps_of(seen)[np.asarray(record.data.reported, np.bool_)]
        return float(np.count_nonzero(stored) / len(stored))
    (one,) = observed_models(study)
    reach = get(METHOD).reach
    width = one.spec.n if reach is None else reach(one.spec)
    stored = ~gaps_of(one.read("estimate", width))[one.original.reported]
    return float(np.count_nonzero(stored) / len(stored))
