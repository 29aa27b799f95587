"""ISS and CIRS end to end: what is drawn, what is counted, what is certified."""

from dataclasses import replace

import numpy as np
import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.tally import tally_study
from irs_core.certify import Branch
from irs_core.errors import CancelledError, MissingEvidenceError
from irs_core.methods.kit.cirs_plan import Cached, study_planner, study_plans
from irs_core.run.options import RunOptions
from irs_core.run.study import run_study
from irs_core.spec.settings import Settings
from irs_core.spec.study import DataSpec, NoiseSpec
from irs_core.stats import binomial_lower_bound, binomial_upper_bound, iss_allocation
from irs_core.stats.budget import split_alpha
from irs_core.store import Library

SPEC = synthetic_spec(
    data=DataSpec(max=20, holdout=6),
    n=900,
    n0=20,
    n_p=(40, 80, 160),
    methods=("iss", "cirs"),
    baseline=False,
    alpha=0.05,
    alpha_zeta=0.05,
)
NAME = "prune:0.1"


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("cirs"))
    record = run_study(SPEC, library)
    return library.open(record.id)


@pytest.fixture(scope="module")
def analysis(reference):
    return Analysis(tally_study(reference), Settings.of(SPEC))


@pytest.fixture(scope="module")
def raw(reference):
    record = reference.record
    model = record.compressed[1]
    return {
        "select": reference.evidence(record.base.evidence["select"]).read(20),
        "estimate": reference.evidence(record.base.evidence["estimate"]).read(900),
        "pilot": reference.evidence(model.evidence["select"]).read(20),
        "paired": reference.evidence(model.evidence["estimate"]).read(900),
        "fresh": reference.evidence(model.evidence["scratch-estimate"]).read(900),
    }


def test_only_what_the_plans_want_is_drawn(analysis, raw):
    tally = analysis.tally
    plans = tally.compressed[NAME].own["cirs"].plans
    pilot = raw["pilot"] != 255
    assert pilot[:20, :5].all()
    assert pilot.sum() == 20 * 5
    most = np.max([np.where(plan.direct, 0, plan.draws) for plan in plans], axis=0)
    drawn = raw["paired"] != 255
    np.testing.assert_array_equal(drawn.sum(axis=1), most)
    assert (raw["estimate"][drawn] == np.repeat(tally.base.candidate, most)).all()
    assert not drawn[~tally.reported].any()


def test_the_budget_is_kept_and_nearly_spent(analysis):
    cirs = analysis.tally.compressed[NAME].own["cirs"]
    assert cirs.n_p.tolist() == [10, 20, 40, 80, 160]
    for plan, n_p in zip(cirs.plans, cirs.n_p, strict=True):
        assert plan.total(analysis.tally.reported) <= 20 * n_p
        assert plan.draws.max() <= 640
    assert plan.total(analysis.tally.reported) > 0.8 * 20 * 160


def test_certificates_are_those_of_a_literal_recount(analysis, raw):
    tally = analysis.tally
    for budget in range(3):
        plan = tally.compressed[NAME].own["cirs"].plans[2 + budget]
        a1, a2 = split_alpha(900, SPEC.n_p[budget] - 5, 0.1)
        got = analysis.certify(NAME, "cirs", budget)
        for row in range(20):
            m, candidate = int(plan.draws[row]), tally.base.candidate[row]
            hits = np.flatnonzero(raw["estimate"][row] == candidate)
            if m == 0:
                expected = 0.0
            elif len(hits) >= plan.threshold:
                fresh = int((raw["fresh"][row, :m] == candidate).sum())
                expected = binomial_lower_bound(fresh, m, a1 + a2)
            else:
                left = int((raw["paired"][row, hits[:m]] != candidate).sum())
                expected = binomial_lower_bound(len(hits), 900, a1) * (
                    1 - binomial_upper_bound(left, m, a2)
                )
            assert got.p_lower[row] == pytest.approx(float(expected))
            assert got.n_samples[row] == m + 5
        assert got.provable_failure == pytest.approx(0.1)


def test_some_inputs_get_more_and_some_nothing(analysis):
    got = analysis.certify(NAME, "cirs", 1)
    assert (got.branch == Branch.SKIPPED).any()
    assert len(set(got.n_samples.tolist())) > 3


