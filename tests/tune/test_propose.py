"""Proposals follow the ranking, hold no candidate twice, and depend on nothing else."""

import sys
from dataclasses import replace

import pytest

from irs_core.errors import SpecError
from irs_core.spec.mixed import Mixed
from irs_core.tune.propose import OBJECTIVES, TREATMENTS, greedy, propose, with_optuna
from irs_core.tune.record import Effect, Sensitivity

# Layers by rising sensitivity.
NAMES = tuple(f"layer{one}.0.conv1" for one in range(6))


def _effect(name: str, treatment: str, left: int, saved: int = 10) -> Effect:
    depth = NAMES.index(name)
    return Effect(name, (name,), depth, treatment, left, 0, 1, 0, 0, left / 100, 0, saved, ())


def _found(treatments: tuple[str, ...]) -> Sensitivity:
    effects = tuple(
        _effect(name, treatment, 1 + 10 * depth + at)
        for at, treatment in enumerate(treatments)
        for depth, name in enumerate(NAMES)
    )
    return Sensitivity(
        *("m", "w", "d", "6 images", (0,), 0.5, 1, 0.5, 10, 1, 0.99, effects, {}, 1, 1, 1, "here")
    )


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_candidates_are_distinct_and_as_many_as_asked(objective: str) -> None:
    found = _found(TREATMENTS[objective])
    for count in (1, 5, 10):
        made = greedy(found, objective, count)
        assert len(made) == len({str(one) for one in made}) == count
    assert str(greedy(found, objective, 1)[0]) == "mixed:int8"
    # A longer list begins as a shorter one.
    assert greedy(found, objective, 10)[:5] == greedy(found, objective, 5)


def test_the_most_sensitive_are_excluded_first_and_the_least_pressed_on_first() -> None:
    found = _found(("int8", "int4"))
    made = [one for one in greedy(found, "size", 30) if isinstance(one, Mixed)]
    kept = [{n for n, t in one.layers if str(t) == "fp32"} for one in made]
    assert [one for one in kept if one] == [{*NAMES[-k:]} for k in (1, 2, 3, 5)]
    pressed = [{n for n, t in one.layers if str(t) == "int4"} for one in made]
    assert [one for one in pressed if one] == [{*NAMES[:k]} for k in (1, 2, 3, 5, 6)]


def test_groups_and_other_treatments_do_not_matter() -> None:
    found = _found(("int8",))
    group = replace(found.effects[0], name="g", layers=NAMES[:2], left=999)
    more = replace(found, effects=(*found.effects, group, _effect(NAMES[0], "bf16", 999)))
    assert greedy(more, "size", 9) == greedy(found, "size", 9)


def test_without_int8_nothing_is_proposed() -> None:
    with pytest.raises(SpecError, match="measured under int8"):
        greedy(_found(("int4",)), "size", 3)
    with pytest.raises(SpecError, match="at least one"):
        greedy(_found(("int8",)), "size", 0)


def test_optuna_is_optional_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(SpecError, match=r"irs-dashboard\[tune\]"):
        propose(_found(("int8",)), "size", 3, proposer="optuna", seed=0)


def test_optuna_proposes_the_same_from_the_same_seed() -> None:
    pytest.importorskip("optuna")
    found = _found(TREATMENTS["size"])
    made = with_optuna(found, "size", 8, seed=4, trials=60)
    assert made == with_optuna(found, "size", 8, seed=4, trials=60)
    assert len({str(one) for one in made}) == len(made) <= 8
    assert str(made[0]) == "mixed:int8"
