"""Goals for CIRS, what their cost is predicted from, and the study that a goal becomes."""

from dataclasses import replace

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.ledger import fixed_split
from irs_core.analysis.tally import observed_models, tally_study
from irs_core.errors import MissingEvidenceError, SpecError
from irs_core.goals import outlook
from irs_core.methods.cirs import METHOD, has_pilot
from irs_core.methods.kit.cirs_plan import pilot_spec
from irs_core.spec.goal import Goal
from irs_core.spec.settings import Settings
from irs_core.spec.study import StudySpec
from irs_core.store import Library, Study, StudyRecord


def goal_spec(spec: StudySpec) -> StudySpec:
    """The study in which goals are predicted: CIRS alone, with any budget up to n.

    A goal, or a person who reads the predictions, chooses n_p by f's estimation draws. Levels and
    threshold are therefore those of one budget for all (assumption A2 of docs/methods/cirs.md).

    Raises:
        SpecError: Nothing is compressed.
    """
    if not spec.compressions:
        raise SpecError("a budget is for compressed models; name at least one compression")
    return replace(
        spec,
        n_p=(spec.n,),
        methods=(METHOD.name,),
        baseline=False,
        max_loss=None,
        split_draws=fixed_split(spec.n),
        bound="joint",
    )


def find_pilot(spec: StudySpec, library: Library) -> StudyRecord:
    """The record that a pilot left behind, as that of the study itself.

    Raises:
        MissingEvidenceError: None ran to its end.
    """
    record = library.pilot_record(pilot_spec(spec).id)
    if record is None:
        raise MissingEvidenceError("the pilot of this study was not run")
    return replace(record, spec=spec)


def predict(record: StudyRecord, library: Library) -> Analysis:
    """What the evidence of a pilot lets predict.

    Args:
        record: Of a study with CIRS: from `find_pilot`, or of a run up to the pilot.

    Raises:
        StoreError: Draws of f or of the pilot are not all stored.
    """
    study = Study(record, library.evidence_folder)
    for model in observed_models(study):
        if not has_pilot(model):
            raise MissingEvidenceError(f"the pilot of {model.name} is not all stored")
    return Analysis(tally_study(study), Settings.of(record.spec))


def chosen_spec(spec: StudySpec, goal: Goal, analysis: Analysis) -> StudySpec:
    """The study that a goal asks for.

    A promise about cost is kept by every compressed classifier, and so is one about radii.

    Args:
        analysis: Predictions for `goal_spec(spec)`.

    Raises:
        SpecError: The goal cannot be reached.
    """
    found = [_n_p(spec, analysis, name, goal) for name in analysis.tally.compressed]
    cost = goal.acr is None and goal.loss is None
    n_p = min(spec.n, min(found) if cost else max(found))
    return replace(goal_spec(spec), n_p=(n_p,), max_loss=goal.loss)


def _n_p(spec: StudySpec, analysis: Analysis, name: str, goal: Goal) -> int:
    if goal.draws is not None:
        return outlook.n_p_for_draws(analysis, goal.draws)
    if goal.share is not None:
        return outlook.n_p_for_draws(analysis, int(goal.share * spec.n) * len(analysis.labels))
    if goal.seconds is not None:
        return outlook.n_p_for_seconds(analysis, name, goal.seconds)
    if goal.acr is not None:
        return outlook.n_p_for_acr(analysis, name, goal.acr)
    assert goal.loss is not None
    return outlook.n_p_for_loss(analysis, name, goal.loss)