def test_iss_draws_what_each_input_needs(analysis, raw):
    counts = analysis.tally.compressed[NAME].own["iss"]
    selected = analysis.tally.compressed[NAME].scratch_selected
    for budget, n_p in enumerate(SPEC.n_p):
        sizes = iss_allocation(selected, k0=20, k_max=n_p, sigma=0.5, alpha=0.1, decline=0.05)
        np.testing.assert_array_equal(counts.sizes[:, budget], sizes)
        got = analysis.certify(NAME, "iss", budget)
        for row in range(20):
            own = analysis.tally.compressed[NAME].scratch_candidate[row]
            assert counts.hits[row, budget] == (raw["fresh"][row, : sizes[row]] == own).sum()
            assert got.n_samples[row] == 20 + sizes[row]


def test_methods_that_were_not_drawn_are_missing(analysis):
    assert analysis.has(NAME, "cirs")
    assert analysis.has(NAME, "iss")
    assert not analysis.has(NAME, "irs")
    assert not analysis.has(NAME, "rs")
    assert list(analysis.compare(NAME).curves) == ["iss", "cirs"]
    with pytest.raises(MissingEvidenceError, match="for RS are not all stored"):
        analysis.certify(NAME, "rs", 2)
    assert analysis.summary(NAME).method == "cirs"


@pytest.mark.parametrize("options", [RunOptions(batch=7), RunOptions(engine="local:2")])
def test_batches_and_engines_give_the_same_digests(tmp_path, reference, options):
    assert run_study(SPEC, Library(tmp_path), options=options).digests == reference.record.digests


def test_a_cancelled_run_certifies_at_its_last_look_and_resumes(tmp_path, reference):
    library, stages = Library(tmp_path), []

    def stop() -> bool:
        # The first round is over when draws of the second are about to be computed.
        return len(stages) > 1 and stages[-1].done > 26 * 920 + 2 * 26 * 20 + 3000

    with pytest.raises(CancelledError):
        run_study(SPEC, library, on_progress=stages.append, should_stop=stop)
    part = Analysis(tally_study(library.open(SPEC.id)), Settings.of(SPEC))
    whole = Analysis(tally_study(reference), Settings.of(SPEC))
    done = [budget for budget in range(3) if part.has("fp16", "cirs", budget)]
    for budget in done:
        ours, full = (one.certify("fp16", "cirs", budget) for one in (part, whole))
        np.testing.assert_array_equal(ours.p_lower, full.p_lower)
    assert run_study(SPEC, library).digests == reference.record.digests


def test_shared_noise_keeps_other_inputs_counts_out_of_the_plan(tmp_path):
    spec = synthetic_spec(noise=NoiseSpec(0.5, seed=7, group=4))
    tally = tally_study(Library(tmp_path).open(synthetic_study(Library(tmp_path), spec).id))

    nothing = np.zeros(60, np.int64)
    cached = Cached(
        tally.base.selected,
        tally.base.hits,
        np.minimum(tally.base.hits, 300),
        tally.reported,
        0,
        nothing,
        nothing,
        nothing,
    )
    changed = cached.hits.copy()
    changed[:7] = 2000
    other = replace(cached, hits=changed)
    for mine, theirs in zip(
        study_plans(study_planner(spec, cached), spec),
        study_plans(study_planner(spec, other), spec),
        strict=True,
    ):
        np.testing.assert_array_equal(mine.draws[7:], theirs.draws[7:])
    own = synthetic_spec()
    plans = [study_plans(study_planner(own, one), own)[4].draws[7:] for one in (cached, other)]
    assert not np.array_equal(*plans)


def test_stored_irs_draws_serve_cirs(tmp_path):
    library = Library(tmp_path)
    study = library.open(synthetic_study(library).id)
    analysis = Analysis(tally_study(study), Settings.of(study.record.spec))
    comparison = analysis.compare("fp16")
    assert [one.n_p for one in comparison.points("cirs")] == [6, 12, 25, 50, 100, 200, 300]
    cirs, irs = (comparison.speedup(method, "draws") for method in ("cirs", "irs"))
    assert cirs.value > irs.value
    for irs, cirs in zip(comparison.points("irs"), comparison.points("cirs")[4:], strict=True):
        assert cirs.acr.value > irs.acr.value
        assert cirs.draws <= irs.draws
    assert comparison.speedup("iss", "draws").value > 1
    plan = analysis.tally.compressed["fp16"].own["cirs"].plans[4]
    base = study.evidence(study.record.base.evidence["estimate"]).read(2000)
    paired = study.evidence(study.record.compressed[0].evidence["estimate"]).read(300)
    draws = np.where(plan.direct, 0, plan.draws)
    expected = []
    for row, candidate in enumerate(analysis.tally.base.candidate):
        chosen = np.flatnonzero(base[row] == candidate)[: draws[row]]
        expected.append(np.count_nonzero(paired[row][chosen] != candidate))
    assert analysis.tally.compressed["fp16"].own["cirs"].leavers[:, 4].tolist() == expected
