"""An original that stops by itself: what it draws, what it counts, and that it goes on anywhere."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from units import SPEC

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import study_decision, study_decisions
from irs_core.analysis.kept_tally import open_tally
from irs_core.analysis.ledger import study_ledger, used_before
from irs_core.analysis.replay import live_runs, original_run
from irs_core.analysis.tally import opened
from irs_core.certify import ABSTAIN
from irs_core.decide import Requirement
from irs_core.errors import MissingEvidenceError, SpecError
from irs_core.goals.deciding import Limits, deciding_spec, run_deciding
from irs_core.methods.kit.counting import winners
from irs_core.methods.kit.observed import Original
from irs_core.methods.kit.seq_original import original_round, walk_original
from irs_core.run.stages import Runnable, base_stage
from irs_core.run.study import run_study
from irs_core.spec.settings import Settings
from irs_core.spec.study import StudySpec
from irs_core.stats.sequential import above_limit, crossed, limit_q0
from irs_core.store import BASE, Library
from irs_core.store.audit import evidence_problems

RADII = (0.2, 0.4)
ALONE = replace(SPEC, compressions=(), methods=("seq",), radii=RADII, baseline=False)
MISSING = np.iinfo(np.uint8).max
FIXED = replace(SPEC, compressions=())


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("alone"))
    return library, run_study(ALONE, library)


def analysis_of(library, record):
    return Analysis(open_tally(library.open(record.id), library.root), Settings.of(record.spec))


def stored(library, record):
    study = library.open(record.id)
    arrays = opened(study, study.record.base)
    return arrays["select"].read(record.spec.n0), arrays["estimate"].read(record.spec.n)


def made_original(rates, draws, known=None, seed=3):
    """Class 1 wins the selection; other answers come at the given rates."""
    rng = np.random.default_rng(seed)
    seen = np.where(rng.random((len(rates), draws)) < np.array(rates)[:, None], 2, 1)
    seen = seen.astype(np.uint8)
    if known is not None:
        seen[np.arange(draws) >= np.array(known)[:, None]] = MISSING
    selection = np.ones((len(rates), 20), np.uint8)
    return Original(selection, seen, np.ones(len(rates), np.bool_))


def test_selection_draws_come_first_and_alone():
    arrays = dict.fromkeys(("select", "estimate"))
    needs = base_stage(ALONE, Runnable(BASE, arrays), 5)
    assert [(one.stream, one.draws) for one in needs] == [("select", ALONE.n0)]
    assert [one.stream for one in base_stage(FIXED, Runnable(BASE, arrays), 5)] == [
        "select",
        "estimate",
    ]


def test_a_run_certifies_what_a_slow_recount_of_its_draws_certifies(ran):
    library, record = ran
    analysis, tally = (
        analysis_of(library, record),
        open_tally(library.open(record.id), library.root),
    )
    selection, seen = stored(library, record)
    candidate, answered = winners(selection), [0, 0]
    for at, row in enumerate(np.flatnonzero(tally.reported)):
        taken = int(tally.base.draws[row])
        assert (seen[row, :taken] != MISSING).all()
        failures = np.cumsum(seen[row, :taken] != candidate[row])
        draws = np.arange(1, taken + 1)
        for which, radius in enumerate(RADII):
            limit = limit_q0(1.0, radius, ALONE.noise.sigma)
            proven = crossed(failures, draws, limit, ALONE.alpha).any()
            assert proven == (analysis.base.radius[at] >= radius)
            answered[which] += proven
            if not proven and taken < ALONE.n:
                # Given up, or out of reach of n draws even if none failed from here on.
                rest = failures[-1], ALONE.n
                hopeless = above_limit(failures[-1:], draws[-1:], limit, 0.05).any()
                assert hopeless or not crossed(*rest, limit, ALONE.alpha)
    assert 5 < answered[1] < answered[0] < len(analysis.rows)
    assert (analysis.base.predicted[analysis.base.radius == 0] == ABSTAIN).all()


def test_nothing_is_drawn_that_is_not_asked_for(ran):
    library, record = ran
    tally = open_tally(library.open(record.id), library.root)
    seen = stored(library, record)[1]
    assert (seen != MISSING).sum(axis=1).tolist() == tally.base.draws.tolist()
    assert not tally.base.open.any()
    assert not tally.base.draws[~tally.reported].any()
    assert 0 < tally.base.draws[tally.reported].min() < tally.base.draws.max() <= ALONE.n
    reported = tally.base.draws[tally.reported]
    assert analysis_of(library, record).base.n_samples.tolist() == (reported + ALONE.n0).tolist()


def test_the_rules_that_stop_an_input():
    """Clear, hopeless, at the limit; and out of reach of so few draws."""
    spec = replace(ALONE, radii=(0.2,), n=400)
    limit = float(limit_q0(1.0, 0.2, 0.5))
    found = walk_original(spec, made_original([0.0, 0.9, limit], 400))
    assert (found.wanted == found.taken).all()
    assert found.taken[0] < 40
    assert found.taken[1] < 40
    assert found.taken[2] > 60
    few = walk_original(replace(spec, n=10, n_p=(5,)), made_original([0.0], 10))
    assert few.taken.tolist() == [0]


def test_a_round_asks_the_cheapest_first_and_never_for_what_is_known():
    spec = replace(ALONE, radii=(0.2,), n=1500)
    before = made_original([0.0, 0.25], 1500, known=[0, 0])
    first = original_round(spec, before)
    assert first[0] == first[1] > 0
    after = made_original([0.0, 0.25], 1500, known=first)
    second = original_round(spec, after)
    assert second[0] == 0
    assert second[1] > first[1]


def test_draws_behind_a_gap_are_not_counted():
    spec = replace(ALONE, radii=(0.2,))
    original = made_original([0.1], 1500)
    original.estimation[0, 5] = MISSING
    found = walk_original(spec, original)
    assert found.taken[0] <= 5 < found.wanted[0]


def test_a_run_that_was_stopped_between_rounds_ends_with_the_same_draws(tmp_path, ran):
    library, asked = Library(tmp_path), []

    def after_two_rounds(record):
        asked.append(record)
        return len(asked) == 3

    early = run_study(ALONE, library, enough=after_two_rounds)
    before = analysis_of(library, early)
    assert early.finished
    assert before.tally.base.open.any()
    assert any(run.open for run in live_runs(before, BASE))
    whole = run_study(ALONE, library)
    assert whole.digests == ran[1].digests
    after = analysis_of(library, whole)
    # What is certified already is so for good.
    assert (after.base.radius >= before.base.radius).all()
    assert (after.base.radius > before.base.radius).any()


def test_a_killed_run_goes_on_to_the_same_draws(tmp_path, ran):
    command = [sys.executable, "-m", "irs_core", "certify", "--store", str(tmp_path)]
    command += ["--model", "shipped:digits-0.50", "--data", "digits", "--max", "50"]
    command += ["--holdout", "46", "--seed", "7", "--n", "1500", "--n0", "20", "--np", "50", "100"]
    command += ["--compress", "--method", "seq", "--radius", "0.4", "0.2", "--no-baseline"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("evidence/*/c/*/0")) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL, "it ended before it could be killed"
    library = Library(tmp_path)
    assert not library.open(ALONE.id).record.finished
    assert run_study(ALONE, library).digests == ran[1].digests


def test_draws_of_another_study_change_nothing(tmp_path, ran):
    library = Library(tmp_path)
    record = run_study(ALONE, library)
    before = analysis_of(library, record)
    alone = before.base
    fixed = run_study(FIXED, library)
    assert fixed.base.evidence == record.base.evidence
    again = analysis_of(library, record)
    assert (again.tally.base.draws < ALONE.n).any()
    for name in ("radius", "p_lower", "n_samples", "predicted"):
        assert np.array_equal(getattr(again.base, name), getattr(alone, name)), name
    for name in ("draws", "hits", "label_hits", "failed_at", "open"):
        counted = (getattr(one.tally.base, name) for one in (again, before))
        assert np.array_equal(*counted), name
    assert evidence_problems(library.open(record.id)) == []
    # And the other way round, no draw is made: all are stored.
    other, seen = replace(ALONE, radii=(0.3,)), []
    run_study(other, library, on_progress=seen.append)
    assert seen == []


def test_a_bundle_of_it_is_certified_the_same(tmp_path, ran):
    library, record = ran
    library.export(record.id, tmp_path / "alone.irs.zip")
    other = Library(tmp_path / "other")
    other.import_bundle(tmp_path / "alone.irs.zip")
    study = other.open(record.id)
    assert study.banner
    made = Analysis(open_tally(study, other.root), Settings.of(record.spec)).base
    assert np.array_equal(made.radius, analysis_of(library, record).base.radius)


def test_what_is_certified_incrementally_needs_another_study(ran):
    analysis = analysis_of(*ran)
    with pytest.raises(MissingEvidenceError, match=r"answered at 0\.2, 0\.4"):
        _ = analysis.cache
    two_sided = replace(analysis.settings, convention="two-sided")
    with pytest.raises(MissingEvidenceError, match="one-sided radii only"):
        _ = Analysis(analysis.tally, two_sided).base


def test_its_level_is_that_of_the_original(ran):
    library, record = ran
    ledger = study_ledger(ALONE)
    assert ledger.claimed == ledger.proven == ALONE.alpha
    made = analysis_of(library, record).base
    assert (made.method, made.provable_failure) == ("seq", ALONE.alpha)


def test_results_of_a_fixed_n_on_the_same_draws_are_another_statement(ran):
    record = ran[1]
    assert used_before(FIXED, [record]) == (record,)
    assert used_before(SPEC, [record]) == (record,)


def test_what_it_took_in_a_sentence_and_as_a_replay(ran):
    library, record = ran
    analysis = analysis_of(library, record)
    low, high = live_runs(analysis, BASE)
    assert (low.radius, high.radius) == RADII
    assert low.certified == int((analysis.base.radius >= 0.2).sum()) > high.certified > 0
    assert low.draws == pytest.approx(analysis.base.n_samples.mean() - ALONE.n0)
    assert f"{low.certified} of {low.inputs} inputs are certified at 0.2" in low.sentence
    replayed = original_run(library.open(record.id), 0.4, block=1)
    assert abs(replayed.certified - high.certified) <= 2


@pytest.mark.parametrize(
    "changes",
    [
        {"methods": ("irs", "seq")},
        {"tolerance": 0.1},
        {"convention": "two-sided"},
    ],
)
def test_what_has_no_meaning_for_an_original_alone_is_refused(changes):
    with pytest.raises(SpecError, match="certifies the original alone"):
        replace(ALONE, **changes)
    assert not replace(SPEC, methods=("seq",), radii=(0.2,)).original_stops
    assert not FIXED.original_stops
    assert StudySpec.from_dict(ALONE.to_dict()) == ALONE


WANTED = Requirement(radius=0.3, max_loss=None, min_certified=0.4, confidence=0.9)


def test_it_draws_until_a_least_certified_accuracy_is_settled(tmp_path):
    library = Library(tmp_path)
    spec = deciding_spec(FIXED, None, WANTED)
    assert (spec.compressions, spec.radii, spec.n) == ((), (0.3,), FIXED.n)
    study = run_deciding(spec, BASE, WANTED, library, run_study)
    analysis = analysis_of(library, study.record)
    found = study_decision(study.record, analysis, BASE, WANTED)
    assert found.verdict == "holds"
    right = (analysis.base.predicted == analysis.labels) & (analysis.base.radius >= 0.3)
    assert found.certified.proven == int(right.sum())
    # Settled while inputs were still open: nobody drew on.
    assert analysis.tally.base.open.any()
    assert study_decisions(study.record, analysis, WANTED) == {BASE: found}


def test_a_model_that_is_not_good_enough_fails_from_its_stored_draws(ran):
    library, record = ran
    analysis = analysis_of(library, record)
    wanted = replace(WANTED, radius=0.4, min_certified=0.99)
    found = study_decision(record, analysis, BASE, wanted)
    # Some are ruled out by an e-process over draws that stopped at will, each at its level.
    base, rows = analysis.tally.base, analysis.rows
    share = base.label_hits[rows] / base.draws[rows]
    assert found.verdict == "fails"
    assert 0 < found.certified.inputs - found.certified.may <= (share < 0.7881).sum()


def test_fixed_and_stopped_draws_agree_about_the_original(tmp_path, ran):
    library = Library(tmp_path)
    fixed = run_study(FIXED, library)
    wanted = replace(WANTED, radius=0.4)
    sure = study_decision(fixed, analysis_of(library, fixed), BASE, wanted)
    early = study_decision(ran[1], analysis_of(*ran), BASE, wanted)
    assert sure.verdict == early.verdict
    assert abs(sure.certified.proven - early.certified.proven) <= 3


def test_a_model_is_not_compared_with_itself(ran):
    wanted = replace(WANTED, max_loss=0.01)
    with pytest.raises(SpecError, match="not compared with itself"):
        study_decision(ran[1], analysis_of(*ran), BASE, wanted)
    with pytest.raises(SpecError, match="not compared with itself"):
        deciding_spec(FIXED, None, wanted)


def test_a_limit_of_draws_ends_it_and_another_run_goes_on(tmp_path):
    library, wanted = Library(tmp_path), replace(WANTED, min_certified=0.86)
    spec = deciding_spec(FIXED, None, wanted)
    first = run_deciding(spec, BASE, wanted, library, run_study, limits=Limits(draws=1))
    draws = open_tally(first, library.root).base.draws
    again = run_deciding(spec, BASE, wanted, library, run_study)
    assert again.record.id == first.record.id
    more = open_tally(again, library.root).base.draws
    assert (more >= draws).all()
    assert more.sum() > draws.sum() > 0
