"""On a lost input every route fires with at most its level: exact sums over all outcomes."""

from dataclasses import replace

import numpy as np
import pytest
from made_flags import LEVELS, SIGMA, base, certified, compressed
from scipy.stats import binom, multinomial, norm

from irs_core.decide import (
    UNKNOWN,
    BaseCounts,
    CompressedCounts,
    Levels,
    Routes,
    count_at_most,
    find_routes,
)
from irs_core.errors import InvalidSampleError, SpecError
from irs_core.stats import binomial_upper_bound
from irs_core.stats.radius import probability_gap
from irs_core.stats.sequential import log_e_value

RADIUS, TOLERANCE = 0.5, 0.2
HIGH, LOW = norm.cdf(RADIUS / SIGMA), norm.cdf((RADIUS - TOLERANCE) / SIGMA)
GAP = HIGH - LOW
DRAWS = [1, 5, 20, 60, 150, 400]


def routes(f: BaseCounts, fp: CompressedCounts, tolerance: float = TOLERANCE) -> Routes:
    return find_routes(f, fp, radius=RADIUS, tolerance=tolerance, sigma=SIGMA, levels=LEVELS)


def outcomes(n: int) -> np.ndarray:
    return np.arange(n + 1)


@pytest.mark.parametrize("n", DRAWS)
def test_exclusion_of_an_original_that_withstands_the_radius_has_its_level(n: int) -> None:
    found = routes(base(n + 1, n, label_hits=outcomes(n)), compressed(n + 1, n))
    for p in (HIGH, HIGH + 0.02, 0.97):
        assert binom.pmf(outcomes(n), n, p) @ found.excluded <= LEVELS.excluded


@pytest.mark.parametrize("n", DRAWS)
def test_a_claim_at_the_shorter_radius_has_its_level(n: int) -> None:
    fp = compressed(n + 1, n, **certified(outcomes(n), n, LEVELS.claimed))
    found = routes(base(n + 1, n), fp)
    for s in (LOW - 1e-9, LOW - 0.02, 0.3):
        assert binom.pmf(outcomes(n), n, s) @ found.claimed <= LEVELS.claimed


@pytest.mark.parametrize("n", DRAWS)
def test_few_leavers_over_all_draws_of_a_prefix_have_their_level(n: int) -> None:
    found = routes(base(n + 1, n), compressed(n + 1, n, leavers=outcomes(n)))
    for leave in (GAP + 1e-9, GAP + 0.03, 0.5):
        assert binom.pmf(outcomes(n), n, leave) @ found.stays <= LEVELS.stays


def test_the_levels_are_nearly_used() -> None:
    n = 400
    f = base(n + 1, n, label_hits=outcomes(n))
    fp = compressed(n + 1, n, leavers=outcomes(n), **certified(outcomes(n), n, LEVELS.claimed))
    found = routes(f, fp)
    assert binom.pmf(outcomes(n), n, HIGH) @ found.excluded > 0.5 * LEVELS.excluded
    assert binom.pmf(outcomes(n), n, LOW) @ found.claimed > 0.5 * LEVELS.claimed
    assert binom.pmf(outcomes(n), n, GAP) @ found.stays > 0.5 * LEVELS.stays


def crossing(leave: float, draws: int, rule: str) -> float:
    """Chance that `stays` fires at any of the first draws, by dynamic programming."""
    running, crossed = np.array([1.0]), 0.0
    for j in range(1, draws + 1):
        running = np.append(running * (1 - leave), 0.0) + np.append(0.0, running * leave)
        at: object = np.full(j + 1, j) if rule == "anytime" else j
        fp = compressed(j + 1, j, leavers=np.arange(j + 1), leave_draws=at, leave_rule=rule)
        fires = routes(base(j + 1, j), fp).stays
        crossed += running[fires].sum()
        running[fires] = 0.0
    return crossed


def test_looking_for_leavers_after_every_draw_has_its_level() -> None:
    assert 0.5 * LEVELS.stays < crossing(GAP, 400, "anytime") <= LEVELS.stays


def test_a_prefix_that_is_extended_until_it_suits_breaks_its_level() -> None:
    assert crossing(GAP, 400, "prefix") > 2 * LEVELS.stays


def test_a_prefix_of_hits_counted_against_all_draws_breaks_its_level() -> None:
    n, m, p = 400, 250, 0.9
    q = GAP / p * (1 + 1e-9)
    wrong = binomial_upper_bound(np.arange(m + 1), n, LEVELS.stays) <= GAP
    hits = np.arange(n + 1)
    chance = [binom.pmf(np.arange(m + 1), min(m, h), q) @ wrong for h in hits]
    assert binom.pmf(hits, n, p) @ chance > 5 * LEVELS.stays
    right = routes(base(n + 1, n), compressed(n + 1, n, leavers=outcomes(n))).stays
    assert binom.pmf(outcomes(n), n, p * q) @ right <= LEVELS.stays


