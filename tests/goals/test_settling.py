"""Several candidates against one requirement: wrong winners are as rare as stated."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy.stats import binom
from search_coverage import NEAR, chance_of_a_wrong_winner, near, searched, truth
from synthetic import synthetic_spec, synthetic_study
from units import SMALL

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.kept_tally import open_tally
from irs_core.decide import Levels, Requirement, share_at_least
from irs_core.errors import SpecError
from irs_core.goals.settling import settled, settling_spec, standings
from irs_core.run.study import run_study
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.settings import Settings
from irs_core.store import Library

WANTED = Requirement(radius=0.3, tolerance=0.1, max_loss=0.3, confidence=0.9)
SIMULATED = Requirement(radius=0.5, tolerance=0.25, max_loss=0.15, confidence=0.8)


@pytest.mark.parametrize("inputs", [40, 500, 1000])
@pytest.mark.parametrize("candidates", [1, 2, 24, 100])
@pytest.mark.parametrize(("limit", "confidence"), [(0.01, 0.99), (0.02, 0.95), (0.15, 0.8)])
def test_a_wrong_winner_is_as_rare_as_stated(
    inputs: int, candidates: int, limit: float, confidence: float
) -> None:
    asked = replace(SIMULATED, max_loss=limit, confidence=confidence)
    assert chance_of_a_wrong_winner(inputs, candidates, asked) <= asked.beta * (1 + 1e-9)


def test_without_shares_it_is_not() -> None:
    asked = replace(SIMULATED, max_loss=0.02, confidence=0.95)
    whole = chance_of_a_wrong_winner(1000, 24, asked, share=asked.beta)
    assert whole > 5 * asked.beta


def _wrong(searches: int, share: float | None = None) -> int:
    """Of so many simulated searches, those that say of a candidate at the limit that it holds."""
    rng, wrong = np.random.default_rng(5), 0
    for _ in range(searches):
        shared = near(rng, 60)
        at_the_limit = [truth(rng, shared, SIMULATED, 0.15) for _ in range(3)]
        found = searched(rng, at_the_limit, SIMULATED, share=share)
        wrong += "holds" in [verdict for verdict, _ in found]
    return wrong


def test_simulated_searches_choose_wrongly_no_more_often_than_stated() -> None:
    # More than this has a chance below 1e-6 where the level is kept.
    assert _wrong(40) <= binom.ppf(1 - 1e-6, 40, SIMULATED.beta)


def test_the_same_searches_without_shares_are_caught() -> None:
    # As many have a chance below 0.05 where the level is kept.
    assert _wrong(20, share=0.25) > binom.ppf(0.95, 20, SIMULATED.beta)


def test_a_candidate_that_loses_nothing_holds_after_few_draws() -> None:
    rng = np.random.default_rng(6)
    verdict, draws = searched(rng, [truth(rng, near(rng, 60), SIMULATED, 0.0)], SIMULATED)[0]
    assert verdict == "holds"
    assert draws < 60 * 100


def test_a_candidate_that_loses_far_too_much_does_not() -> None:
    rng = np.random.default_rng(7)
    assert searched(rng, [truth(rng, near(rng, 60), SIMULATED, NEAR)], SIMULATED)[0][0] != "holds"


def _standings(library: Library, spec, requirement=WANTED):
    record = synthetic_study(library, spec)
    study = library.open(record.id)
    analysis = Analysis(open_tally(study, library.root), Settings.of(record.spec))
    return standings(record, analysis, requirement)


def test_each_candidate_has_its_share_of_all_that_were_proposed(tmp_path) -> None:
    spec = settling_spec(
        synthetic_spec(), [parse_compression(f"prune:0.{k}") for k in range(1, 6)], WANTED
    )
    found = _standings(Library(tmp_path), spec)
    assert len(found) == 5
    for one in found:
        assert one.decision.candidates == 5
        assert one.decision.loss.failure == pytest.approx(WANTED.beta)


def test_where_inputs_share_noise_the_bound_on_what_is_kept_allows_for_it(tmp_path) -> None:
    base = synthetic_spec()
    spec = settling_spec(
        replace(base, noise=replace(base.noise, group=2)), [parse_compression("prune:0.1")], WANTED
    )
    (found,) = _standings(Library(tmp_path), spec)
    levels = Levels()
    level = levels.excluded + spec.alpha + spec.alpha_zeta + levels.stays
    asked = {"beta": WANTED.beta, "level": level + levels.proven}
    inputs = found.decision.loss.inputs
    assert found.kept > inputs / 4
    alone = share_at_least(found.kept, inputs, **asked)
    assert found.kept_at_least == share_at_least(found.kept, inputs, **asked, shared_noise=True)
    assert found.kept_at_least < alone


def test_a_search_asks_about_a_loss_and_has_candidates() -> None:
    with pytest.raises(SpecError, match="at least one candidate"):
        settling_spec(SMALL, [], WANTED)
    none = Requirement(radius=0.3, max_loss=None, min_certified=0.2)
    with pytest.raises(SpecError, match="max_loss"):
        settling_spec(SMALL, SMALL.compressions, none)


def test_who_is_settled_draws_no_more_and_the_others_go_on(tmp_path) -> None:
    library = Library(tmp_path)
    spec = settling_spec(SMALL, SMALL.compressions, WANTED)
    whole = run_study(spec, Library(tmp_path / "whole"))
    seen = []
    run = partial(run_study, spec, library)
    record = run(leave=settled(library, WANTED.text, note=seen.append))
    drawn = {one.name: one.draws for one in seen[-1]}
    analysis = Analysis(open_tally(library.open(record.id), library.root), Settings.of(record.spec))
    final = standings(record, analysis, WANTED)
    assert {one.state for one in final} == {"holds"}
    every = Library(tmp_path / "whole")
    more = Analysis(open_tally(every.open(whole.id), every.root), Settings.of(spec))
    for one, other in zip(final, standings(whole, more, WANTED), strict=True):
        assert one.draws < other.draws
        assert drawn[one.name] <= one.draws


def test_a_budget_stops_a_candidate_that_is_open(tmp_path) -> None:
    library = Library(tmp_path)
    hard = replace(WANTED, max_loss=0.001)
    spec = settling_spec(SMALL, SMALL.compressions, hard)
    record = run_study(spec, library, leave=settled(library, hard.text, draws=1))
    analysis = Analysis(open_tally(library.open(record.id), library.root), Settings.of(record.spec))
    assert {one.state for one in standings(record, analysis, hard)} <= {"open", "eliminated"}


def test_without_a_requirement_nobody_leaves() -> None:
    assert settled(None, None)(None) == frozenset()
