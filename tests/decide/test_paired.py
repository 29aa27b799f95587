"""Equal draws, guaranteed intervals, and nobody called worse by chance."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import binom, multinomial

from irs_core.decide import (
    Difference,
    bounded_mean_interval,
    dominated,
    lost_inputs,
    share_difference,
    split_gap,
    surely_above,
)
from irs_core.decide.words import cost_words, lead_words
from irs_core.errors import InvalidSampleError
from irs_core.stats import binomial_lower_bound, certified_radius

N = 11
SEQUENCES = np.array(list(product([0.0, 1.0], repeat=N)))


def misses(ends: np.ndarray, p: float) -> float:
    ones = SEQUENCES.sum(axis=1)
    chance = p**ones * (1 - p) ** (N - ones)
    return float(chance @ ((ends[:, 0] > p) | (ends[:, 1] < p)))


def intervals(sequences: np.ndarray, beta: float) -> np.ndarray:
    return np.array([bounded_mean_interval(x, low=0, high=1, beta=beta) for x in sequences])


def test_the_guaranteed_interval_misses_with_probability_at_most_beta() -> None:
    beta = 0.3
    ends = intervals(SEQUENCES, beta)
    rates = [misses(ends, p) for p in (0.01, 0.1, 0.25, 0.5, 0.7, 0.95)]
    assert max(rates) <= beta
    assert max(rates) > 0.2 * beta


def test_inputs_that_lie_class_by_class_are_no_reason_to_miss() -> None:
    """Bets in the order of the folders lose on the first class, and then win on the second."""
    rng, missed = np.random.default_rng(5), 0
    for _ in range(100):
        lost, spread = rng.binomial(500, 0.5), rng.choice([0.1, 0.3])
        values = np.concatenate([np.full(lost, -spread), np.full(500 - lost, spread)])
        low, high = bounded_mean_interval(values, low=-1.9, high=1.9, beta=0.05)
        missed += not low <= 0 <= high
    assert missed <= 5


def test_many_values_give_a_narrow_interval_in_any_range() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(0.01, 0.02, 2000).clip(-2, 2)
    low, high = bounded_mean_interval(values, low=-2, high=2, beta=0.05)
    assert low < values.mean() < high
    assert high - low < 0.03
    mirrored = bounded_mean_interval(-values, low=-2, high=2, beta=0.05)
    assert mirrored == pytest.approx((-high, -low), abs=1e-12)


@pytest.mark.parametrize(
    ("values", "rule"), [([], "N >= 1"), ([2.0], r"in \[0, 1\]"), ([np.nan], r"in \[0, 1\]")]
)
def test_values_outside_the_range_are_refused(values: list[float], rule: str) -> None:
    with pytest.raises(InvalidSampleError, match=rule):
        bounded_mean_interval(values, low=0, high=1, beta=0.1)
    with pytest.raises(InvalidSampleError, match="beta"):
        bounded_mean_interval([0.5], low=0, high=1, beta=0)


def test_a_mean_is_surely_above_what_the_interval_is_above() -> None:
    rng = np.random.default_rng(8)
    said = []
    for shift in np.linspace(-0.1, 0.3, 30):
        values = (shift + rng.normal(0, 0.4, 60)).clip(-1, 1)
        low, _ = bounded_mean_interval(values, low=-1, high=1, beta=0.2)
        said.append(surely_above(values, 0.0, low=-1, high=1, beta=0.1))
        assert said[-1] == (low > 0)
    assert 5 < sum(said) < 25
    with pytest.raises(InvalidSampleError, match="inside"):
        surely_above([0.5], 1.0, low=0, high=1, beta=0.1)


def radii(p: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    hits = rng.binomial(draws, p)
    return certified_radius(binomial_lower_bound(hits, draws, 0.001), 0.5)


def test_a_gap_is_the_sum_of_draws_and_compression() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.3, 1, 400)
    full, equal, small = radii(p, 10_000, rng), radii(p, 500, rng), radii(p * 0.97, 500, rng)
    gaps = split_gap(full, equal, small, most=1.7, radii=(0.25, 0.5))
    assert [one.name for one in gaps] == ["ACR", "CA(0.25)", "CA(0.5)"]
    for one in gaps:
        total = one.fewer_draws.mean + one.compression.mean
        assert total == pytest.approx(one.full - one.compressed, abs=1e-12)
        for part in (one.fewer_draws, one.compression):
            assert part.low <= part.mean <= part.high
            assert part.sure_low <= part.mean <= part.sure_high
    assert gaps[0].fewer_draws.low > 0
    assert gaps[1].full == pytest.approx((full > 0.25).mean())


def test_a_model_is_not_blamed_for_fewer_draws() -> None:
    rng = np.random.default_rng(1)
    p = rng.uniform(0.5, 1, 500)
    full, equal = radii(p, 10_000, rng), radii(p, 300, rng)
    acr = split_gap(full, equal, equal, most=1.7)[0]
    assert acr.fewer_draws.sure_low > 0
    assert acr.compression.mean == 0
    assert acr.compression.sure_low < 0 < acr.compression.sure_high


def test_words_name_a_cost_only_where_it_is_proven() -> None:
    def said(low: float, high: float) -> str:
        return cost_words(Difference(0.02, 0.01, 0.03, low, high, 0.05))

    assert said(-0.01, 0.05).startswith("no difference can be told from chance, and its cost")
    assert said(0.0051, 0.05).startswith("compression costs at least 0.005,")
    assert said(-0.05, -0.0051).startswith("compression gains at least 0.005,")
    assert "0.020 (95% interval 0.010 to 0.030)" in said(-0.01, 0.05)


def test_words_name_who_is_ahead_only_where_that_is_sure() -> None:
    def said(low: float, high: float) -> str:
        return lead_words(Difference(0.02, 0.01, 0.03, low, high, 0.05), "one", "two")

    assert said(-0.01, 0.05).startswith("no difference can be told from chance; it is between -0.0")
    assert said(0.0051, 0.05) == (
        "one is ahead by at least 0.005, with 95% confidence over inputs like these"
    )
    assert said(-0.05, -0.0051).startswith("two is ahead by at least 0.005,")


def test_equal_models_are_not_called_worse() -> None:
    called, runs, beta = 0, 300, 0.05
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        p = rng.beta(4, 1, 200)
        models = {name: radii(p, 200, rng) for name in "abc"}
        called += any(dominated(models, {"a": 1, "b": 1, "c": 2}, most=1.7, beta=beta).values())
    assert called <= binom.ppf(0.999, runs, beta)


def test_a_clearly_worse_model_is_dominated_unless_it_is_cheaper() -> None:
    rng = np.random.default_rng(5)
    p = rng.beta(6, 1, 800)
    models = {"good": radii(p, 1000, rng), "bad": radii(p * 0.8, 1000, rng)}
    assert dominated(models, {"good": 1, "bad": 1}, most=1.7) == {"good": (), "bad": ("good",)}
    assert dominated(models, {"good": 2, "bad": 1}, most=1.7) == {"good": (), "bad": ()}


def test_the_interval_of_a_paired_difference_misses_at_most_beta() -> None:
    n, beta = 12, 0.3
    counts = [(g, x) for g in range(n + 1) for x in range(n + 1 - g)]
    ends = np.array([share_difference(g, x, n, beta=beta) for g, x in counts])
    for p_gain, p_loss in ((0.0, 0.0), (0.02, 0.3), (0.3, 0.3), (0.5, 0.1), (0.0, 0.9)):
        rest = 1 - p_gain - p_loss
        chance = multinomial.pmf([(g, x, n - g - x) for g, x in counts], n, [p_gain, p_loss, rest])
        true = p_gain - p_loss
        missed = (ends[:, 0] > true + 1e-12) | (ends[:, 1] < true - 1e-12)
        assert chance[missed].sum() <= beta
    with pytest.raises(InvalidSampleError, match="exceed 5 inputs"):
        share_difference(3, 3, 5)


def test_lost_means_lost_by_one_cause() -> None:
    draws, compression = lost_inputs([1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 1], radius=0.5, most=2)
    assert draws.tolist() == [True, False, False, False]
    assert compression.tolist() == [False, True, False, False]


def test_radii_must_fit_together() -> None:
    with pytest.raises(InvalidSampleError, match="share one shape"):
        split_gap([1.0], [1.0, 1.0], [1.0], most=2)
    with pytest.raises(InvalidSampleError, match="every radius of compressed"):
        split_gap([1.0], [1.0], [3.0], most=2)
    with pytest.raises(InvalidSampleError, match="most must be positive"):
        split_gap([1.0], [1.0], [1.0], most=0)


def test_all_pairs_share_the_failure_probability(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def above(values: object, mean: float, *, low: float, high: float, beta: float) -> bool:
        asked.append(beta)
        return False

    monkeypatch.setattr("irs_core.decide.paired.surely_above", above)
    models = {name: np.zeros(3) for name in "abc"}
    dominated(models, dict.fromkeys("abc", 1.0), most=1.0, beta=0.06)
    # One-sided tests, one for each ordered pair of three models.
    assert len(asked) == 6
    assert sum(asked) == pytest.approx(0.06)