def joint(n: int) -> tuple[np.ndarray, BaseCounts, CompressedCounts]:
    """All outcomes of n shared draws as inputs; columns: stay, leave, arrive, neither."""
    grid = np.array(
        [
            (a, b, c, n - a - b - c)
            for a in range(n + 1)
            for b in range(n + 1 - a)
            for c in range(n + 1 - a - b)
        ]
    )
    stay, leave, arrive, _ = grid.T
    f = base(len(grid), n, label_hits=stay + leave, **certified(stay + leave, n, 0.02))
    own = certified(stay + arrive, n, LEVELS.claimed)
    fp = compressed(len(grid), n, leavers=leave, label_hits=stay + arrive, **own)
    return grid, f, fp


@pytest.mark.parametrize("arrive", [0.0, 0.05, 0.1])
@pytest.mark.parametrize("p", [HIGH, 0.93])
def test_all_routes_on_the_same_draws_have_the_sum_of_their_levels(p: float, arrive: float) -> None:
    grid, f, fp = joint(28)
    arrive = min(arrive, 1 - p)
    leave = p + arrive - (LOW - 1e-9)
    truth = [p - leave, leave, arrive, 1 - p - arrive]
    found = routes(f, fp)
    assert found.level == pytest.approx(0.09)
    assert multinomial.pmf(grid, 28, truth) @ ~found.may_lose <= found.level


@pytest.mark.parametrize(("p", "s"), [(0.99, LOW), (0.95, 0.8), (HIGH - 1e-9, 0.3)])
def test_a_loss_is_called_proven_with_at_most_its_level(p: float, s: float) -> None:
    grid, f, fp = joint(28)
    stay = min(p, s)
    truth = [stay, p - stay, s - stay, 1 - p - s + stay]
    assert multinomial.pmf(grid, 28, truth) @ routes(f, fp).proven_lost <= LEVELS.proven


def test_a_clear_loss_is_proven_and_a_clear_keeper_is_certified() -> None:
    n = 1000
    f = base(2, n, **certified(np.array([999, 999]), n, 0.02))
    fp = compressed(2, n, label_hits=[100, 999], **certified(np.array([100, 999]), n, 0.03))
    found = routes(f, replace(fp, label_hits=np.array([100, 999])))
    assert found.proven_lost.tolist() == [True, False]
    assert found.may_lose.tolist() == [True, False]
    assert found.certified.tolist() == [False, True]
    assert found.ruled_out.tolist() == [True, False]


def test_exclusion_by_the_candidate_hides_losses_that_the_label_shows() -> None:
    # One selection draw names a wrong candidate with probability 1 - p; f withstands r on y.
    n, p = 200, 0.9
    hits = outcomes(n)
    chance = binom.pmf(hits, n, p)
    wrong_candidate = np.ones(n + 1, int)
    f = base(n + 1, n, label_hits=hits, candidate=wrong_candidate)
    by_label = chance @ routes(f, compressed(n + 1, n)).excluded
    by_candidate = chance @ routes(replace(f, label_hits=n - hits), compressed(n + 1, n)).excluded
    assert (1 - p) * by_candidate > 4 * LEVELS.excluded
    assert by_label <= LEVELS.excluded


def test_levels_of_the_routes_that_fired_are_not_enough() -> None:
    # One lost input; two routes on draws of their own, each used to its level.
    fires = 1 - (1 - LEVELS.excluded) * (1 - LEVELS.claimed)
    fired = max(LEVELS.excluded, LEVELS.claimed)
    assert fires > fired
    # "None is lost", said with confidence 1 - fired, is wrong with probability `fires`.
    assert count_at_most(0, 1, beta=fired, level=fired) == 0
    opened = LEVELS.excluded + LEVELS.claimed
    assert count_at_most(0, 1, beta=fired, level=opened) == 1
    assert fires <= opened


def test_the_level_does_not_depend_on_what_was_counted() -> None:
    none = routes(base(3, 10), compressed(3, 10))
    all_fire = routes(
        base(3, 10, label_hits=np.zeros(3, int)), compressed(3, 10, leavers=np.zeros(3, int))
    )
    assert none.level == all_fire.level == pytest.approx(0.09)


def test_without_tolerance_the_third_route_is_closed_and_costs_nothing() -> None:
    found = routes(base(1, 9000), compressed(1, 9000, leavers=np.zeros(1, int)), tolerance=0.0)
    assert not found.open_stays.any()
    assert found.may_lose.all()
    assert found.level == pytest.approx(0.05)


def test_a_wrong_candidate_closes_the_routes_of_the_compressed_model() -> None:
    wrong = np.ones(1, int)
    f = base(1, 900, candidate=wrong)
    fp = compressed(1, 900, candidate=wrong, predicted=wrong, leavers=np.zeros(1, int))
    found = routes(f, replace(fp, radius=np.ones(1)))
    assert found.may_lose.all()
    assert not found.open_claimed.any()
    assert not found.certified.any()


