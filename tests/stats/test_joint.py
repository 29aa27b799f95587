from itertools import pairwise

import mpmath as mp
import numpy as np
import pytest

from irs_core.errors import InvalidSampleError
from irs_core.stats import (
    JointLevels,
    binomial_lower_bound,
    binomial_upper_bound,
    joint_levels,
    joint_lower_bound,
)
from irs_core.stats.beta_root import lower_root, upper_root
from irs_core.stats.joint import band_edges, spent


def made(n, alpha=0.002, draws=300.0, leavers=0.7):
    bands = len(band_edges(n)) - 1
    return joint_levels(n, alpha, np.full(bands, draws), np.full(bands, leavers))


@pytest.mark.parametrize("n", [1, 10, 1000, 100_000])
@pytest.mark.parametrize("alpha", [1e-9, 0.002, 0.3])
@pytest.mark.parametrize(("draws", "leavers"), [(1, 0.0), (300, 0.7), (300, 30.0), (9000, 100.0)])
def test_no_band_spends_more_than_alpha_in_sixty_digits(n, alpha, draws, leavers):
    found = made(n, alpha, draws, leavers)
    with mp.workdps(60):
        for row in found.levels[:: max(1, len(found.levels) // 5)]:
            steps = [mp.mpf(float(one)) for one in (*row, 1.0)]
            tails = [mp.mpf(float(one)) for one in found.tails]
            rises = [after - before for before, after in pairwise(steps)]
            paid = steps[0] + sum(one * tail for one, tail in zip(rises, tails, strict=True))
            assert paid <= mp.mpf(alpha)
            # Little is left over: the design uses what it may.
            assert n < 1000 or paid > 0.8 * mp.mpf(alpha)


def test_levels_rise_with_the_cached_hits_and_keep_a_floor():
    found = made(10_000)
    assert (np.diff(found.levels, axis=1) >= 0).all()
    assert found.levels.min() >= 0.1 * 0.002
    assert found.tails[-1] == pytest.approx(0.002 / 150)


def test_one_step_is_the_product_of_two_bounds():
    """The split of alpha is the case of one level and one tail."""
    a1, a2 = 0.0008, 0.0012
    split = JointLevels(0.002, np.array([0.0, 1.0]), np.array([a1]), np.array([[a2]]))
    hits, left, draws = np.array([9000, 6000, 9990]), np.array([3, 0, 40]), np.array([300, 50, 40])
    product = binomial_lower_bound(hits, 10_000, a1) * (1 - binomial_upper_bound(left, draws, a2))
    np.testing.assert_allclose(joint_lower_bound(hits, 10_000, left, draws, split), product)


def test_more_than_the_product_where_both_errors_matter():
    product = binomial_lower_bound(900, 1000, 0.001) * (1 - binomial_upper_bound(0, 300, 0.001))
    found = joint_lower_bound([900], 1000, [0], [300], made(1000, 0.002, 300, 0.0))[0]
    # Levels chosen for these very counts give .8665 at best.
    assert product + 0.007 < found < 0.868


def test_fewer_leavers_and_more_hits_never_give_less():
    levels = made(1000, 0.01, 100, 2.0)
    hits = np.repeat(np.arange(500, 1001, 25), 101)
    left = np.tile(np.arange(101), 21)
    found = joint_lower_bound(hits, 1000, left, np.full(len(hits), 100), levels).reshape(21, 101)
    assert (np.diff(found, axis=1) <= 1e-12).all()
    assert (np.diff(found, axis=0) >= -1e-12).all()
    assert (found[:, -1] == 0).all()


def test_counts_far_from_what_was_supposed_keep_a_bound():
    """Levels that fall without end where p lies far above the cached share ruin the bound of an
    input with many leavers: at 1,000 draws of which 60 leave, supposed with none."""
    found = joint_lower_bound([9000], 10_000, [60], [1000], made(10_000, 0.002, 300, 0.0))[0]
    product = binomial_lower_bound(9000, 10_000, 0.001) * (
        1 - binomial_upper_bound(60, 1000, 0.001)
    )
    assert found > product - 0.004


def test_roots_take_a_level_of_their_own():
    a, b = np.array([3, 40, 7]), np.array([200, 5, 7])
    alpha = np.array([1e-6, 0.2, 0.9])
    for root in (lower_root, upper_root):
        each = [root(a[at : at + 1], b[at : at + 1], float(alpha[at]))[0] for at in range(3)]
        np.testing.assert_array_equal(root(a, b, alpha), each)


def test_no_inputs_have_no_bounds():
    assert joint_lower_bound([], 10, [], [], made(10)).shape == (0,)


GOOD = {
    "alpha": 0.1,
    "edges": np.array([0.0, 0.8, 1.0]),
    "tails": np.array([0.5, 0.02]),
    "levels": np.array([[0.01, 0.1], [0.02, 0.09]]),
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alpha": 0.0}, "alpha"),
        ({"edges": np.array([0.1, 0.8, 1.0])}, "increase from 0 to 1"),
        ({"edges": np.array([0.0, 1.0])}, "one row per band"),
        ({"tails": np.array([0.02, 0.5])}, "tails decrease"),
        ({"levels": np.array([[0.01, 0.1], [0.0, 0.09]])}, "levels lie in"),
        ({"levels": np.array([[0.01, 0.1], [0.09, 0.02]])}, "must not fall"),
        ({"levels": np.array([[0.01, 0.1], [0.05, 0.19]])}, "spends"),
        ({"levels": np.array([[0.01, 0.1], [0.05, np.nan]])}, "levels lie in"),
    ],
)
def test_levels_that_prove_nothing_are_refused(changes, message):
    JointLevels(**GOOD)
    with pytest.raises(InvalidSampleError, match=message):
        JointLevels(**(GOOD | changes))


def test_what_a_band_spends_by_hand():
    # 0.01 + 0.09 x 0.5 + 0.9 x 0.02.
    assert spent(GOOD["tails"], GOOD["levels"])[0] == pytest.approx(0.073, rel=1e-9)


@pytest.mark.parametrize(
    ("bands", "draws", "leavers", "message"),
    [(1, 10.0, 0.0, "bands"), (6, 10.0, -1.0, "leavers"), (6, 0.5, 0.0, "draws of at least 1")],
)
def test_designs_out_of_range_are_refused(bands, draws, leavers, message):
    assert len(band_edges(1000)) == 7
    with pytest.raises(InvalidSampleError, match=message):
        joint_levels(1000, 0.1, np.full(bands, draws), np.full(bands, leavers))
