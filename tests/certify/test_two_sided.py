"""Exact coverage of two-sided radii with three classes, and what breaks it. No draw is made."""

from itertools import product

import numpy as np
import pytest
from scipy.special import gammaln, ndtri, xlogy

from irs_core.certify import (
    ABSTAIN,
    Others,
    arrivals_upper,
    build_cache_from_hits,
    certify_cirs,
    certify_joint,
    certify_rs_hits,
    certify_sequential,
    few_selected,
    others_upper,
    with_two_sided,
)
from irs_core.errors import InvalidSampleError
from irs_core.stats import (
    binomial_lower_bound,
    binomial_upper_bound,
    joint_levels,
    two_sided_radius,
)
from irs_core.stats.joint import band_edges

ALPHA = 0.1
# The class, the second, the third: rivals that are close to it, alone, equal, and ahead.
WORLDS = [
    (p, share * (1 - p), (1 - share) * (1 - p))
    for p in (0.34, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8)
    for share in (0.5, 0.6, 0.75, 0.9, 0.97, 1.0)
]


def compositions(total: int, cells: int) -> np.ndarray:
    """All counts of so many draws in so many cells, (outcomes, cells)."""
    found = [
        np.array(one) for one in product(range(total + 1), repeat=cells - 1) if sum(one) <= total
    ]
    rows = np.array(found).reshape(len(found), cells - 1)
    return np.column_stack([rows, total - rows.sum(axis=1)])


def chance(counts: np.ndarray, probabilities: tuple[float, ...]) -> np.ndarray:
    """Multinomial probability of each outcome."""
    p = np.asarray(probabilities)
    ways = gammaln(counts.sum(axis=1) + 1) - gammaln(counts + 1).sum(axis=1)
    return np.exp(ways + xlogy(counts, p).sum(axis=1))


def true_radius(world: tuple[float, ...]) -> float:
    """At sigma = 1; below 0 where the class is not the first."""
    return float(ndtri(world[0]) - ndtri(max(world[1:]))) / 2


def failure(radius: np.ndarray, counts: np.ndarray, world: tuple[float, ...]) -> float:
    """Probability of a certificate beyond what is true."""
    wrong = (radius > 0) & (radius > true_radius(world) * (1 + 1e-12))
    return float(chance(counts, world)[wrong].sum())


def worst(radius: np.ndarray, counts: np.ndarray) -> float:
    return max(failure(radius, counts, world) for world in WORLDS)


def rs(counts: np.ndarray, alpha: float) -> np.ndarray:
    n = int(counts[0].sum())
    hits, every = counts[:, 0], np.ones(len(counts), bool)
    whole, part = (
        certify_rs_hits(np.zeros_like(hits), hits, n0=1, n=n, alpha=level, sigma=1.0)
        for level in (alpha, alpha / 2)
    )
    return with_two_sided(whole, part, others_upper(counts[:, 1:], n, alpha / 2), every).radius


@pytest.mark.parametrize("n", [1, 7, 40])
@pytest.mark.parametrize("alpha", [0.3, ALPHA, 0.01])
def test_a_radius_is_too_large_with_probability_alpha_at_most(n: int, alpha: float) -> None:
    counts = compositions(n, 3)
    assert chance(counts, WORLDS[0]).sum() == pytest.approx(1)
    assert worst(rs(counts, alpha), counts) <= alpha * (1 + 1e-9)


COUNTS = compositions(40, 3)
HITS, SECOND, THIRD = COUNTS.T


