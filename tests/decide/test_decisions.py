"""Verdicts are wrong with at most their level; sentences say what was shown."""

import json
from itertools import product

import numpy as np
import pytest
from made_flags import LEVELS, SIGMA, base, certified, compressed, flagged
from scipy.stats import binom, norm
from statsmodels.stats.multitest import multipletests

from irs_core.decide import (
    Decision,
    Measured,
    MoreDraws,
    Requirement,
    Settle,
    Split,
    decide,
    decide_all,
    find_routes,
    find_settle,
    holm_levels,
    smallest_tolerance,
    which_hold,
)
from irs_core.errors import SpecError

ASKED = Requirement(0.5, 0.05, max_loss=0.05, confidence=0.95)
BETA = 0.05


def verdict(may: int, proven: int, n: int, asked: Requirement = ASKED) -> str:
    return decide(asked, "m", flagged(n, may=may, proven=proven)).verdict


@pytest.mark.parametrize("n", [60, 200])
def test_holds_is_wrong_with_probability_at_most_beta(n: int) -> None:
    says = np.array([verdict(k, 0, n) == "holds" for k in range(n + 1)])
    assert says.any()
    for loss in (0.05 + 1e-9, 0.08, 0.3):
        assert binom.pmf(np.arange(n + 1), n, loss * (1 - 0.0025)) @ says <= BETA


@pytest.mark.parametrize("n", [60, 200])
def test_fails_is_wrong_with_probability_at_most_beta(n: int) -> None:
    says = np.array([verdict(n, k, n) == "fails" for k in range(n + 1)])
    assert says.any()
    for loss in (0.05, 0.03, 0.0):
        assert binom.pmf(np.arange(n + 1), n, loss + 0.001 * (1 - loss)) @ says <= BETA


@pytest.mark.parametrize(("keeps", "loss"), [(0.2, 0.12), (0.0, 0.1005), (0.4, 0.3)])
def test_from_draws_to_holds_a_wrong_answer_has_at_most_beta(keeps: float, loss: float) -> None:
    """The whole way: f and f^p on draws, flags, verdict; all outcomes of 40 draws summed."""
    n, inputs = 40, 60
    high, low = norm.cdf(0.5 / SIGMA), norm.cdf(0.3 / SIGMA)
    hits = np.arange(n + 1)
    f, g = (one.ravel() for one in np.meshgrid(hits, hits))
    base_counts = base(len(f), n, label_hits=f)
    fp = compressed(len(f), n, **certified(g, n, LEVELS.claimed))
    found = find_routes(base_counts, fp, radius=0.5, tolerance=0.2, sigma=SIGMA, levels=LEVELS)
    lost = binom.pmf(f, n, high) * binom.pmf(g, n, low - 1e-9) @ found.may_lose
    kept = binom.pmf(f, n, high) * binom.pmf(g, n, 1 - keeps * 0.001) @ found.may_lose
    assert lost >= 1 - found.level
    chance = loss * lost + (1 - loss) * kept
    asked = Requirement(0.5, 0.2, max_loss=0.1, confidence=0.95)
    k = np.arange(inputs + 1)
    says = []
    for may in k:
        flags = flagged(inputs, may=may)
        object.__setattr__(flags, "level", found.level)
        says.append(decide(asked, "m", flags).verdict == "holds")
    assert binom.pmf(k, inputs, chance) @ np.array(says) <= BETA


def test_limits_that_can_fail_by_chance_share_it() -> None:
    n = 200
    asked = Requirement(0.5, max_loss=0.05, min_certified=0.5, min_accuracy=0.6, confidence=0.95)
    k = np.arange(n + 1)
    loss = [
        decide(asked, "m", flagged(n, may=n, proven=v), Measured(130, n)).verdict == "fails"
        for v in k
    ]
    accuracy = [
        decide(asked, "m", flagged(n, may=n), Measured(int(v), n)).verdict == "fails" for v in k
    ]
    certified_fails = [
        decide(asked, "m", flagged(n, may=n, out=v), Measured(130, n)).verdict == "fails" for v in k
    ]
    total = (
        binom.pmf(k, n, 0.05 + 0.001 * 0.95) @ loss
        + binom.pmf(k, n, 0.6) @ accuracy
        + binom.pmf(k, n, 0.5 + 0.5 * 0.001) @ certified_fails
    )
    assert 0.3 * BETA < total <= BETA


