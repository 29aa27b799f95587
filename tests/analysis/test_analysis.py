from dataclasses import astuple, replace

import numpy as np
import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.tally import tally_study
from irs_core.analysis.tsv import certificates_tsv
from irs_core.errors import MissingEvidenceError, SpecError, UnknownKeyError
from irs_core.methods.kit.counts import UNKNOWN
from irs_core.spec.settings import Settings
from irs_core.stats import binomial_lower_bound, binomial_upper_bound, certified_radius
from irs_core.store import BASE, Library

SETTINGS = Settings(0.001, 0.001, 0.95)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("store"))
    return library.open(synthetic_study(library).id)


@pytest.fixture(scope="module")
def tally(study):
    return tally_study(study)


@pytest.fixture(scope="module")
def raw(study):
    """Predictions of f and of one f^p, read without the package's counting."""
    record = study.record
    model = record.compressed[1]
    return {
        "select": study.evidence(record.base.evidence["select"]).read(100).astype(int),
        "estimate": study.evidence(record.base.evidence["estimate"]).read(2000).astype(int),
        "paired": study.evidence(model.evidence["estimate"]).read(300).astype(int),
        "scratch-select": study.evidence(model.evidence["scratch-select"]).read(100).astype(int),
        "fresh": study.evidence(model.evidence["scratch-estimate"]).read(300).astype(int),
    }


def test_counts_equal_counting_one_by_one(tally, raw):
    for row in range(60):
        votes = [list(raw["select"][row]).count(c) for c in range(10)]
        winner = votes.index(max(votes))
        assert tally.base.candidate[row] == winner
        assert tally.base.hits[row] == list(raw["estimate"][row]).count(winner)
        counts = tally.compressed["prune:0.1"]
        own = [list(raw["scratch-select"][row]).count(c) for c in range(10)]
        scratch = own.index(max(own))
        assert counts.scratch_candidate[row] == scratch
        for index, budget in enumerate((100, 200, 300)):
            assert counts.disagreements[row, index] == sum(
                raw["paired"][row, :budget] != raw["estimate"][row, :budget]
            )
            assert counts.fresh_hits[row, index] == sum(raw["fresh"][row, :budget] == winner)
            assert counts.scratch_hits[row, index] == sum(raw["fresh"][row, :budget] == scratch)


def test_incremental_radii_equal_the_formula(tally):
    analysis = Analysis(tally, SETTINGS)
    found = analysis.certify("prune:0.1", "irs", 2)
    counts = tally.compressed["prune:0.1"]
    for row in range(40):
        p_lower = float(binomial_lower_bound(tally.base.hits[row], 2000, 0.001))
        if p_lower < 0.95:
            bound = p_lower - float(binomial_upper_bound(counts.disagreements[row, 2], 300, 0.001))
        else:
            bound = float(binomial_lower_bound(counts.fresh_hits[row, 2], 300, 0.002))
        assert found.radius[row] == pytest.approx(float(certified_radius(max(bound, 0.0), 0.5)))


def test_the_baseline_runs_at_the_sum_of_both_failure_probabilities(tally):
    found = Analysis(tally, SETTINGS).certify("fp16", "rs", 1)
    hits = tally.compressed["fp16"].scratch_hits[:40, 1]
    assert found.p_lower == pytest.approx(np.asarray(binomial_lower_bound(hits, 200, 0.002)))


def test_only_reported_inputs_are_reported_and_only_held_out_ones_tune(tally):
    assert len(Analysis(tally, SETTINGS).labels) == 40
    assert len(Analysis(tally, SETTINGS, held_out=True).labels) == 20


def test_draws_count_selection_only_where_the_method_selects(tally):
    comparison = Analysis(tally, SETTINGS).compare("fp16")
    assert [point.draws for point in comparison.points("irs")] == [40 * n for n in (100, 200, 300)]
    assert [point.draws for point in comparison.points("rs")] == [
        40 * (100 + n) for n in (100, 200, 300)
    ]


