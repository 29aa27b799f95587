"""From a pilot to the study that a goal asks for, on a real network."""

from dataclasses import replace

import numpy as np
import pytest
from synthetic import synthetic_spec

from irs_core.analysis.ledger import ledger_in
from irs_core.errors import MissingEvidenceError, SpecError
from irs_core.goals import outlook
from irs_core.goals.goal import chosen_spec, find_pilot, goal_spec, predict
from irs_core.methods.kit.cirs_plan import pilot_spec
from irs_core.run.study import run_study
from irs_core.spec.goal import Goal
from irs_core.spec.study import DataSpec
from irs_core.store import Library

SPEC = synthetic_spec(
    data=DataSpec(max=12, holdout=4), n=600, n0=20, n_p=(30, 60), alpha=0.02, alpha_zeta=0.02
)
INPUTS = 12


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("goals"), tmp_path_factory.mktemp("none"))
    run_study(pilot_spec(SPEC), library, until="pilot")
    return library


def analyse(spec, library):
    return predict(find_pilot(spec, library), library)


def chosen(goal, library):
    return chosen_spec(SPEC, goal, analyse(goal_spec(SPEC), library))


def test_confidence_and_budgets_share_a_pilot():
    others = [{"alpha": 0.1}, {"n_p": (500,)}, {"methods": ("iss", "cirs")}, {"baseline": False}]
    assert {pilot_spec(replace(SPEC, **one)).id for one in others} == {pilot_spec(SPEC).id}
    assert pilot_spec(replace(SPEC, n=700)).id != pilot_spec(SPEC).id


def test_a_pilot_draws_itself_and_no_study(library):
    assert library.studies() == []
    record = find_pilot(SPEC, library)
    assert record.spec == SPEC
    evidence = library.evidence_folder
    for model in record.compressed:
        assert not list((evidence / model.evidence["estimate"]).glob("c/*/*"))
    assert find_pilot(replace(SPEC, alpha=0.1), library).models == record.models
    with pytest.raises(MissingEvidenceError, match="was not run"):
        find_pilot(replace(SPEC, n=700), library)


def test_draws_and_seconds_are_not_exceeded(library):
    asked = analyse(goal_spec(SPEC), library)
    rates = [one.own["cirs"].seconds_per_draw for one in asked.tally.compressed.values()]
    limit = 40 * INPUTS
    for goal in (Goal(draws=limit), Goal(share=40 / 600), Goal(seconds=limit * max(rates) * 1.001)):
        spec = chosen(goal, library)
        assert (spec.n_p, spec.methods, spec.baseline) == ((40,), ("cirs",), False)
        found = analyse(spec, library)
        for name in found.tally.compressed:
            assert outlook.forecast(found, name, 40).draws <= limit


def test_every_model_reaches_the_radius(library):
    asked = analyse(goal_spec(SPEC), library)
    most = min(
        max(one.acr for one in outlook.forecasts(asked, name)) for name in asked.tally.compressed
    )
    spec = chosen(Goal(acr=0.8 * most), library)
    found = analyse(spec, library)
    for name in found.tally.compressed:
        assert outlook.forecast(found, name, spec.n_p[0]).acr >= 0.8 * most - 1e-3
    with pytest.raises(SpecError, match="not expected to reach"):
        chosen(Goal(acr=3.0), library)


def test_no_input_is_planned_to_lose_more_than_allowed(library):
    spec = chosen(Goal(loss=0.15), library)
    assert spec.max_loss == 0.15
    asked, found = analyse(goal_spec(SPEC), library), analyse(spec, library)
    for name in found.tally.compressed:
        mine, whole = (one.tally.compressed[name].own["cirs"].planner for one in (found, asked))
        # The wish may need more of one input than four times the mean.
        np.testing.assert_array_equal(mine.sizes, whole.sizes)
        plan = mine.plan(float(spec.n_p[0]))
        best = whole.with_loss(1e-9).plan(600.0).expected
        assert (plan.expected[found.rows] >= best[found.rows] - 0.15 - 1e-2).all()


@pytest.mark.parametrize("goal", [Goal(acr=0.2), Goal(loss=0.15), Goal(draws=40 * INPUTS)])
def test_split_and_threshold_do_not_follow_the_cached_counts(goal, library):
    """Assumption A2: whatever n_p a goal, or a person who reads forecasts, chooses by them."""
    spec = chosen(goal, library)
    planner = next(iter(analyse(spec, library).tally.compressed.values())).own["cirs"].planner
    fewer = replace(
        planner.cached, hits=planner.cached.hits // 2, within=planner.cached.within // 2
    )
    other = replace(planner, cached=fewer)
    rules = {
        (p.mean, p.threshold) for one in (planner, other) for p in map(one.plan, (10, 90, 600))
    }
    assert len(rules) == 1
    # The same without what goals set: this check can fail.
    free = replace(planner, split_draws=None)
    assert len({free.plan(n_p).mean for n_p in (10, 90, 600)}) == 3


def test_too_small_a_budget_is_refused(library):
    with pytest.raises(SpecError, match=r"at least 6 draws per input, 72 in .* 60; got 71"):
        chosen(Goal(draws=71), library)
    with pytest.raises(SpecError, match="name at least one compression"):
        goal_spec(replace(SPEC, compressions=()))


def test_the_chosen_study_reuses_the_pilot(library):
    spec, reports = chosen(Goal(draws=40 * INPUTS), library), []
    (pilot,) = library.pilots()
    library.save_pilot(replace(pilot, created="2024-01-01T00:00:00+00:00"))
    record = run_study(spec, library, on_progress=reports.append)
    limit = sum(
        outlook.forecast(analyse(spec, library), n, 40).draws for n in ("fp16", "prune:0.1")
    )
    # The original and the pilot are there; what smaller budgets than the chosen one add is little.
    assert 0 < reports[-1].done <= 1.2 * (limit - 2 * 5 * INPUTS)
    assert library.open(record.id).record.finished
    # Its date stays, so that it is known that forecasts came before the study.
    assert [one.created[:4] for one in library.pilots()] == ["2024"]
    assert ledger_in(library, library.open(record.id)).piloted


def test_a_damaged_pilot_is_no_pilot(library):
    record = find_pilot(goal_spec(SPEC), library)
    chunk = next((library.evidence_folder / record.compressed[0].evidence["select"]).glob("c/*/*"))
    kept = chunk.read_bytes()
    chunk.write_bytes(kept[:7])
    with pytest.raises(MissingEvidenceError, match="pilot of fp16"):
        predict(record, library)
    chunk.write_bytes(kept)
