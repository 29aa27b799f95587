"""Bounds on shares and counts hold at their level: exact binomial sums, no simulation."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from irs_core.decide import (
    count_at_least,
    count_at_most,
    inputs_to_fail,
    inputs_to_hold,
    most_flags,
    p_value_fails,
    p_value_holds,
    share_at_least,
    share_at_most,
    walk_holds,
)
from irs_core.errors import InvalidSampleError

BETA, LEVEL = 0.05, 0.1
SIZES = [1, 7, 40, 200]
SHARES = [0.001, 0.02, 0.1, 0.3, 0.7, 0.99]


def uppers(n: int, level: float = LEVEL, shared: bool = False) -> np.ndarray:
    return np.array(
        [share_at_most(k, n, beta=BETA, level=level, shared_noise=shared) for k in range(n + 1)]
    )


def lowers(n: int, level: float = LEVEL, shared: bool = False) -> np.ndarray:
    return np.array(
        [share_at_least(k, n, beta=BETA, level=level, shared_noise=shared) for k in range(n + 1)]
    )


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("share", SHARES)
def test_upper_bound_is_too_low_with_probability_at_most_beta(n: int, share: float) -> None:
    # Worst case: flags miss as often as they may, and nothing else is flagged.
    wrong = binom.pmf(np.arange(n + 1), n, share * (1 - LEVEL)) @ (uppers(n) < share)
    assert wrong <= BETA


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("share", SHARES)
def test_lower_bound_is_too_high_with_probability_at_most_beta(n: int, share: float) -> None:
    # Worst case: every input with the property is flagged, others as often as they may be.
    chance = share + LEVEL * (1 - share)
    assert binom.pmf(np.arange(n + 1), n, chance) @ (lowers(n) > share) <= BETA


def test_bounds_without_the_level_fail() -> None:
    n, share = 200, 0.3
    k = np.arange(n + 1)
    assert binom.pmf(k, n, share * (1 - LEVEL)) @ (uppers(n, level=0.0) < share) > 2 * BETA
    chance = share + LEVEL * (1 - share)
    assert binom.pmf(k, n, chance) @ (lowers(n, level=0.0) > share) > 2 * BETA


def test_without_a_level_the_bounds_are_clopper_pearson() -> None:
    for k, n in ((0, 12), (3, 40), (40, 40), (17, 500)):
        low, high = proportion_confint(k, n, alpha=2 * BETA, method="beta")
        assert share_at_most(k, n, beta=BETA, level=0.0) == pytest.approx(high, rel=1e-8)
        assert share_at_least(k, n, beta=BETA, level=0.0) == pytest.approx(low, rel=1e-8)


def test_examples_by_hand() -> None:
    bound = share_at_most(0, 500, beta=0.01, level=0.0025)
    assert bound == pytest.approx((1 - 0.01 ** (1 / 500)) / 0.9975, rel=1e-8)
    assert 0.0091 < bound < 0.0092
    assert count_at_most(0, 500, beta=0.0025, level=0.0025) == 0
    # b lost inputs all go unseen with probability 0.2^b: 0.2, 0.04.
    assert count_at_most(0, 10, beta=0.05, level=0.2) == 1
    # Of 3 lost inputs at least 2 go unseen with probability 3 0.04 0.8 + 0.008 = 0.104.
    assert count_at_most(1, 10, beta=0.104, level=0.2) == 3
    assert count_at_most(1, 10, beta=0.105, level=0.2) == 2
    # Two wrong flags among 4: 6 0.01 0.81 + 4 0.001 0.9 + 0.0001 = 0.0523.
    assert count_at_least(4, 4, beta=0.05, level=0.1) == 2
    assert count_at_least(4, 4, beta=0.06, level=0.1) == 3


@pytest.mark.parametrize("n", [1, 7, 40])
def test_counts_of_these_inputs_hold_at_their_level(n: int) -> None:
    k = np.arange(n + 1)
    most = np.array([count_at_most(v, n, beta=BETA, level=LEVEL) for v in k])
    least = np.array([count_at_least(v, n, beta=BETA, level=LEVEL) for v in k])
    for true in k:
        assert binom.pmf(k, true, 1 - LEVEL) @ (most < true) <= BETA
        wrongly = binom.pmf(k[: n - true + 1], n - true, LEVEL)
        assert wrongly @ (least[true:] > true) <= BETA


@pytest.mark.parametrize("n", [7, 60])
@pytest.mark.parametrize("level", [0.001, 0.01])
def test_shared_noise_costs_markov_and_then_holds(n: int, level: float) -> None:
    # With probability level / miss the shared draws are bad, and every flag misses so often.
    k = np.arange(n + 1)
    bounds, low = uppers(n, level, shared=True), lowers(n, level, shared=True)
    most = [count_at_most(v, n, beta=BETA, level=level, shared_noise=True) for v in k]
    least = [count_at_least(v, n, beta=BETA, level=level, shared_noise=True) for v in k]
    for miss in (0.05, 0.2, 0.5, 0.9, 1.0):
        bad = level / miss
        for share in SHARES:
            flags = bad * binom.pmf(k, n, share * (1 - miss)) + (1 - bad) * binom.pmf(k, n, share)
            assert flags @ (bounds < share) <= BETA
            extra = share + miss * (1 - share)
            flags = bad * binom.pmf(k, n, extra) + (1 - bad) * binom.pmf(k, n, share)
            assert flags @ (low > share) <= BETA
        for true in k:
            flags = bad * binom.pmf(k, true, 1 - miss) + (1 - bad) * (k == true)
            assert flags @ (np.array(most) < true) <= BETA
            shifted = binom.pmf(k - true, n - true, miss)
            assert (bad * shifted + (1 - bad) * (k == true)) @ (np.array(least) > true) <= BETA


def test_shared_noise_breaks_bounds_that_ignore_it() -> None:
    n, level, share = 60, 0.09, 0.3
    flags = level * (np.arange(n + 1) == 0) + (1 - level) * binom.pmf(np.arange(n + 1), n, share)
    assert flags @ (uppers(n, level) < share) > BETA


def test_p_values_say_what_the_bounds_say() -> None:
    for n in (40, 200):
        for k in range(0, n + 1, 7):
            upper = share_at_most(k, n, beta=BETA, level=LEVEL)
            assert (p_value_holds(k, n, max_share=0.2, level=LEVEL) <= BETA) == (upper <= 0.2)
            lower = share_at_least(k, n, beta=BETA, level=LEVEL)
            assert (p_value_fails(k, n, max_share=0.2, level=LEVEL) <= BETA) == (lower > 0.2)


def looks(share: float, sizes: list[int], fires: dict[int, np.ndarray]) -> float:
    """Chance that a rule fires at any look while inputs are added one by one."""
    running, fired = np.array([1.0]), 0.0
    for n in range(1, max(sizes) + 1):
        running = np.append(running * (1 - share), 0.0) + np.append(0.0, running * share)
        if n in fires:
            fired += running[fires[n]].sum()
            running[fires[n]] = 0.0
    return fired


def smallest_sets(limit: float, beta: float, flags: range) -> list[int]:
    """For each number of flags, the fewest inputs at which it meets the limit."""
    found, n = [], 1
    for k in flags:
        while share_at_most(min(k, n), n, beta=beta, level=LEVEL) > limit:
            n += 1
        found.append(n)
    return found


def test_more_inputs_after_looking_break_the_fixed_bound() -> None:
    limit = 0.05

    def rate(sizes: list[int]) -> float:
        fires = {
            n: np.array(
                [share_at_most(k, n, beta=BETA, level=LEVEL) <= limit for k in range(n + 1)]
            )
            for n in sizes
        }
        return looks(limit * (1 - LEVEL) * (1 + 1e-9), sizes, fires)

    sizes = smallest_sets(limit, BETA, range(6))
    assert all(rate([n]) <= BETA for n in sizes)
    assert rate([sizes[0], sizes[4]]) > 1.5 * BETA
    assert rate(sizes) > 2 * BETA


def test_a_walk_over_inputs_may_stop_anywhere() -> None:
    limit = 0.05
    fires = {n: np.zeros(n + 1, bool) for n in range(1, 401)}
    for n, rejects in fires.items():
        for k in range(n + 1):
            # The last value depends on the number of flags alone, and falls in it.
            last = walk_holds(np.arange(n) < k, max_share=limit, level=LEVEL)[-1]
            rejects[k] = last >= np.log(1 / BETA)
            if not rejects[k]:
                break
    rate = looks(limit * (1 - LEVEL), list(fires), fires)
    assert 0.4 * BETA < rate <= BETA


def test_walks_need_a_fifth_more_inputs_where_nothing_is_lost() -> None:
    none = np.zeros(700, bool)
    evidence = walk_holds(none, max_share=0.01, level=0.0025)
    assert inputs_to_hold(0.0, max_share=0.01, beta=0.01, level=0.0025) == 460
    assert 550 < int(np.argmax(evidence >= np.log(100))) + 1 < 565


def test_planning_finds_the_smallest_set() -> None:
    n = inputs_to_hold(0.01, max_share=0.03, beta=0.01, level=0.0025)
    assert n is not None
    assert share_at_most(int(np.ceil(0.01 * n)), n, beta=0.01, level=0.0025) <= 0.03
    assert inputs_to_hold(0.04, max_share=0.03, beta=0.01, level=0.0025) is None
    n = inputs_to_fail(0.1, max_share=0.03, beta=0.01, level=0.001)
    assert n is not None
    assert share_at_least(int(0.1 * n + 1e-9), n, beta=0.01, level=0.001) > 0.03
    assert inputs_to_fail(0.02, max_share=0.03, beta=0.01, level=0.001) is None


def test_most_flags_is_the_largest_number_that_still_holds() -> None:
    most = most_flags(2000, max_share=0.01, beta=0.01, level=0.0025)
    assert most is not None
    assert share_at_most(most, 2000, beta=0.01, level=0.0025) <= 0.01
    assert share_at_most(most + 1, 2000, beta=0.01, level=0.0025) > 0.01
    assert most_flags(100, max_share=0.01, beta=0.01, level=0.0025) is None


@pytest.mark.parametrize("share", [0.0, 0.004, 0.02])
@pytest.mark.parametrize("level", [0.0, 0.0025, 0.02])
def test_planning_agrees_with_the_bounds_at_every_number_of_inputs(
    share: float, level: float
) -> None:
    """Its doubling and halving again, on the bounds themselves and not on the tails."""
    limit, beta = 0.03, 0.01

    def fewest(enough: Callable[[int], bool]) -> int | None:
        high = next((2**one for one in range(24) if enough(2**one)), None)
        low = (high or 0) // 2
        while high is not None and high - low > 1:
            low, high = (
                (low, (low + high) // 2) if enough((low + high) // 2) else ((low + high) // 2, high)
            )
        return high

    def holds(n: int) -> bool:
        return share_at_most(int(np.ceil(share * n - 1e-9)), n, beta=beta, level=level) <= limit

    def fails(n: int) -> bool:
        proven = int(np.floor(5 * share * n + 1e-9))
        return share_at_least(proven, n, beta=beta, level=level) > limit

    given = {"max_share": limit, "beta": beta, "level": level}
    assert inputs_to_hold(share, **given) == fewest(holds)
    assert inputs_to_fail(5 * share, **given) == fewest(fails)


@pytest.mark.parametrize(
    ("flags", "n", "beta", "level"),
    [(2, 1, 0.1, 0), (0, 0, 0.1, 0), (0, 1, 0.3, 0), (0, 1, 0.1, 1)],
)
def test_values_out_of_range_are_refused(flags: int, n: int, beta: float, level: float) -> None:
    for bound in (share_at_most, share_at_least, count_at_most, count_at_least):
        with pytest.raises(InvalidSampleError, match=r"need|must be in"):
            bound(flags, n, beta=beta, level=level)


def test_flags_are_truth_values() -> None:
    with pytest.raises(InvalidSampleError, match="truth values"):
        walk_holds([0, 1], max_share=0.1, level=0.0)