def test_seconds_follow_the_branch(tally):
    analysis = Analysis(tally, replace(SETTINGS, gamma=0.8))
    # The synthetic machine takes a microsecond a draw, and two for fresh ones.
    direct = int((analysis.cache.p_lower >= 0.8).sum())
    assert 0 < direct < 40
    expected = ((40 - direct) * 300 + 2 * direct * 300) * 1e-6
    assert analysis.point("fp16", "irs", 2).seconds == pytest.approx(expected)
    assert analysis.point("fp16", "rs", 2).seconds == pytest.approx(2 * 40 * 400e-6)


def test_lost_times_leave_the_speedup_in_draws(tally):
    counts = tally.compressed["fp16"]
    nothing = np.full_like(counts.fresh_seconds, np.nan)
    cut = replace(counts, fresh_seconds=nothing, paired_seconds=nothing)
    comparison = Analysis(replace(tally, compressed={"fp16": cut}), SETTINGS).compare("fp16")
    assert np.isnan(comparison.speedup("irs", "seconds").value)
    assert comparison.speedup("irs", "draws").value > 0


def test_acr_is_the_mean_radius_of_the_right_ones(tally):
    analysis = Analysis(tally, SETTINGS)
    certificates = analysis.certify("fp16", "irs", 2)
    expected = np.where(certificates.predicted == analysis.labels, certificates.radius, 0).mean()
    interval = analysis.point("fp16", "irs", 2).acr
    assert interval.value == pytest.approx(expected)
    assert interval.low < interval.value < interval.high


def test_changing_gamma_moves_inputs_between_the_branches(tally):
    low = Analysis(tally, replace(SETTINGS, gamma=0.6)).certify("fp16", "irs", 0)
    high = Analysis(tally, replace(SETTINGS, gamma=1.0)).certify("fp16", "irs", 0)
    assert (low.branch == 2).sum() > (high.branch == 2).sum() == 0


def test_gamma_sweep_equals_one_analysis_per_gamma(tally):
    swept = Analysis(tally, SETTINGS, held_out=True).gamma_sweep("prune:0.1", [0.9, 0.99], 1)
    single = [
        Analysis(tally, replace(SETTINGS, gamma=g), held_out=True).point("prune:0.1", "irs", 1).acr
        for g in (0.9, 0.99)
    ]
    for one, alone in zip(swept, single, strict=True):
        assert astuple(one) == pytest.approx(astuple(alone))


def test_zeta_row(tally):
    row = Analysis(tally, SETTINGS).zeta("prune:0.1", 2)
    counts = tally.compressed["prune:0.1"].disagreements[:40, 2]
    assert row.disagreement == pytest.approx(counts.mean() / 300)
    assert row.mean_zeta.value == pytest.approx(np.mean(binomial_upper_bound(counts, 300, 0.001)))
    assert row.floor == pytest.approx(1 - 0.001 ** (1 / 300))
    assert (row.values >= row.floor - 1e-12).all()


def test_missing_baseline_is_said_and_the_rest_works(tally):
    counts = tally.compressed["fp16"]
    cut = replace(counts, scratch_hits=np.full_like(counts.scratch_hits, UNKNOWN))
    analysis = Analysis(replace(tally, compressed={"fp16": cut}), SETTINGS)
    assert not analysis.has_baseline("fp16")
    with pytest.raises(
        MissingEvidenceError, match=r"fp16 for RS are not all stored: 40 inputs .* the RS baseline"
    ):
        analysis.certify("fp16", "rs", 0)
    summary = analysis.summary("fp16")
    assert summary.acr.value > 0
    assert np.isnan(summary.speedup_draws.value)


def test_cirs_stands_for_a_model_where_its_draws_are_there(tally):
    analysis = Analysis(tally, SETTINGS)
    assert {"rs", "irs", "iss", "cirs"} <= set(analysis.methods("fp16"))
    summary = analysis.summary("fp16")
    comparison = analysis.compare("fp16")
    assert summary.method == "cirs"
    # Intervals of one column and of many are sums in different orders.
    assert astuple(summary.acr) == pytest.approx(astuple(comparison.points("cirs")[-1].acr))
    assert summary.speedup_draws == comparison.speedup("cirs", "draws")
    np.testing.assert_array_equal(
        analysis.main_certificates("fp16").radius, analysis.certify("fp16", "cirs", 2).radius
    )


