"""Counts and certificates against a slow literal recount, on a study where mistakes show.

Half of the inputs are answered wrongly, f^p leaves and arrives at different rates, and the methods
certify different radii: a label in the place of the candidate, a pair of swapped counts, a missing
part of a cost or a branch taken the wrong way changes a number here.
"""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import beta, norm
from synthetic import stored_predictions, synthetic_spec, synthetic_study

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.tally import tally_study
from irs_core.methods.iss import iss_sizes
from irs_core.spec.settings import Settings
from irs_core.store import Library

N_P = (60, 150, 300)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("skewed"))
    record = synthetic_study(library, synthetic_spec(n=1500, n_p=N_P, gamma=0.8), skewed=True)
    return library.open(record.id)


@pytest.fixture(scope="module")
def analysis(study):
    return Analysis(tally_study(study), Settings.of(study.record.spec))


@pytest.fixture(scope="module")
def raw(study):
    return stored_predictions(study)


def winner(row) -> int:
    counts = Counter(int(one) for one in row)
    return min(counts, key=lambda one: (-counts[one], one))


def lower(k: int, n: int, alpha: float) -> float:
    return 0.0 if k == 0 else float(beta.ppf(alpha, k, n - k + 1))


def upper(k: int, n: int, alpha: float) -> float:
    return 1.0 if k == n else float(beta.isf(alpha, k + 1, n - k))


def radius(p: float, sigma: float = 0.5) -> float:
    return sigma * float(norm.ppf(p)) if p > 0.5 else 0.0


def test_the_study_is_one_where_mistakes_show(study, analysis, raw):
    tally = analysis.tally
    assert 0.3 < np.mean(tally.base.candidate == tally.labels) < 0.7
    leaves = tally.compressed["fp16"].leaves[:, -1].sum()
    differ = tally.compressed["fp16"].disagreements[:, -1].sum()
    assert differ > 3 * leaves > 0
    direct = analysis.cache.p_lower >= 0.8
    assert 0.1 < direct.mean() < 0.9
    radii = [analysis.certify("fp16", one, 2).radius for one in ("rs", "irs", "iss", "cirs")]
    assert all(np.abs(a - b).max() > 0.01 for a, b in pairwise(radii))


def test_counts_of_the_original(analysis, raw):
    base = analysis.tally.base
    for row, (select, estimate) in enumerate(
        zip(raw["base"]["select"], raw["base"]["estimate"], strict=True)
    ):
        candidate = winner(select)
        assert base.candidate[row] == candidate
        assert base.selected[row] == sum(select == candidate)
        assert base.hits[row] == sum(estimate == candidate)


@pytest.mark.parametrize("name", ["fp16", "prune:0.1"])
def test_counts_of_a_compressed_model(analysis, raw, name):
    found = analysis.tally.compressed[name]
    for row, f in enumerate(raw["base"]["estimate"]):
        candidate = winner(raw["base"]["select"][row])
        own, fresh = raw[name]["estimate"][row], raw[name]["scratch-estimate"][row]
        scratch = winner(raw[name]["scratch-select"][row])
        assert found.scratch_candidate[row] == scratch
        assert found.scratch_selected[row] == sum(raw[name]["scratch-select"][row] == scratch)
        for at, n_p in enumerate(N_P):
            pairs = list(zip(f[:n_p], own[:n_p], strict=True))
            assert found.disagreements[row, at] == sum(a != b for a, b in pairs)
            assert found.agreements[row, at] == sum(a == candidate for a, _ in pairs)
            assert found.leaves[row, at] == sum(a == candidate != b for a, b in pairs)
            assert found.fresh_hits[row, at] == sum(fresh[:n_p] == candidate)
            assert found.scratch_hits[row, at] == sum(fresh[:n_p] == scratch)


def test_counts_of_cirs_are_over_the_first_hits(analysis, raw):
    own = analysis.tally.compressed["fp16"].own["cirs"]
    for at, plan in enumerate(own.plans):
        for row, f in enumerate(raw["base"]["estimate"]):
            candidate, m = winner(raw["base"]["select"][row]), int(plan.draws[row])
            fresh = raw["fp16"]["scratch-estimate"][row]
            hits = [place for place in range(N_P[-1]) if f[place] == candidate][:m]
            left = sum(raw["fp16"]["estimate"][row][place] != candidate for place in hits)
            expected = (0, sum(fresh[:m] == candidate)) if plan.direct[row] else (left, 0)
            assert (own.leavers[row, at], own.fresh_hits[row, at]) == expected


