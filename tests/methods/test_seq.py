"""`seq`: what it draws, what it counts, and that a run may stop and go on anywhere."""

from dataclasses import replace

import numpy as np
import pytest
from units import SPEC

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.kept_tally import open_tally
from irs_core.analysis.replay import live_runs
from irs_core.analysis.tables import speedup_table
from irs_core.analysis.tally import count_study, observed_models
from irs_core.certify import build_cache_from_hits
from irs_core.errors import MissingEvidenceError
from irs_core.methods import get
from irs_core.methods.kit.seq_walk import Aim, find_hits, joined, looks, questions, walk
from irs_core.methods.seq import TYPICAL_DRAWS
from irs_core.run.study import run_study
from irs_core.spec.settings import Settings
from irs_core.stats import binomial_lower_bound
from irs_core.stats.budget import split_alpha
from irs_core.stats.sequential import NEVER, crossed, limit_q0
from irs_core.store import Library, Study

RADIUS = 0.25
SEQ = replace(SPEC, methods=("seq",), baseline=False, radii=(RADIUS,), n_p=(50, 200))


def made_hits(seed=0, inputs=12, draws=400, most=150, known=None):
    rng = np.random.default_rng(seed)
    cached = rng.random((inputs, draws)) < rng.uniform(0.3, 1, (inputs, 1))
    left = rng.random((inputs, draws)) < rng.choice([0.001, 0.03, 0.2], (inputs, 1))
    gaps = np.zeros_like(cached)
    if known is not None:
        gaps = np.arange(draws) >= known[:, None]
    return cached, left, gaps, find_hits(cached, left, gaps, most)


def test_hits_are_taken_in_the_order_of_the_stream():
    cached, left, _, hits = made_hits()
    for at, row in enumerate(cached):
        places = np.flatnonzero(row)
        assert hits.there[at] == min(len(places), 150) == hits.known[at]
        assert (
            hits.left[at, : hits.there[at]].tolist() == left[at, places[: hits.there[at]]].tolist()
        )
        assert not hits.left[at, hits.there[at] :].any()
        # Before the (j + 1)-th hit lie as many draws as its place; after the last one, all.
        expected = [*places, *[400] * 151][:151]
        assert hits.through[at].tolist() == expected


def test_a_hit_that_is_not_computed_ends_what_is_known():
    cached, _, _, hits = made_hits(known=np.arange(12) * 10)
    for at in range(12):
        assert hits.known[at] == min(150, np.count_nonzero(cached[at, : at * 10]))
    assert not hits.left[np.arange(150) >= hits.known[:, None]].any()


def walked(hits, limit, level=0.01, rows=None, settled=None):
    inputs = len(hits.there)
    rows = np.ones(inputs, bool) if rows is None else rows
    settled = np.zeros(inputs, bool) if settled is None else settled
    aims = [Aim(np.broadcast_to(limit, inputs).astype(float), level, per_stream=False)]
    return walk(hits, [(settled, aims)], rows)


def test_an_input_stops_where_its_answer_is_known_and_not_before():
    _, _, _, hits = made_hits()
    found = walked(hits, 0.1)
    assert (found.wanted == found.taken).all()
    for at, taken in enumerate(found.taken):
        counts = np.cumsum(hits.left[at])
        proof = [j for j in range(1, taken + 1) if crossed(counts[j - 1], j, 0.1, 0.01)]
        if proof:
            # Rounds may go past the first proof, to at most their growth.
            assert taken <= max(1.5 * proof[0] + 1, 50)
        # Nothing that is left is known to be able to answer, unless it was given up.
        failed = found.failed_at[at][found.failed_at[at] < NEVER]
        assert failed.tolist() == (np.flatnonzero(hits.left[at, :taken]) + 1).tolist()


def test_an_input_with_no_room_takes_no_draw():
    _, _, _, hits = made_hits()
    assert walked(hits, 0.0).taken.tolist() == [0] * 12
    assert walked(hits, 0.1, rows=np.zeros(12, bool)).wanted.tolist() == [0] * 12
    assert walked(hits, 0.1, settled=np.ones(12, bool)).wanted.tolist() == [0] * 12