def test_several_candidates_share_the_failure_probability() -> None:
    n, models = 200, ("a", "b", "c")
    k = np.arange(13)
    chance = binom.pmf(k, n, 0.05 * (1 - 0.0025) * (1 + 1e-9))
    any_of = {"holm": 0.0, "each": 0.0, "alone": 0.0}
    table = {
        counts: which_hold(
            ASKED, {m: flagged(n, may=v) for m, v in zip(models, counts, strict=True)}
        )
        for counts in product((0, 2, 3, 4, 5, 12), repeat=3)
    }
    nearest = np.array([0, 0, 2, 3, 4, 5, 12, 12, 12, 12, 12, 12, 12])
    alone = np.array([verdict(int(v), 0, n) == "holds" for v in k])
    split = Split(BETA / 3, BETA / 3, BETA / 3, 3)
    each = np.array(
        [decide(ASKED, "m", flagged(n, may=int(v)), split=split).verdict == "holds" for v in k]
    )
    holm = 0.0
    for counts in product(k, repeat=3):
        said = table[tuple(int(nearest[v]) for v in counts)].values()
        if any(one.verdict == "holds" for one in said):
            holm += float(np.prod(chance[list(counts)]))
    any_of = {
        "holm": holm,
        "each": 1 - (1 - chance @ each) ** 3,
        "alone": 1 - (1 - chance @ alone) ** 3,
    }
    assert any_of["holm"] <= BETA
    assert any_of["each"] <= BETA
    assert any_of["alone"] > 1.5 * BETA


def test_holm_rejects_what_statsmodels_rejects() -> None:
    for values in (
        [0.01, 0.02, 0.04],
        [0.04, 0.03, 0.02],
        [0.001, 0.026, 0.024],
        [0.9, 0.017, 0.01],
    ):
        named = {str(i): p for i, p in enumerate(values)}
        rejected = multipletests(values, alpha=0.05, method="holm")[0]
        assert set(holm_levels(named, 0.05)) == {str(i) for i in np.flatnonzero(rejected)}


def test_holm_finds_more_than_equal_shares() -> None:
    flags = {"a": flagged(500, may=10), "b": flagged(500, may=15), "c": flagged(500, may=40)}
    equal = {name: one.verdict for name, one in decide_all(ASKED, flags).items()}
    holm = {name: one.verdict for name, one in which_hold(ASKED, flags).items()}
    assert [name for name, one in holm.items() if one == "holds"] == ["a", "b"]
    assert "fails" not in holm.values()
    assert equal["a"] == "holds"
    assert sum(one == "holds" for one in equal.values()) <= 2


def test_no_candidate_is_refused() -> None:
    for rule in (decide_all, which_hold):
        with pytest.raises(SpecError, match="at least one model"):
            rule(ASKED, {})


def test_walking_the_tolerance_down_costs_nothing() -> None:
    # Three tolerances at which too much is lost; the verdicts are independent, each beta.
    true = {0.1: 0.99, 0.05: BETA, 0.02: BETA, 0.01: BETA}
    walked = any_wrong = 0.0
    for said in product([True, False], repeat=4):
        holds = dict(zip(true, said, strict=True))
        chance = np.prod([true[t] if holds[t] else 1 - true[t] for t in true])
        smallest = smallest_tolerance(holds.__getitem__, true)
        walked += chance * (smallest is not None and smallest < 0.1)
        any_wrong += chance * any(holds[t] for t in (0.05, 0.02, 0.01))
    assert walked <= BETA
    assert any_wrong > 2.5 * BETA


def test_the_walk_stops_at_the_first_failure() -> None:
    assert smallest_tolerance(lambda t: t != 0.05, [0.02, 0.05, 0.1]) == 0.1
    assert smallest_tolerance(lambda t: False, [0.1]) is None


def made(n: int = 500, **flags: int) -> Decision:
    return decide(Requirement(0.5, 0.05), "int8", flagged(n, **flags))


def test_the_sentence_of_a_model_that_may_ship() -> None:
    one = made()
    assert one.verdict == "holds"
    assert one.sentence == (
        "int8 may ship: wherever the original provably and correctly withstands 0.50, it "
        "withstands at least 0.45: on all of these 500 images (99.7% sure), and with at most 1% "
        "exceptions among images like these (99% sure)."
    )
    assert one.codes == ("loss-holds",)
    assert one.loss is not None
    assert one.loss.upper == pytest.approx(0.00919, abs=1e-5)


def test_the_sentence_of_a_model_that_may_not_ship() -> None:
    one = made(may=60, proven=40)
    assert one.verdict == "fails"
    assert one.sentence == (
        "int8 may not ship: on at least 5.32% of images like these the original provably and "
        "correctly withstands 0.50 and it falls short of 0.45; 1% is allowed (99% sure)."
    )
    assert one.proven_lost == tuple(range(40))


