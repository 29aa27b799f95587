"""Verdicts are wrong with at most their level; sentences say what was shown."""

import json

import numpy as np
import pytest
from made_flags import LEVELS, SIGMA, base, certified, compressed, flagged
from scipy.stats import binom, norm

from irs_core.decide import (
    Decision,
    Measured,
    MoreDraws,
    Requirement,
    Settle,
    Split,
    decide,
    find_routes,
    find_settle,
    most_draws,
)
from irs_core.decide import settle as settling

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


def made(n: int = 500, **flags: int) -> Decision:
    return decide(Requirement(0.5, 0.05), "int8", flagged(n, **flags))


def test_the_sentence_of_a_model_that_may_ship() -> None:
    one = made()
    assert one.verdict == "holds"
    assert one.sentence == (
        "int8 may ship: wherever the original is right and provably withstands disturbances up "
        "to 0.50, int8 withstands at least 0.45, with at most 1% exceptions among images like "
        "these (99% sure); none of these 500 images is an exception (99.7% sure)."
    )
    assert one.codes == ("loss-holds",)
    assert one.loss is not None
    assert one.loss.upper == pytest.approx(0.00919, abs=1e-5)


def test_the_sentence_of_a_model_that_may_not_ship() -> None:
    one = made(may=60, proven=40)
    assert one.verdict == "fails"
    assert one.sentence == (
        "int8 may not ship: on at least 5.32% of images like these the original is right and "
        "provably withstands disturbances up to 0.50 and int8 falls short of 0.45 (99% sure); at "
        "most 1% is allowed."
    )
    assert one.proven_lost == tuple(range(40))


def test_the_sentence_of_an_undecided_model_says_what_settles_it() -> None:
    settle = Settle(MoreDraws((3, 1), 12_345), 1_234, None)
    one = decide(Requirement(0.5, 0.05), "p", flagged(500, may=2), settle=settle)
    assert one.verdict == "undecided"
    assert one.sentence.startswith(
        "Whether p may ship is undecided: where the original is right and provably withstands "
        "disturbances up to 0.50, p may withstand less than 0.45 on up to 1.68% of images like "
        "these (99% sure); at most 1% is allowed; of these 500 images, 2 may be lost and 0 are "
        "proven lost. "
    )
    assert one.sentence.endswith(
        "What would settle it: about 13,000 more draws, counted sequentially, on 2 of these "
        "images; or a fixed set of about 1,300 images instead of 500, if the same share of them "
        "stays open."
    )


def test_nothing_that_settles_is_said_to_settle() -> None:
    one = decide(ASKED, "p", flagged(50, may=9), settle=Settle(None, None, None))
    assert one.sentence.endswith(
        "Neither more draws nor more images alone are expected to settle it."
    )


def test_contradicting_evidence_decides_nothing() -> None:
    assert made(may=0, proven=40).verdict == "undecided"


def test_every_limit_counts() -> None:
    asked = Requirement(
        0.5, max_loss=None, max_latency_ms=2.0, max_relative_latency=0.5, max_bytes=1000
    )
    measured = Measured(latency_ms=(1.0, 1.5), relative_latency=(0.3, 0.399), bytes=1000)
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
    split = Split(BETA / 2, BETA / 2, BETA / 2, candidates=2)
    one = decide(ASKED, "a", flagged(500), split=split)
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


def test_a_route_that_is_open_can_settle_by_a_claim() -> None:
    n = 1000
    f = base(500, n)
    hits = np.full(500, 990)
    hits[:2] = [850, 800]
    fp = compressed(500, n, label_hits=hits, **certified(hits, n, LEVELS.claimed))
    how = {"radius": 0.5, "tolerance": 0.0, "sigma": SIGMA, "levels": LEVELS}
    found = find_routes(f, fp, **how)
    # Phi(1) = 0.841: 850 hits lie above it, not clearly; 800 lie below.
    assert found.may_lose.nonzero()[0].tolist() == [0, 1]
    settle = find_settle(found, f, fp, **how, max_loss=0.015, beta=0.01)
    assert settle.draws is not None
    assert settle.draws.inputs == (0,)


def test_what_proves_nothing_does_not_hold() -> None:
    # 34 of 500 are the fewest that show more than 5% with 95% confidence.
    counts = (0, 33, 34, 500)
    few = [decide(ASKED, "m", flagged(500, base=count)).codes for count in counts]
    assert few == [("loss-vacuous",), ("loss-vacuous",), ("loss-holds",), ("loss-holds",)]
    said = decide(ASKED, "m", flagged(500, base=7))
    assert said.verdict == "undecided"
    assert "withstands disturbances up to 0.50 on only 7 of 500 images" in said.sentence


def test_draws_beyond_what_a_run_takes_are_said_to_be() -> None:
    n = 10_000
    f = base(500, n)
    how = {"radius": 0.5, "tolerance": 0.1, "sigma": SIGMA, "levels": LEVELS}
    said = []
    # f^p may leave in Phi(1) - Phi(0.8) = 5.3% of draws: 2 of 100 are soon told from that, 4 not.
    for left in (2, 4):
        fp = compressed(500, 100, leavers=np.where(np.arange(500) < 20, left, 0))
        found = find_routes(f, fp, **how)
        settle = find_settle(found, f, fp, **how, max_loss=0.015, beta=0.01)
        assert settle.draws is not None
        each = settle.draws.draws / len(settle.draws.inputs)
        assert (100 + each > most_draws(n)) == (left == 4)
        said.append(decide(ASKED, "m", flagged(500, may=40), settle=settle).sentence)
    assert most_draws(n) == 2000
    assert "a fifth of n" not in said[0]
    assert "need more than 2,000 (a fifth of n), where a run stops" in said[1]


def test_nothing_is_said_to_settle_what_would_prove_nothing() -> None:
    # 5% of 100 may be lost: of 5 that the original withstands, any loss is allowed.
    advised = []
    for count in (0, 5, 6):
        said = decide(ASKED, "m", flagged(100, base=count, may=2), settle=Settle(None, 500, None))
        assert said.verdict == "undecided"
        advised.append("What would settle it" in said.sentence)
    assert advised == [False, False, True]


def test_only_draws_of_the_compressed_model_settle() -> None:
    # The original is certain everywhere, the compressed model falls short: nothing will do.
    n = 1000
    f = base(500, n)
    hits = np.full(500, 990)
    hits[0] = 500
    fp = compressed(500, n, label_hits=hits, **certified(hits, n, LEVELS.claimed))
    how = {"radius": 0.5, "tolerance": 0.0, "sigma": SIGMA, "levels": LEVELS}
    found = find_routes(f, fp, **how)
    settle = find_settle(found, f, fp, **how, max_loss=0.01, beta=0.01)
    assert settle.draws is None


def test_draws_that_seem_enough_and_were_not_are_not_one_more() -> None:
    cost = settling._further(np.array([9_000, 0]), np.array([10_000, 0]), 0.5, 0.01, above=True)
    assert cost[0] == 10_000
    assert np.isfinite(cost[1])