def radii(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return two_sided_radius(low, np.minimum(high, 1 - low), 1.0)


def both_wrong(low: np.ndarray, high: np.ndarray) -> float:
    """Probability that the class has less than `low` or another one more than `high`, at worst."""
    found = []
    for world in WORLDS:
        wrong = (low > world[0]) | (high < max(world[1:]))
        found.append(float(chance(COUNTS, world)[wrong].sum()))
    return max(found)


def test_both_bounds_hold_together() -> None:
    """What a certificate says of the classes, beside its radius."""
    low = binomial_lower_bound(HITS, 40, ALPHA / 2)
    high = others_upper(COUNTS[:, 1:], 40, ALPHA / 2).upper
    assert 0.6 * ALPHA < both_wrong(low, high) <= ALPHA


def test_a_level_that_is_not_halved_is_caught() -> None:
    low = binomial_lower_bound(HITS, 40, ALPHA)
    assert both_wrong(low, others_upper(COUNTS[:, 1:], 40, ALPHA).upper) > 1.3 * ALPHA
    zero = np.zeros(len(COUNTS), int)
    whole = certify_rs_hits(zero, HITS, n0=1, n=40, alpha=ALPHA, sigma=1.0)
    every = np.ones(len(COUNTS), bool)
    with pytest.raises(InvalidSampleError, match="add up to"):
        with_two_sided(whole, whole, others_upper(COUNTS[:, 1:], 40, ALPHA), every)


def test_a_class_that_is_left_out_is_caught() -> None:
    """The class that selection draws say is second need not be it."""
    low = binomial_lower_bound(HITS, 40, ALPHA / 2)
    left_out = binomial_upper_bound(THIRD, 40, ALPHA / 2)
    assert worst(radii(low, left_out), COUNTS) > 5 * ALPHA


def test_groups_bound_whatever_is_in_them() -> None:
    """Classes that are pooled are bounded together: never less than each by itself."""
    pooled = others_upper(COUNTS[:, 1:].sum(axis=1, keepdims=True), 40, ALPHA / 2)
    each = others_upper(COUNTS[:, 1:], 40, ALPHA / 2)
    assert (pooled.upper >= each.upper).all()


# f answers A, B or C, and f^p mostly the same: cells of both answers.
CELLS = ("AA", "AB", "BB", "CC", "CB")
F = np.array([[one[0] == each for one in CELLS] for each in "ABC"], int)
PREFIX, REST = 10, 6
N = PREFIX + REST
PAIRS = [
    (0.55, 0.05, 0.2, 0.1, 0.1),
    (0.6, 0.0, 0.1, 0.15, 0.15),
    (0.5, 0.1, 0.3, 0.1, 0.0),
    (0.4, 0.0, 0.4, 0.2, 0.0),
    (0.7, 0.0, 0.0, 0.15, 0.15),
    (0.45, 0.0, 0.0, 0.1, 0.45),
    (0.65, 0.1, 0.25, 0.0, 0.0),
    (0.4, 0.0, 0.3, 0.0, 0.3),
    (0.2, 0.0, 0.35, 0.0, 0.45),
    (0.05, 0.0, 0.4, 0.0, 0.55),
]


def joined(parts: list[np.ndarray]) -> list[np.ndarray]:
    """All combinations of outcomes of independent parts."""
    grids = np.meshgrid(*(np.arange(len(one)) for one in parts), indexing="ij")
    return [one[grid.ravel()] for one, grid in zip(parts, grids, strict=True)]


def f_of(world: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(F @ np.asarray(world))


def g_of(world: tuple[float, ...]) -> tuple[float, ...]:
    aa, ab, bb, cc, cb = world
    return aa, ab + bb + cb, cc


EARLY, LATE = joined([compositions(PREFIX, 5), compositions(REST, 3)])
F_COUNTS = EARLY @ F.T + LATE
# On the prefix f^p moved to B from A and from C, and to C from nowhere.
ARRIVALS = np.column_stack([EARLY[:, 1] + EARLY[:, 4], np.zeros(len(EARLY), int)])
IN_A, LEFT = EARLY[:, 0] + EARLY[:, 1], EARLY[:, 1]


def pair_failure(low: np.ndarray, high: np.ndarray, worlds: list = PAIRS) -> float:
    """Probability that a bound on the class, or that on the others, is wrong, at worst."""
    found = []
    for world in worlds:
        truth = g_of(world)
        wrong = (low > truth[0]) | (high < max(truth[1:]))
        weight = chance(EARLY, world) * chance(LATE, f_of(world))
        assert weight.sum() == pytest.approx(1)
        found.append(float(weight[wrong].sum()))
    return max(found)


def incremental(alpha: float, *, joint: bool) -> tuple:
    cache = build_cache_from_hits(np.zeros(len(EARLY), int), F_COUNTS[:, 0], n0=1, n=N, alpha=alpha)
    given = {
        "draws": IN_A,
        "leavers": LEFT,
        "fresh_hits": np.zeros_like(LEFT),
        "threshold": N + 1,
        "sigma": 1.0,
    }
    if joint:
        bands = len(band_edges(N)) - 1
        levels = joint_levels(N, alpha, np.full(bands, 6.0), np.full(bands, 0.5))
        return certify_joint(cache, levels=levels, **given)
    return certify_cirs(cache, a1=alpha / 4, a2=3 * alpha / 4, **given)


def arrived(alpha: float) -> Others:
    """Half of a level for the others: a quarter of it for f's draws, the rest for arrivals."""
    b1, b2 = alpha / 8, 3 * alpha / 8
    return arrivals_upper(F_COUNTS[:, 1:], N, ARRIVALS, PREFIX, b1=b1, b2=b2)


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("alpha", [0.8, 0.2])
def test_incremental_bounds_are_wrong_with_probability_alpha_at_most(
    alpha: float, joint: bool
) -> None:
    whole, part = incremental(alpha, joint=joint), incremental(alpha / 2, joint=joint)
    got = with_two_sided(whole, part, arrived(alpha), IN_A > 0)
    assert pair_failure(got.p_lower, got.other_upper) <= alpha * (1 + 1e-9)
    low, high = got.p_lower, np.minimum(arrived(alpha).upper, 1 - got.p_lower)
    np.testing.assert_allclose(got.radius[IN_A > 0], two_sided_radius(low, high, 1.0)[IN_A > 0])


def test_arrivals_that_are_not_counted_are_caught() -> None:
    """Hits of f do not show what moves among the other classes."""
    blind = binomial_upper_bound(F_COUNTS[:, 1:].max(axis=1), N, 0.25)
    assert pair_failure(np.zeros(len(EARLY)), blind) > 3 * 0.25


def test_bounding_the_class_that_the_counts_say_is_second_is_caught() -> None:
    """Which class is bounded, or which ones are pooled, may not follow the counted draws."""
    alpha, rows, second = 0.8, np.arange(len(EARLY)), F_COUNTS[:, 1:].argmax(axis=1)
    most, moved = F_COUNTS[rows, 1 + second], ARRIVALS[rows, second]
    chosen = arrivals_upper(
        most[:, None], N, moved[:, None], PREFIX, b1=alpha / 8, b2=3 * alpha / 8
    )
    nothing = np.zeros(len(EARLY))
    assert pair_failure(nothing, chosen.upper) > 1.2 * alpha / 2
    assert pair_failure(nothing, arrived(alpha).upper) <= alpha / 2


def test_stopping_at_the_better_of_two_looks_costs_nothing() -> None:
    first, second, rest = joined([compositions(4, 5), compositions(4, 5), compositions(5, 3)])
    n, alpha = 13, 0.8
    looks = [first, first + second]
    f_counts = looks[1] @ F.T + rest
    cache = build_cache_from_hits(np.zeros(len(first), int), f_counts[:, 0], n0=1, n=n, alpha=alpha)
    low, high = np.zeros(len(first)), np.ones(len(first))
    for at, seen in enumerate(looks):
        part = certify_sequential(
            cache,
            failures=np.column_stack([one[:, 1] for one in looks[: at + 1]]),
            draws=np.column_stack([one[:, 0] + one[:, 1] for one in looks[: at + 1]]),
            a1=alpha / 8,
            a2=3 * alpha / 8,
            sigma=1.0,
        )
        moved = np.column_stack([seen[:, 1] + seen[:, 4], np.zeros(len(first), int)])
        others = arrivals_upper(
            f_counts[:, 1:], n, moved, 4 * (at + 1), b1=alpha / 8, b2=3 * alpha / 8, anytime=True
        )
        low, high = np.maximum(low, part.p_lower), np.minimum(high, others.upper)
    assert (high < 1).any()
    for world in PAIRS:
        weight = chance(first, world) * chance(second, world) * chance(rest, f_of(world))
        wrong = (low > g_of(world)[0]) | (high < max(g_of(world)[1:]))
        assert weight[wrong].sum() <= alpha * (1 + 1e-9)


def test_which_inputs_are_two_sided_is_read_off_selection_draws() -> None:
    np.testing.assert_array_equal(few_selected([84, 85, 86, 0], 100), [True, False, False, True])
    np.testing.assert_array_equal(few_selected([59, 60], 100, 0.6), [True, False])


def test_a_certificate_says_on_which_bounds_it_rests() -> None:
    hits = np.array([600, 990, 300])
    counts = np.array([[150, 150, 100], [5, 3, 2], [300, 300, 100]])
    whole, part = (
        certify_rs_hits([4, 5, 6], hits, n0=10, n=1000, alpha=level, sigma=0.5)
        for level in (0.002, 0.001)
    )
    got = with_two_sided(
        whole,
        part,
        others_upper(counts, 1000, 0.001),
        np.array([True, False, True]),
        more_samples=[7, 7, 0],
    )
    low, high = binomial_lower_bound(600, 1000, 0.001), binomial_upper_bound(150, 1000, 0.001)
    assert got.convention == "two-sided"
    assert got.radius[0] == pytest.approx(0.25 * (ndtri(low) - ndtri(high)), rel=1e-9)
    assert got.radius[0] > whole.radius[0]
    assert got.radius[1] == whole.radius[1]
    np.testing.assert_array_equal(got.predicted, [4, 5, ABSTAIN])
    np.testing.assert_array_equal(np.isnan(got.other_upper), [False, True, False])
    np.testing.assert_array_equal(got.n_samples, whole.n_samples + np.array([7, 0, 0]))
    assert got.provable_failure == 0.002
