"""Ways of others to decide at a radius: exact failure probabilities, and when they stop."""

import numpy as np
import pytest
from scipy.special import betainc, betaln
from scipy.stats import binom, norm

from irs_core.certify import certify_iss, certify_rs_hits
from irs_core.certify.sequences import (
    decide_by_betting,
    decide_by_union,
    decide_in_stages,
    stage_sizes,
    threshold_of,
    union_sizes,
)
from irs_core.errors import InvalidSampleError
from irs_core.stats import binomial_lower_bound, iss_allocation

RULES = {
    "stages": (decide_in_stages, stage_sizes),
    "union": (decide_by_union, union_sizes),
    "betting": (decide_by_betting, lambda most: np.arange(1, most + 1)),
}


def table(rule: str, most: int, threshold: float, alpha: float) -> tuple[np.ndarray, ...]:
    """Looks, and the answer of each at every number of hits: 1 above, -1 below, 0 open."""
    decide, sizes = RULES[rule]
    looks = sizes(most)
    answers = np.zeros((len(looks), most + 1), int)
    for at, size in enumerate(looks):
        hits = np.arange(size + 1)
        # A path that is open before: it waits at a share that answers nothing.
        before = np.rint(np.outer(np.ones(size + 1), looks[:at]) * threshold).astype(int)
        one = decide(
            np.column_stack([before, hits]), looks[: at + 1], threshold=threshold, alpha=alpha
        )
        if len(looks[: at + 1]) != len(looks) and rule == "stages":
            # Stages share the level among all of them.
            one = decide(
                np.column_stack([before, hits]),
                looks[: at + 1],
                threshold=threshold,
                alpha=alpha * (at + 1) / len(looks),
            )
        assert (one.draws == size).all()
        answers[at, : size + 1] = np.where(one.certified, 1, 0)
    return looks, answers


def crossing(rule: str, most: int, p: float, threshold: float, alpha: float) -> float:
    """Probability that it certifies at any look, by going from look to look."""
    looks, answers = table(rule, most, threshold, alpha)
    alive, certified, last = np.array([1.0]), 0.0, 0
    for at, size in enumerate(looks):
        step = binom.pmf(np.arange(size - last + 1), size - last, p)
        alive, last = np.convolve(alive, step), int(size)
        done = answers[at, : size + 1] == 1
        certified += float(alive[done].sum())
        alive = np.where(done, 0.0, alive)
    return certified


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.93])
@pytest.mark.parametrize("alpha", [0.2, 0.01])
def test_a_radius_is_certified_wrongly_with_probability_alpha_at_most(
    rule: str, threshold: float, alpha: float
) -> None:
    for p in (threshold, 0.9 * threshold):
        assert crossing(rule, 120, p, threshold, alpha) <= alpha


@pytest.mark.parametrize("rule", RULES)
def test_a_sure_class_is_certified(rule: str) -> None:
    assert crossing(rule, 120, 0.999, 0.7, 0.01) > 0.9


def test_looking_at_every_draw_at_one_level_is_caught() -> None:
    """What the union pays for."""
    most, alpha = 120, 0.05
    alive, certified = np.array([1.0]), 0.0
    for size in range(1, most + 1):
        alive = np.convolve(alive, [0.5, 0.5])
        done = binomial_lower_bound(np.arange(size + 1), size, alpha) > 0.5
        certified += float(alive[done].sum())
        alive = np.where(done, 0.0, alive)
    assert certified > 3 * alpha


def test_the_levels_of_the_union_add_up_to_the_level() -> None:
    k = np.arange(1, 100_000)
    assert (5 / ((k + 4) * (k + 5))).sum() == pytest.approx(1, abs=1e-4)
    sizes = union_sizes(1000)
    assert sizes[0] == 1
    assert sizes[-1] == 1000
    assert (np.diff(sizes) <= np.maximum(1, 0.1 * sizes[:-1])).all()


def test_the_wealth_is_that_of_the_mixture() -> None:
    """Against the integral that it is, at a count."""
    hits, size, t = 50, 55, 0.7
    wealth = np.exp(betaln(50.5, 5.5) - betaln(0.5, 0.5)) / (t**50 * 0.3**5)
    for alpha, certified in ((1.01 / wealth, True), (0.99 / wealth, False)):
        path = np.array([[35, hits]])
        got = decide_by_betting(path, [50, size], threshold=t, alpha=float(alpha))
        assert got.certified.tolist() == [certified]
    assert betainc(50.5, 5.5, t) < 0.01


def test_what_comes_after_the_first_answer_does_not_count() -> None:
    hits = np.array([[10, 10], [0, 100], [7, 70]])
    got = decide_in_stages(hits, [10, 110], threshold=0.6, alpha=0.1)
    assert got.draws.tolist() == [10, 10, 110]
    assert got.certified.tolist() == [True, False, False]


def test_a_threshold_is_that_of_the_radius() -> None:
    assert threshold_of(0.5, 0.25) == pytest.approx(norm.cdf(2.0), rel=1e-12)
    assert threshold_of(0.5, 0.25) > norm.cdf(2.0) - 1e-16


@pytest.mark.parametrize(
    ("hits", "sizes", "threshold", "message"),
    [([[1, 2]], [2, 1], 0.5, "increasing sizes"), ([[1]], [1], 1.0, "threshold must be in")],
)
def test_what_breaks_a_rule_is_refused(hits, sizes, threshold, message) -> None:
    with pytest.raises(InvalidSampleError, match=message):
        decide_in_stages(hits, sizes, threshold=threshold, alpha=0.1)


@pytest.mark.parametrize("p", [0.55, 0.7, 0.9, 0.97])
def test_iss_and_rs_fail_with_probability_alpha_at_most(p: float) -> None:
    """The sizes of ISS follow the selection draws; given those, the bound is of fresh ones."""
    k0, most, alpha = 20, 60, 0.05
    selected = np.arange(k0 + 1)
    sizes = iss_allocation(selected, k0=k0, k_max=most, sigma=1.0, alpha=alpha, decline=0.05)
    total = 0.0
    for first, size in zip(selected.tolist(), sizes.tolist(), strict=True):
        hits = np.arange(size + 1)
        made = certify_iss(
            np.zeros_like(hits),
            np.full_like(hits, first),
            hits,
            np.full_like(hits, size),
            k0=k0,
            alpha=alpha,
            sigma=1.0,
        )
        wrong = made.radius > norm.ppf(p)
        total += binom.pmf(first, k0, p) * binom.pmf(hits, size, p)[wrong].sum()
    assert total <= alpha
    hits = np.arange(most + 1)
    made = certify_rs_hits(np.zeros_like(hits), hits, n0=k0, n=most, alpha=alpha, sigma=1.0)
    assert binom.pmf(hits, most, p)[made.radius > norm.ppf(p)].sum() <= alpha