def test_what_is_wanted_lies_beyond_what_is_known_and_answers_at_the_earliest():
    full = made_hits()[3]
    part = made_hits(known=np.full(12, 20))[3]
    asked = walked(part, 0.1)
    assert (asked.wanted[asked.wanted > asked.taken] > part.known[asked.wanted > asked.taken]).all()
    # More of the stream changes nothing about what was taken before.
    assert (asked.taken <= walked(full, 0.1).taken).all()


def test_inputs_do_not_see_each_other():
    whole = walked(made_hits()[3], 0.1)
    cached, left, gaps, _ = made_hits()
    parts = [
        walked(find_hits(cached[rows], left[rows], gaps[rows], 150), 0.1)
        for rows in (slice(0, 1), slice(1, 7), slice(7, 12))
    ]
    found = joined(parts)
    for name in ("taken", "wanted", "failed_at", "looked", "failed_looked"):
        assert np.array_equal(getattr(found, name), getattr(whole, name)), name


def test_draws_of_the_stream_answer_where_hits_do_not():
    _, _, _, hits = made_hits(seed=3)
    inputs = len(hits.there)
    hopeless = Aim(np.zeros(inputs), 0.01, per_stream=False)
    stream = Aim(np.full(inputs, 0.1), 0.01, per_stream=True)
    found = walk(hits, [(np.zeros(inputs, bool), [hopeless, stream])], np.ones(inputs, bool))
    assert (found.taken > 0).all()
    # Draws that are no hits count as well, and cost nothing.
    assert (found.looked >= found.taken).all()
    assert (found.looked > found.taken).any()
    assert (found.failed_looked <= found.looked[:, None]).all()


def test_questions_leave_out_what_the_original_itself_does_not_withstand():
    cache = build_cache_from_hits([0, 0, 0], [1000, 840, 300], n0=10, n=1000, alpha=0.001)
    (settled, aims), *_ = questions(cache, [0.5], tolerance=0.1, sigma=0.5, a1=0.001, a2=0.001)
    assert settled.tolist() == [False, False, True]
    assert [aim.per_stream for aim in aims] == [False, True]
    (settled, aims), *_ = questions(cache, [0.5], tolerance=0.0, sigma=0.5, a1=0.001, a2=0.001)
    assert not settled.any()
    assert len(aims) == 1
    assert aims[0].limit[1] == aims[0].limit[2] == 0 < aims[0].limit[0]