def test_certificates_of_the_original_and_of_rs(analysis, raw):
    rows = np.flatnonzero(analysis.rows)
    scratch = analysis.tally.compressed["fp16"].scratch_hits
    made = analysis.certify("fp16", "rs", 1)
    for place, row in enumerate(rows):
        p = lower(int(analysis.tally.base.hits[row]), 1500, 0.001)
        assert analysis.base.radius[place] == pytest.approx(radius(p), abs=1e-7)
        p = lower(int(scratch[row, 1]), 150, 0.002)
        assert made.radius[place] == pytest.approx(radius(p), abs=1e-7)
        assert made.n_samples[place] == 250


def test_certificates_of_irs_by_branch(analysis):
    counts = analysis.tally.compressed["prune:0.1"]
    made = analysis.certify("prune:0.1", "irs", 2)
    for place, row in enumerate(np.flatnonzero(analysis.rows)):
        p = lower(int(analysis.tally.base.hits[row]), 1500, 0.001)
        if p >= 0.8:
            bound = lower(int(counts.fresh_hits[row, 2]), 300, 0.002)
        else:
            bound = p - upper(int(counts.disagreements[row, 2]), 300, 0.001)
        assert made.radius[place] == pytest.approx(radius(bound), abs=1e-7)
    assert made.provable_failure == pytest.approx(0.003)


def test_certificates_of_cirs_by_branch(analysis):
    own = analysis.tally.compressed["prune:0.1"].own["cirs"]
    plan = own.plans[-1]
    made = analysis.certify("prune:0.1", "cirs", 2)
    from irs_core.stats.budget import split_alpha

    a1, a2 = split_alpha(1500, plan.mean, 0.002)
    for place, row in enumerate(np.flatnonzero(analysis.rows)):
        m, hits = int(plan.draws[row]), int(analysis.tally.base.hits[row])
        assert bool(plan.direct[row]) == (hits >= plan.threshold)
        if m == 0:
            bound = 0.0
        elif plan.direct[row]:
            bound = lower(int(own.fresh_hits[row, -1]), m, 0.002)
        else:
            bound = lower(hits, 1500, a1) * (1 - upper(int(own.leavers[row, -1]), m, a2))
        assert made.radius[place] == pytest.approx(radius(bound), abs=1e-7)


def test_certificates_and_seconds_of_iss(study, analysis, raw):
    spec, found = study.record.spec, analysis.tally.compressed["fp16"]
    sizes = iss_sizes(spec, found.scratch_selected)
    made = analysis.certify("fp16", "iss", 2)
    seconds = analysis.seconds_per_input("fp16", "iss", 2)
    for place, row in enumerate(np.flatnonzero(analysis.rows)):
        size, scratch = int(sizes[row, 2]), winner(raw["fp16"]["scratch-select"][row])
        hits = sum(raw["fp16"]["scratch-estimate"][row][:size] == scratch)
        p = lower(int(hits), size, 0.002) if size else 0.0
        assert made.radius[place] == pytest.approx(radius(p), abs=1e-7)
        # Fresh draws take 2e-6 seconds each, selection among them.
        assert seconds[place] == pytest.approx(2e-6 * (size + spec.n0), rel=1e-6)


def test_seconds_of_the_other_methods(analysis):
    direct = analysis.cache.p_lower >= 0.8
    rs, irs = (analysis.seconds_per_input("fp16", one, 1) for one in ("rs", "irs"))
    np.testing.assert_allclose(rs, 2e-6 * (150 + 100))
    np.testing.assert_allclose(irs, np.where(direct, 2e-6, 1e-6) * 150)
    own = analysis.tally.compressed["fp16"].own["cirs"]
    plan = own.plans[-1]
    expected = np.where(plan.direct, 2e-6, 1e-6) * plan.draws
    np.testing.assert_allclose(own.seconds[:, -1], expected)


def test_what_is_counted_for_acr(analysis):
    made = analysis.certify("fp16", "irs", 2)
    right = made.predicted == analysis.labels
    acr = analysis.point("fp16", "irs", 2).acr.value
    assert acr == pytest.approx(np.where(right, made.radius, 0).sum() / 40)
    assert acr < made.radius.mean() * 0.8


def test_nothing_is_proven_under_discrete_noise(analysis):
    discrete = Analysis(replace(analysis.tally, noise="discrete"), analysis.settings)
    assert discrete.base.provable_failure is None
    assert discrete.certify("fp16", "cirs", 2).provable_failure is None
    assert discrete.summary("fp16").failure is None
    assert analysis.summary("fp16").failure == pytest.approx(0.002)
