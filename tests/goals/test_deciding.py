"""Draws that decide: a study of its own, run until it is settled, or a limit is reached."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from units import SPEC

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import study_decision
from irs_core.analysis.kept_tally import open_tally
from irs_core.decide import Requirement
from irs_core.errors import MissingEvidenceError, SpecError
from irs_core.goals.deciding import Limits, deciding_spec, run_deciding
from irs_core.run.study import run_study
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.settings import Settings
from irs_core.store import Library

WANTED = Requirement(radius=0.3, tolerance=0.1, max_loss=0.3, confidence=0.9)
FP16 = parse_compression("fp16")


def verdict(study, library, requirement=WANTED):
    analysis = Analysis(open_tally(study, library.root), Settings.of(study.record.spec))
    return study_decision(study.record, analysis, study.record.compressed[0].name, requirement)


def test_the_study_of_a_requirement_keeps_the_originals_draws():
    spec = deciding_spec(SPEC, FP16, WANTED)
    for name in ("model", "data", "noise", "n", "n0", "alpha", "alpha_zeta"):
        assert getattr(spec, name) == getattr(SPEC, name)
    assert (spec.methods, spec.baseline, spec.n_p) == (("seq",), False, (300,))
    assert (spec.radii, spec.tolerance) == ((0.3,), 0.1)
    # The radius enters the id: it is named before anything is drawn.
    assert spec.id != deciding_spec(SPEC, FP16, replace(WANTED, radius=0.31)).id


def test_a_least_certified_accuracy_asks_at_the_radius_as_well():
    spec = deciding_spec(SPEC, FP16, replace(WANTED, min_certified=0.2))
    assert (spec.radii, spec.tolerance) == ((0.2, 0.3), 0.0)
    only = deciding_spec(SPEC, FP16, Requirement(0.3, 0.3, max_loss=None, min_certified=0.2))
    assert only.radii == (0.3,)


@pytest.fixture(scope="module")
def settled(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("deciding"))
    run_study(replace(SPEC, compressions=()), library)
    seen = []
    spec = deciding_spec(SPEC, FP16, WANTED)
    study = run_deciding(spec, "fp16", WANTED, library, partial(run_study, on_progress=seen.append))
    return library, study, seen


def test_it_ends_when_the_question_is_settled(settled):
    library, study, seen = settled
    assert verdict(study, library).verdict == "holds"
    inputs = int(np.count_nonzero(study.record.data.reported))
    # The original is not drawn again, and the model takes few draws.
    assert 0 < seen[-1].done < 100 * inputs


def test_the_verdict_is_that_of_the_fixed_budgets_where_both_know(settled):
    library, _, _ = settled
    fixed = run_study(replace(SPEC, n_p=(200,)), library)
    analysis = Analysis(open_tally(library.open(fixed.id), library.root), Settings.of(fixed.spec))
    assert study_decision(fixed, analysis, "fp16", WANTED).verdict == "holds"


def test_a_broken_model_fails_from_its_leavers_alone(tmp_path):
    library = Library(tmp_path)
    broken = parse_compression("prune:0.98")
    wanted = Requirement(radius=0.2, tolerance=0.02, max_loss=0.05, confidence=0.9)
    study = run_deciding(
        deciding_spec(SPEC, broken, wanted), "prune:0.98", wanted, library, run_study
    )
    found = verdict(study, library, wanted)
    assert found.verdict == "fails"
    assert found.proven_lost


def test_a_budget_ends_it_and_another_run_goes_on(tmp_path):
    library, wanted = Library(tmp_path), replace(WANTED, tolerance=0.0, max_loss=0.25)
    spec = deciding_spec(SPEC, FP16, wanted)
    first = run_deciding(spec, "fp16", wanted, library, run_study, limits=Limits(draws=1))
    draws = count(first)
    again = run_deciding(spec, "fp16", wanted, library, run_study)
    assert again.record.id == first.record.id
    assert count(again) >= draws > 0


def count(study):
    array = study.evidence(study.record.compressed[0].evidence["estimate"])
    return int((array.read(SPEC.n) != array.missing).sum())


def test_time_that_is_over_leaves_what_was_drawn(tmp_path):
    library = Library(tmp_path)
    spec = deciding_spec(SPEC, FP16, WANTED)
    study = run_deciding(spec, "fp16", WANTED, library, run_study, limits=Limits(seconds=1e-6))
    assert not study.record.finished
    with pytest.raises(MissingEvidenceError):
        verdict(study, library)


@pytest.mark.parametrize("limits", [{"draws": 0}, {"seconds": -1}, {"draws": float("inf")}])
def test_limits_that_allow_nothing_are_refused(limits):
    with pytest.raises(SpecError, match="positive and finite"):
        Limits(**limits)
