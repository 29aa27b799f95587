"""Predictions, wishes, looks and explanations of CIRS."""

from dataclasses import replace

import numpy as np
import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core import metrics
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.tally import tally_study
from irs_core.analysis.why import why_table
from irs_core.certify import Branch
from irs_core.errors import SpecError, UnknownKeyError
from irs_core.goals import outlook
from irs_core.methods.kit.cirs_plan import look_weights
from irs_core.methods.kit.counts import UNKNOWN
from irs_core.spec.settings import Settings
from irs_core.stats.budget import direct_radii
from irs_core.store import Library


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("outlook"))
    return library.open(synthetic_study(library, synthetic_spec(n_p=(40, 120, 300))).id)


@pytest.fixture(scope="module")
def analysis(study):
    return Analysis(tally_study(study), Settings.of(study.record.spec))


def test_forecasts_are_near_what_comes_out(analysis):
    for budget, n_p in enumerate((40, 120, 300)):
        expected = outlook.forecast(analysis, "fp16", n_p)
        made = analysis.certify("fp16", "cirs", budget)
        assert expected.draws == made.n_samples.sum() <= 40 * n_p
        found = metrics.average_certified_radius(made, analysis.labels)
        assert expected.acr == pytest.approx(found, abs=0.02)
        seconds = analysis.seconds_per_input("fp16", "cirs", budget).sum()
        assert expected.seconds == pytest.approx(seconds, rel=0.5)


def test_more_draws_are_expected_to_bring_more(analysis):
    found = list(outlook.forecasts(analysis, "fp16"))
    acr = [one.acr for one in found]
    # Where all that can be had is had already, only the split of alpha still moves.
    assert np.all(np.diff(acr) >= -1e-3)
    assert acr[-1] > 1.3 * acr[2]


def test_a_budget_in_draws_and_in_seconds(analysis):
    assert outlook.n_p_for_draws(analysis, 40 * 77 + 39) == 77
    rate = analysis.tally.compressed["fp16"].own["cirs"].seconds_per_draw
    assert outlook.n_p_for_seconds(analysis, "fp16", 40 * 100.5 * rate) == 100
    with pytest.raises(SpecError, match=r"at least 1 draws per input, 40 in total, .* got 39"):
        outlook.n_p_for_draws(analysis, 39)
    with pytest.raises(SpecError, match="positive and finite"):
        outlook.n_p_for_seconds(analysis, "fp16", float("nan"))


def test_the_least_budget_for_a_radius(analysis):
    wanted = outlook.forecast(analysis, "fp16", 120).acr
    n_p = outlook.n_p_for_acr(analysis, "fp16", wanted)
    assert 110 <= n_p <= 130
    with pytest.raises(SpecError, match="not expected to reach"):
        outlook.n_p_for_acr(analysis, "fp16", 5.0)


@pytest.mark.parametrize("loss", [0.3, 0.6])
def test_a_wished_loss_is_kept_where_it_can_be(analysis, loss):
    n_p = outlook.n_p_for_loss(analysis, "fp16", loss)
    planner = analysis.tally.compressed["fp16"].own["cirs"].planner
    plan = planner.with_loss(loss).plan(float(n_p))
    share = analysis.tally.base.hits / 2000
    scratch = direct_radii(share, [2000], 0.002, 0.5, planner.prior)[:, 0]
    rows = analysis.tally.reported
    kept = plan.expected >= scratch - loss - 1e-6
    assert (kept | (plan.draws >= 0.7 * 300 * share))[rows].all()
    assert (plan.draws[rows & (scratch <= loss)] == 0).all()
    assert plan.total(rows) <= 40 * n_p * 1.1


def test_looks_pay_for_all_of_them(analysis):
    assert look_weights(1).tolist() == [1.0]
    weights = look_weights(3)
    assert weights.sum() == pytest.approx(1)
    assert outlook.looks(analysis, "fp16") == []
    watched = Analysis(replace(analysis.tally, looks=True), analysis.settings)
    found = outlook.looks(watched, "fp16")
    assert [one.n_p for one in found] == [40, 120, 300]
    for budget, one in enumerate(found):
        # What the finished study shows is what the look showed: nothing is spent twice.
        assert one.acr.value == pytest.approx(watched.point("fp16", "cirs", budget).acr.value)
        assert one.acr.value <= analysis.point("fp16", "cirs", budget).acr.value + 1e-12
        level = watched.certify("fp16", "cirs", budget).provable_failure
        assert level == pytest.approx(0.002 * weights[budget])
    assert outlook.expected_gain(analysis, "fp16") == 0.0


def test_an_unfinished_round_is_no_look(analysis):
    counts = analysis.tally.compressed["fp16"]
    leavers = counts.own["cirs"].leavers.copy()
    leavers[int(np.flatnonzero(analysis.tally.reported)[3]), -2:] = UNKNOWN
    part = replace(counts, own={**counts.own, "cirs": replace(counts.own["cirs"], leavers=leavers)})
    compressed = {**analysis.tally.compressed, "fp16": part}
    tally = replace(analysis.tally, looks=True, compressed=compressed)
    early = Analysis(tally, analysis.settings)
    assert [one.n_p for one in outlook.looks(early, "fp16")] == [40]
    whole = outlook.expected_gain(early, "fp16", 1e9)
    some = outlook.expected_gain(early, "fp16", 1e-3)
    assert 0 < some < whole


def test_every_input_is_explained(study, analysis):
    with pytest.raises(UnknownKeyError, match=r"no compressed model .int8. in this study"):
        why_table(study.record, analysis, "int8", 1)
    table = why_table(study.record, analysis, "prune:0.1", 1)
    made = analysis.certify("prune:0.1", "cirs", 1)
    assert len(table) == 40
    np.testing.assert_allclose(table["radius"], made.radius)
    incremental = made.branch == Branch.INCREMENTAL
    product = table["p_A bound"] * (1 - table["leave bound"])
    np.testing.assert_allclose(product[incremental], table["bound"][incremental])
    for branch, why in zip(table["branch"], table["why"], strict=True):
        start = {"skipped": "No draws", "direct": "Direct", "incremental": "Incremental"}
        assert why.startswith(start[branch])