def test_accuracy_counts_certified_and_right(tally):
    analysis = Analysis(tally, SETTINGS)
    found = analysis.certify("fp16", "cirs", 2)
    right = (found.radius > 0) & (found.predicted == analysis.labels)
    accuracy = analysis.summary("fp16").accuracy
    assert accuracy.value == pytest.approx(right.mean())
    assert accuracy.low < accuracy.value < accuracy.high


def test_missing_cached_draws_of_f_are_said(tmp_path):
    library = Library(tmp_path)
    record = synthetic_study(library)
    library.save(replace(record, spec=synthetic_spec(n=2001)))
    with pytest.raises(MissingEvidenceError, match="60 of 120060 predictions"):
        tally_study(library.open(synthetic_spec(n=2001).id))


def test_a_damaged_chunk_is_never_shown_as_a_result(tmp_path):
    library = Library(tmp_path)
    record = synthetic_study(library)
    chunk = library.evidence_folder / record.compressed[0].evidence["estimate"] / "c" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-1])
    analysis = Analysis(tally_study(library.open(record.id)), replace(SETTINGS, gamma=1.0))
    with pytest.raises(MissingEvidenceError, match="fp16 for IRS are not all stored: 32 inputs"):
        analysis.certify("fp16", "irs", 0)


def test_settings_out_of_range_are_refused():
    with pytest.raises(SpecError, match="gamma"):
        Settings(0.001, 0.001, 0.4)


def test_text_format_of_the_field(study, tally):
    import io

    import pandas as pd

    analysis = Analysis(tally, SETTINGS)
    text = certificates_tsv(study.record, analysis, "fp16", "irs")
    frame = pd.read_csv(io.StringIO(text), sep="\t")
    assert list(frame.columns) == ["idx", "label", "predict", "radius", "correct", "time"]
    assert len(frame) == 40
    certificates = analysis.certify("fp16", "irs", 2)
    assert frame["predict"].tolist() == certificates.predicted.tolist()
    assert frame["radius"].to_numpy() == pytest.approx(certificates.radius, rel=5e-3)
    assert (frame["correct"] == (frame["predict"] == frame["label"])).all()
    with pytest.raises(UnknownKeyError, match=r"it has base, fp16, prune:0\.1"):
        certificates_tsv(study.record, analysis, "nothing", "irs")
    assert certificates_tsv(study.record, analysis, BASE, "irs").count("\n") == 41


def test_points_equal_their_certificates_whatever_was_asked_before(tally):
    memo = {}
    for gamma in (0.95, 0.6, 0.99, 1.0):
        for alpha in (0.001, 0.01):
            analysis = Analysis(tally, Settings(alpha, 0.001, gamma), memo=memo)
            for method in ("irs", "rs"):
                certificates = analysis.certify("prune:0.1", method, 1)
                right = certificates.predicted == analysis.labels
                point = analysis.point("prune:0.1", method, 1)
                assert point.acr.value == pytest.approx((certificates.radius * right).mean())
                assert point.draws == certificates.n_samples.sum()
                fresh = Analysis(tally, analysis.settings).point("prune:0.1", method, 1)
                assert point == fresh


def test_points_without_their_draws_are_refused(tally):
    counts = tally.compressed["prune:0.1"]
    lacking = replace(counts, fresh_hits=np.full_like(counts.fresh_hits, UNKNOWN))
    some = replace(tally, compressed={"prune:0.1": lacking})
    assert Analysis(some, Settings(0.001, 0.001, 1.0)).point("prune:0.1", "irs", 0).acr.value > 0
    with pytest.raises(MissingEvidenceError, match=r"prune:0\.1 for IRS"):
        Analysis(some, Settings(0.001, 0.001, 0.6)).point("prune:0.1", "irs", 0)
