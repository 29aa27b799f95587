import numpy as np
import pytest

from irs_core import metrics
from irs_core.certify import certificates_from_bounds
from irs_core.errors import InvalidSampleError
from irs_core.metrics import (
    Curve,
    abstention_rate,
    area_speedup,
    average_certified_radius,
    bootstrap_interval,
    certified_accuracy,
    smoothed_accuracy,
)
from irs_core.stats import certified_radius

P_LOWER = np.array([0.9, 0.8, 0.4, 0.7, 0.99])
CANDIDATE = np.array([0, 1, 2, 3, 4])
LABELS = np.array([0, 1, 2, 0, 4])  # right, right, abstains, wrong, right
RADII = certified_radius(P_LOWER, 1.0)


def certificates(p_lower=P_LOWER, candidate=CANDIDATE):
    size = len(p_lower)
    return certificates_from_bounds(
        candidate,
        p_lower,
        n_samples=np.full(size, 10),
        branch=np.zeros(size, dtype=np.uint8),
        zeta_upper=np.full(size, np.nan),
        sigma=1.0,
        method="rs",
        claimed_failure=0.001,
        provable_failure=0.001,
    )


def test_wrong_and_abstaining_inputs_stay_in_the_mean() -> None:
    expected = (RADII[0] + RADII[1] + RADII[4]) / 5
    assert average_certified_radius(certificates(), LABELS) == pytest.approx(expected)


def test_certified_accuracy_counts_radii_strictly_above() -> None:
    cuts = [0.0, RADII[1], np.nextafter(RADII[1], 0), RADII[4], 10.0]
    got = certified_accuracy(certificates(), LABELS, cuts)
    np.testing.assert_allclose(got, [0.6, 0.4, 0.6, 0.0, 0.0])


def test_certified_accuracy_keeps_the_shape_of_the_radii() -> None:
    assert certified_accuracy(certificates(), LABELS, 0.0).shape == ()
    assert certified_accuracy(certificates(), LABELS, np.zeros((2, 3))).shape == (2, 3)


def test_area_under_certified_accuracy_is_the_average_radius() -> None:
    cuts = np.linspace(0, 3, 30_001)
    area = certified_accuracy(certificates(), LABELS, cuts).mean() * 3
    assert area == pytest.approx(average_certified_radius(certificates(), LABELS), abs=1e-3)


def test_rates() -> None:
    assert smoothed_accuracy(certificates(), LABELS) == pytest.approx(0.6)
    assert abstention_rate(certificates()) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], r"labels \(2,\) for 5"),
        ([0, 1, -1, 0, 4], "labels must be at least 0; got -1"),
        ([0, 1, 2.5, 0, 4], "integers; got 2.5"),
    ],
)
def test_refuses_labels_that_do_not_fit(labels, message: str) -> None:
    with pytest.raises(InvalidSampleError, match=message):
        average_certified_radius(certificates(), labels)


def test_refuses_no_inputs() -> None:
    none = certificates(np.zeros(0), np.zeros(0, dtype=int))
    with pytest.raises(InvalidSampleError, match="at least one input"):
        smoothed_accuracy(none, np.zeros(0, dtype=int))
    with pytest.raises(InvalidSampleError, match="at least one input"):
        abstention_rate(none)


@pytest.mark.parametrize("radius", [-0.1, float("nan")])
def test_refuses_bad_radii(radius: float) -> None:
    with pytest.raises(InvalidSampleError, match="radii must be at least 0"):
        certified_accuracy(certificates(), LABELS, [0.1, radius])


def curve(acr, cost) -> Curve:
    return Curve(acr=np.array(acr), cost=np.array(cost))


def test_speedup_of_proportional_curves_is_their_factor() -> None:
    acr = [0.1, 0.2, 0.5]
    assert area_speedup(curve(acr, [3, 6, 12]), curve(acr, [1, 2, 4])) == pytest.approx(3)


def test_speedup_over_the_common_range_by_hand() -> None:
    # Common range [1, 2]. Baseline: 2 acr, area 3. Method: 1 on [0, 1], then rising to 3 at 3,
    # so 1 to 2 on the range, area 1.5.
    baseline = curve([0, 2], [1e-300, 4])
    method = curve([1, 3], [1, 3])
    assert area_speedup(baseline, method) == pytest.approx(3 / 1.5)


def test_speedup_of_a_curve_with_a_kink_inside_the_range() -> None:
    # Baseline flat at 2 on [0, 2]: area 4. Method 1 -> 1 -> 3: area 1 + 2 = 3.
    speedup = area_speedup(curve([0, 2], [2, 2]), curve([0, 1, 2], [1, 1, 3]))
    assert speedup == pytest.approx(4 / 3)


def test_a_point_that_costs_more_for_less_is_replaced_by_the_cheaper_one() -> None:
    # At ACR 1 the method paid 9, yet it reached ACR 2 for 3: the envelope is 1, 3, 3.
    method = curve([0, 1, 2], [1, 9, 3])
    assert area_speedup(curve([0, 2], [5, 5]), method) == pytest.approx(10 / 5)