def test_the_sentence_of_an_undecided_model_says_what_settles_it() -> None:
    settle = Settle(MoreDraws((3, 1), 12_345), 1_234, None)
    one = decide(Requirement(0.5, 0.05), "p", flagged(500, may=2), settle=settle)
    assert one.verdict == "undecided"
    assert "on up to 1.68% of images like these (2 of 500 are open, 0 proven lost)" in one.sentence
    assert one.sentence.endswith(
        "What would settle it: about 13,000 more draws, counted sequentially, on 2 of these "
        "images; or a fixed set of about 1,300 images instead of 500, if the same share of them "
        "stays open."
    )


def test_nothing_that_settles_is_said_to_settle() -> None:
    one = decide(ASKED, "p", flagged(50, may=9), settle=Settle(None, None, None))
    assert one.sentence.endswith("Neither more draws nor more images are expected to settle it.")


def test_contradicting_evidence_decides_nothing() -> None:
    assert made(may=0, proven=40).verdict == "undecided"


def test_every_limit_counts() -> None:
    asked = Requirement(
        0.5, max_loss=None, max_latency_ms=2.0, max_relative_latency=0.5, max_bytes=1000
    )
    measured = Measured(latency_ms=(1.0, 1.5), relative_latency=(0.3, 0.4), bytes=1000)
    one = decide(asked, "m", flagged(10), measured)
    assert one.verdict == "holds"
    assert one.loss is None
    assert one.sentence == (
        "m may ship: 1.50 ms per pass, 2 allowed; 0.40 times the original's time, 0.5 allowed; "
        "1,000 bytes, 1,000 allowed."
    )
    slow = decide(asked, "m", flagged(10), Measured((0), None, (2.1, 2.4), (0.3, 0.6), 1000))
    assert slow.verdict == "fails"
    assert slow.codes == ("latency-fails", "relative-latency-undecided", "size-holds")
    assert slow.sentence == "m may not ship: 2.10 ms per pass, 2 allowed."


def test_what_was_not_measured_is_undecided() -> None:
    asked = Requirement(0.5, min_accuracy=0.5, max_bytes=10)
    one = decide(asked, "m", flagged(500))
    assert one.verdict == "undecided"
    assert one.codes == ("loss-holds", "accuracy-not-measured", "size-not-measured")
    assert "its accuracy without noise was not measured" in one.sentence


def test_certified_accuracy_is_bounded_from_both_sides() -> None:
    asked = Requirement(0.5, max_loss=None, min_certified=0.4)
    assert decide(asked, "m", flagged(500, certified=260)).verdict == "holds"
    assert decide(asked, "m", flagged(500, certified=100, out=350)).verdict == "fails"
    assert decide(asked, "m", flagged(500, certified=200, out=200)).verdict == "undecided"


def test_candidates_are_named_in_the_sentence() -> None:
    one = decide_all(ASKED, {"a": flagged(500), "b": flagged(500)})["a"]
    assert "(95% sure, for all 2 candidates together)" in one.sentence
    assert "(99.5% sure)" in one.sentence


def test_decisions_are_json() -> None:
    plain = json.loads(json.dumps(made(may=3, proven=1).to_json()))
    assert plain["verdict"] == "undecided"
    assert plain["may_lose"] == [0, 1, 2]
    assert plain["requirement"]["tolerance"] == 0.05
    assert plain["sentence"].startswith("Whether int8 may ship is undecided")


def test_what_settles_is_worked_out_from_counts() -> None:
    n = 1000
    f = base(500, n)
    leavers = np.zeros(500, int)
    leavers[:3] = [20, 45, 300]
    fp = compressed(500, n, leavers=leavers, label_hits=np.full(500, 700))
    how = {"radius": 0.5, "tolerance": 0.1, "sigma": SIGMA, "levels": LEVELS}
    found = find_routes(f, fp, **how)
    assert found.may_lose.nonzero()[0].tolist() == [1, 2]
    settle = find_settle(found, f, fp, **how, max_loss=0.01, beta=0.01)
    # 500 inputs allow no flag at 1%; input 2 leaves too often for any route.
    assert settle.draws is None
    settle = find_settle(found, f, fp, **how, max_loss=0.015, beta=0.01)
    assert settle.draws is not None
    assert settle.draws.inputs == (1,)
    assert settle.draws.draws > 0
    assert settle.inputs_to_hold is not None
    assert settle.inputs_to_fail is None