def test_looks_before_each_failure_and_at_the_end():
    failed = np.array([[3, 7, NEVER], [NEVER] * 3, [1, 2, 3]])
    k, j = looks(failed, np.array([6, 4, 0]))
    assert k.tolist() == [[0, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert j.tolist() == [[2, 6, 6, 6], [4, 4, 4, 4], [0, 0, 0, 0]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("seq"))
    return library, run_study(SEQ, library)


def analysis_of(library, record):
    return Analysis(open_tally(library.open(record.id), library.root), Settings.of(record.spec))


def test_a_run_certifies_what_a_slow_recount_of_its_draws_certifies(ran):
    library, record = ran
    analysis = analysis_of(library, record)
    case = analysis.case("prune:0.1")
    (one,) = [m for m in observed_models(library.open(record.id)) if m.name == "prune:0.1"]
    seen, f = one.read("estimate", SEQ.n), one.original
    made = analysis.certify("prune:0.1", "seq", -1 % len(SEQ.n_p))
    own = case.counts.own["seq"]
    rows = np.flatnonzero(case.rows)
    certified = 0
    for at, row in enumerate(rows):
        c, left, best = f.candidate[row], 0, False
        a1, a2 = split_alpha(SEQ.n, TYPICAL_DRAWS, SEQ.alpha + SEQ.alpha_zeta)
        lower = binomial_lower_bound(int((f.estimation[row] == c).sum()), SEQ.n, a1)
        limit = limit_q0(lower, RADIUS, SEQ.noise.sigma)
        places = np.flatnonzero(f.estimation[row] == c)[: own.taken[row]]
        for drawn, place in enumerate(places, 1):
            assert seen[row, place] != np.iinfo(seen.dtype).max
            left += int(seen[row, place] != c)
            best = best or bool(crossed(left, drawn, limit, a2))
        assert best == (made.radius[at] >= RADIUS)
        certified += best
    assert 0 < certified < len(rows)


def test_nothing_is_drawn_that_is_not_asked_for(ran):
    library, record = ran
    (one,) = [m for m in observed_models(library.open(record.id)) if m.name == "fp16"]
    own = analysis_of(library, record).case("fp16").counts.own["seq"]
    seen = one.read("estimate", SEQ.n)
    stored = (seen != np.iinfo(seen.dtype).max).sum(axis=1)
    assert stored.tolist() == own.taken.tolist()
    assert not own.open.any()
    assert own.taken[one.original.reported].max() <= SEQ.n_p[-1]
    assert not own.taken[~one.original.reported].any()


def test_a_budget_is_the_most_that_an_input_may_take(ran):
    library, record = ran
    analysis = analysis_of(library, record)
    small, large = (analysis.certify("fp16", "seq", at) for at in (0, 1))
    assert small.n_samples.max() <= 50
    assert (small.radius <= large.radius).all()
    assert large.radius.sum() > 0


def test_a_run_that_was_stopped_between_rounds_ends_with_the_same_draws(tmp_path, ran):
    library, asked = Library(tmp_path), []

    def after_one_round(record):
        asked.append(record)
        return True

    early = run_study(SEQ, library, enough=after_one_round)
    assert len(asked) == 1
    assert early.finished
    first = count_study(Study(early, library.evidence_folder)).compressed["prune:0.1"].own["seq"]
    assert first.open.any()
    # What is certified already is so for good, and the rest goes on.
    before = Analysis(count_study(Study(early, library.evidence_folder)), Settings.of(SEQ)).certify(
        "prune:0.1", "seq", 1
    )
    whole = run_study(SEQ, library)
    assert whole.digests == ran[1].digests
    after = analysis_of(library, whole).certify("prune:0.1", "seq", 1)
    assert (after.radius[before.radius >= RADIUS] >= RADIUS).all()


def test_what_a_run_found_and_took_in_a_sentence(ran):
    library, record = ran
    analysis = analysis_of(library, record)
    (run,) = live_runs(analysis, "fp16")
    radii = analysis.certify("fp16", "seq", 1).radius
    assert (run.radius, run.inputs, run.open) == (RADIUS, len(radii), 0)
    assert run.certified == int((radii >= RADIUS).sum()) > 0
    assert run.draws == pytest.approx(analysis.certify("fp16", "seq", 1).n_samples.mean())
    assert f"{run.certified} of {run.inputs} inputs are certified at 0.25" in run.sentence


def test_other_studies_have_no_seq(tmp_path):
    library = Library(tmp_path)
    record = run_study(replace(SPEC, data=replace(SPEC.data, max=4, holdout=0)), library)
    analysis = analysis_of(library, record)
    assert not analysis.has("fp16", "seq")
    assert live_runs(analysis, "fp16") == ()
    with pytest.raises(MissingEvidenceError, match="the method seq and a radius"):
        analysis.certify("fp16", "seq", 0)


def test_all_points_of_its_curve_hold_together():
    assert get("seq").anytime is not None
    assert all(get(name).anytime is None for name in ("rs", "irs", "iss", "cirs"))


def test_an_area_under_acr_is_not_asked_of_what_stops_at_a_radius(tmp_path):
    spec = replace(SEQ, methods=("irs", "seq"), baseline=True, compressions=SPEC.compressions[:1])
    library = Library(tmp_path)
    record = run_study(spec, library)
    analysis = analysis_of(library, record)
    assert {"rs", "irs", "seq"} <= set(analysis.methods("fp16"))
    assert "seq" not in {method for method, _ in analysis.compare("fp16").speedups}
    table = speedup_table(record, analysis)
    assert not [name for name in table if name.startswith("seq")]