def test_order_and_repeated_acr_do_not_matter() -> None:
    tidy = curve([0.1, 0.2, 0.3], [1, 2, 4])
    messy = curve([0.3, 0.1, 0.2, 0.2], [4, 1, 7, 2])
    baseline = curve([0.1, 0.3], [5, 5])
    assert area_speedup(baseline, messy) == pytest.approx(area_speedup(baseline, tidy))


def test_speedup_of_a_curve_over_itself_is_one() -> None:
    same = curve([0.3, 0.1, 0.2], [4, 1, 7])
    assert area_speedup(same, same) == pytest.approx(1)


@pytest.mark.parametrize("acr", [[0.5, 0.6], [0.25, 0.25], [0.3, 0.9], [0.1, 0.2]])
def test_speedup_is_nan_without_a_common_range(acr) -> None:
    assert np.isnan(area_speedup(curve(acr, [1, 2]), curve([0.2, 0.3], [1, 2])))


@pytest.mark.parametrize(
    ("acr", "cost", "message"),
    [
        ([], [], "points >= 1"),
        ([0.1, 0.2], [1.0], "one shape"),
        ([0.1, float("nan")], [1.0, 2.0], "acr must be finite"),
        ([0.1], [0.0], "cost must be positive"),
        ([0.1], [float("inf")], "cost must be positive"),
    ],
)
def test_refuses_bad_curves(acr, cost, message: str) -> None:
    with pytest.raises(InvalidSampleError, match=message):
        curve(acr, cost)


def test_bootstrap_of_the_mean_matches_the_normal_interval() -> None:
    values = np.random.default_rng(0).normal(size=400)
    low, high = bootstrap_interval(values, rng=np.random.default_rng(1), resamples=4000)
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=0.01)
    assert high == pytest.approx(values.mean() + half, abs=0.01)


def test_bootstrap_depends_on_its_generator_alone() -> None:
    values = np.arange(30.0)
    first, second, third = (
        bootstrap_interval(values, rng=np.random.default_rng(seed)) for seed in (4, 4, 5)
    )
    assert first == second
    assert first != third


def test_bootstrap_keeps_the_values_of_an_input_together() -> None:
    values = np.random.default_rng(0).normal(size=(50, 1)) * [1.0, 2.0]
    low, high = bootstrap_interval(values, rng=np.random.default_rng(1))
    np.testing.assert_allclose(low[1], 2 * low[0])
    np.testing.assert_allclose(high[1], 2 * high[0])


def test_bootstrap_takes_any_statistic() -> None:
    values = np.array([[1.0, 2.0], [2.0, 4.0], [5.0, 10.0]])
    low, high = bootstrap_interval(
        values,
        lambda sampled: sampled[..., 1].sum(axis=1) / sampled[..., 0].sum(axis=1),
        rng=np.random.default_rng(0),
    )
    assert low == high == pytest.approx(2.0)


def test_bootstrap_of_one_input_is_a_point() -> None:
    assert bootstrap_interval([3.0], rng=np.random.default_rng(0)) == (3.0, 3.0)


@pytest.mark.parametrize(
    ("values", "changed", "message"),
    [
        ([], {}, "at least one input"),
        ([1.0], {"level": 1.0}, "got 1.0, 1000"),
        ([1.0], {"resamples": 0}, "got 0.95, 0"),
    ],
)
def test_bootstrap_refuses_bad_input(values, changed: dict, message: str) -> None:
    with pytest.raises(InvalidSampleError, match=message):
        bootstrap_interval(values, rng=np.random.default_rng(0), **changed)


def test_mean_intervals_are_the_bootstrap_of_few_inputs() -> None:
    values = np.random.default_rng(1).exponential(size=(150, 2))
    found = metrics.mean_intervals(values, seed=5)
    for at in range(2):
        ends = metrics.bootstrap_interval(values[:, at], rng=np.random.default_rng(5))
        assert [one[at] for one in found] == pytest.approx([float(one) for one in ends])


def test_mean_intervals_of_many_inputs_are_near_their_bootstrap() -> None:
    values = np.random.default_rng(2).exponential(size=4000)
    low, high = metrics.bootstrap_interval(values, rng=np.random.default_rng(5), resamples=4000)
    width = float(high - low)
    found = metrics.mean_intervals(values[:, None], seed=5)
    # The ends of the bootstrap scatter by some percent of its width themselves.
    assert np.concatenate(found) == pytest.approx([float(low), float(high)], abs=0.06 * width)


def test_many_inputs_are_resampled_in_groups_to_the_same_scatter():
    rng = np.random.default_rng(3)
    # Sorted, as data sets often are: groups of neighbours would vary too little or too much.
    values = np.sort(rng.exponential(size=(3001, 1)), axis=0)
    sums = metrics.resampled_sums(values, seed=1, resamples=4000)
    assert sums.shape == (4000, 1)
    assert sums.mean() == pytest.approx(values.sum(), rel=0.005)
    assert sums.std() == pytest.approx(values.std() * np.sqrt(3001), rel=0.05)


def test_few_inputs_are_resampled_one_by_one():
    values = np.arange(12.0).reshape(6, 2)
    sums = metrics.resampled_sums(values, seed=5, resamples=7)
    rows = np.random.default_rng(5).integers(6, size=(7, 6))
    np.testing.assert_allclose(sums, values[rows].sum(axis=1))
