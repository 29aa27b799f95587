"""Several models, several tolerances: the price of choosing, summed exactly."""

from itertools import product

import numpy as np
import pytest
from made_flags import flagged
from scipy.stats import binom
from statsmodels.stats.multitest import multipletests

from irs_core.decide import (
    Measured,
    Requirement,
    Split,
    decide,
    holm_levels,
    smallest_tolerance,
    which_hold,
)
from irs_core.errors import SpecError

ASKED = Requirement(0.5, 0.05, max_loss=0.05, confidence=0.95)
BETA = 0.05
THIRDS = Split(BETA / 3, BETA / 3, BETA / 3, 3)


def verdict(may: int, proven: int, n: int, asked: Requirement = ASKED) -> str:
    return decide(asked, "m", flagged(n, may=may, proven=proven)).verdict


def test_several_candidates_share_the_failure_probability() -> None:
    n, models = 200, ("a", "b", "c")
    k = np.arange(13)
    chance = binom.pmf(k, n, 0.05 * (1 - 0.0025) * (1 + 1e-9))
    table = {
        counts: which_hold(
            ASKED, {m: flagged(n, may=v) for m, v in zip(models, counts, strict=True)}
        )
        for counts in product((0, 2, 3, 4, 5, 12), repeat=3)
    }
    nearest = np.array([0, 0, 2, 3, 4, 5, 12, 12, 12, 12, 12, 12, 12])
    alone = np.array([verdict(int(v), 0, n) == "holds" for v in k])
    each = np.array(
        [decide(ASKED, "m", flagged(n, may=int(v)), split=THIRDS).verdict == "holds" for v in k]
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
    equal = {name: decide(ASKED, name, one, split=THIRDS).verdict for name, one in flags.items()}
    holm = {name: one.verdict for name, one in which_hold(ASKED, flags).items()}
    assert [name for name, one in holm.items() if one == "holds"] == ["a", "b"]
    assert "fails" not in holm.values()
    assert equal["a"] == "holds"
    assert sum(one == "holds" for one in equal.values()) <= 2


def test_no_candidate_is_refused() -> None:
    with pytest.raises(SpecError, match="at least one model"):
        which_hold(ASKED, {})


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


def test_three_way_verdicts_about_several_models_share_the_failure_probability() -> None:
    n = 200
    k = np.arange(n + 1)

    def chance(said: str, rate: float) -> float:
        says = []
        for v in range(n + 1):
            flags = flagged(n, may=v) if said == "holds" else flagged(n, may=n, proven=v)
            says.append(decide(ASKED, "a", flags, split=THIRDS).verdict == said)
        return float(binom.pmf(k, n, rate) @ says)

    assert chance("holds", 0.05 * (1 - 0.0025) * (1 + 1e-9)) <= BETA / 3
    assert chance("fails", 0.05 + 0.001 * 0.95) <= BETA / 3


def test_holm_sees_every_limit_of_the_requirement() -> None:
    for inputs, asked in (
        (500, Requirement(0.5, max_loss=None, min_certified=0.4, confidence=0.95)),
        (500, Requirement(0.5, max_loss=None, min_accuracy=0.4, confidence=0.95)),
    ):
        verdicts = []
        for count in range(190, 260):
            flags, seen = flagged(inputs, certified=count), Measured(right=count, right_of=inputs)
            one = decide(asked, "m", flags, seen).verdict == "holds"
            verdicts.append(one)
            assert (which_hold(asked, {"m": flags}, {"m": seen})["m"].verdict == "holds") == one
        assert not verdicts[0]
        assert verdicts[-1]
        # Of two models, one alone has to stand up to half of the level.
        first = 190 + verdicts.index(True)
        flags, seen = flagged(inputs, certified=first), Measured(right=first, right_of=inputs)
        none = flagged(inputs), Measured(right=0, right_of=inputs)
        both = which_hold(asked, {"m": flags, "n": none[0]}, {"m": seen, "n": none[1]})
        assert both["m"].verdict == "undecided"