def test_missing_counts_settle_nothing() -> None:
    unknown = np.full(2, UNKNOWN)
    found = routes(base(2, 900, label_hits=unknown), compressed(2, 900))
    assert found.may_lose.all()
    assert not found.proven_lost.any()
    assert not found.ruled_out.any()


def test_a_claim_at_exactly_the_radius_counts() -> None:
    # 0.3 - 0.1 is a little less than 0.2 in binary; a claim of 0.2 is what the reader means.
    fp = compressed(1, 10, predicted=np.zeros(1, int), radius=np.array([0.2]))
    found = find_routes(base(1, 10), fp, radius=0.3, tolerance=0.1, sigma=SIGMA, levels=LEVELS)
    assert found.claimed.all()


def test_lengths_of_their_own_need_the_anytime_rule() -> None:
    fp = compressed(2, 10, leavers=np.zeros(2, int), leave_draws=np.array([5, 9]))
    with pytest.raises(InvalidSampleError, match="anytime"):
        routes(base(2, 10), fp)


@pytest.mark.parametrize(("radius", "tolerance"), [(0.0, 0.0), (0.5, 0.6), (0.5, -0.1)])
def test_impossible_radii_are_refused(radius: float, tolerance: float) -> None:
    with pytest.raises(SpecError, match="tolerance between 0"):
        find_routes(
            base(1, 10),
            compressed(1, 10),
            radius=radius,
            tolerance=tolerance,
            sigma=SIGMA,
            levels=LEVELS,
        )


def test_shapes_and_counts_are_checked() -> None:
    with pytest.raises(InvalidSampleError, match="leavers of shape"):
        routes(base(2, 10), compressed(2, 10, leavers=np.zeros(3, int)))
    with pytest.raises(InvalidSampleError, match="label_hits must be counts"):
        routes(base(1, 10, label_hits=np.array([-2])), compressed(1, 10))
    with pytest.raises(SpecError, match="excluded"):
        Levels(excluded=0.0)


def test_the_gap_keeps_its_digits_near_certainty() -> None:
    gap = probability_gap(5.0, 4.9, 0.5)
    assert gap == pytest.approx(norm.sf(9.8) - norm.sf(10), rel=1e-3, abs=2e-16)
    assert probability_gap(0.5, 0.5, 0.5) == 0.0


def test_certified_means_at_the_radius_itself() -> None:
    fp = compressed(2, 10, predicted=np.zeros(2, int), radius=np.array([0.49, 0.5]))
    found = routes(base(2, 10), fp)
    assert found.claimed.tolist() == [True, True]
    assert found.certified.tolist() == [False, True]


def test_a_proof_of_loss_fails_with_the_larger_of_its_two_levels() -> None:
    assert Levels(base_claimed=0.02, ruled_out=0.03).proven == 0.03
    assert Levels(base_claimed=0.03, ruled_out=0.02).proven == 0.03


def anytime(leavers: list[list[int]], looked: list[list[int]], **changes: object) -> Routes:
    rows = len(leavers)
    fp = compressed(
        rows,
        1,
        leavers=np.array(leavers),
        leave_draws=np.array(looked),
        label_draws=np.array(looked)[:, -1],
        leave_rule="anytime",
        **changes,
    )
    return routes(base(rows, 10), fp)


def test_the_best_look_counts_where_drawing_may_stop_at_any_time() -> None:
    needed = next(
        j for j in range(1, 500) if log_e_value(0, j, GAP) >= -np.log(LEVELS.stays) + 1e-6
    )
    stays = anytime(
        [[0, 3], [0, 3], [1, 3]],
        [[needed, needed + 1], [needed - 1, needed], [needed, needed + 1]],
    ).stays
    assert stays.tolist() == [True, False, False]


def test_an_anytime_proof_that_the_compressed_model_falls_short_has_its_level() -> None:
    # Dynamic programming over (draws, hits): the supremum over all looks, not one of them.
    horizon, hits = 400, np.arange(401)
    table = np.zeros((horizon + 1, len(hits)), bool)
    for j in range(1, horizon + 1):
        found = anytime(
            [[0]] * (j + 1), [[j]] * (j + 1), label_hits=np.arange(j + 1), candidate=np.zeros(j + 1)
        )
        table[j, : j + 1] = found.ruled_out
    assert table.any()
    for s in (HIGH, HIGH + 0.05):
        alive, ever = np.zeros(len(hits)), 0.0
        alive[0] = 1.0
        for j in range(1, horizon + 1):
            alive[1:], alive[0] = alive[1:] * (1 - s) + alive[:-1] * s, alive[0] * (1 - s)
            ever += alive[table[j]].sum()
            alive[table[j]] = 0
        assert 0 < ever <= LEVELS.ruled_out


def test_a_prefix_of_any_length_needs_the_anytime_rule() -> None:
    fp = compressed(2, 10, label_draws=np.array([10, 20]))
    with pytest.raises(InvalidSampleError, match="anytime"):
        routes(base(2, 10), fp)
