"""Where a search stands: its winner, its front, what it says."""

from dataclasses import replace
from pathlib import Path

import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.decide import Requirement, most_flags
from irs_core.errors import MissingEvidenceError, SpecError, StoreError
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.cost import ModelCost, Size, Speed
from irs_core.spec.study import DataSpec, StudySpec
from irs_core.store import Library
from irs_core.tune.search import (
    Outcome,
    Search,
    inputs_needed,
    other_searches,
    outcome,
    prepare_search,
    read_search,
    save_search,
    searches,
    winner_of,
)

WANTED = Requirement(radius=0.1, tolerance=0.05, max_loss=0.25, confidence=0.9)
TEXTS = ("mixed:bf16", "mixed:int4", "mixed:fp32,fc=int4")


def _spec(
    objective: str = "latency", asked: Requirement = WANTED, **more: object
) -> tuple[StudySpec, Search]:
    return prepare_search(
        synthetic_spec(data=DataSpec(max=60, holdout=10)),
        tuple(map(parse_compression, TEXTS)),
        asked,
        objective,
        proposer="greedy",
        seed=1,
        **more,
    )


def _outcome(
    tmp_path: Path,
    objective: str,
    times: dict[str, float] | None = None,
    asked: Requirement = WANTED,
) -> Outcome:
    library = Library(tmp_path)
    spec, search = _spec(objective, asked)
    record = synthetic_study(library, spec)
    if times is not None:
        models = [
            replace(
                one,
                cost=ModelCost(
                    Size(int(1000 * times.get(one.name, 9)), 9999),
                    Speed(times.get(one.name, 9), 10, 5, 1.0, 1, "r", "h"),
                ),
            )
            for one in record.models
        ]
        library.save(replace(record, models=tuple(models)))
    return outcome(search, library.open(record.id), library)


@pytest.mark.parametrize("objective", ["latency", "size"])
def test_the_winner_holds_and_has_least_of_the_objective(tmp_path: Path, objective: str) -> None:
    found = _outcome(tmp_path, objective, {TEXTS[0]: 3.0, TEXTS[1]: 1.0, TEXTS[2]: 2.0})
    states = {one.standing.name: one.standing.state for one in found.candidates}
    holding = [name for name in (TEXTS[1], TEXTS[2], TEXTS[0]) if states[name] == "holds"]
    assert holding
    assert found.winner == winner_of(found) == holding[0]
    assert found.unmeasured == ()
    assert f"least {objective}" in found.sentence


def test_without_costs_there_is_no_winner_by_latency(tmp_path: Path) -> None:
    found = _outcome(tmp_path, "latency")
    assert found.winner is None
    assert set(found.unmeasured) <= set(TEXTS)
    assert found.unmeasured
    with pytest.raises(MissingEvidenceError, match="no winner"):
        winner_of(found)


def test_by_draws_no_cost_is_needed(tmp_path: Path) -> None:
    found = _outcome(tmp_path, "draws")
    values = {o.standing.name: o.value for o in found.candidates if o.standing.state == "holds"}
    assert found.winner == min(values, key=values.__getitem__)
    assert found.draws == sum(one.standing.draws for one in found.candidates)
    assert found.alone == 2 * 60 * (100 + 2000)


def test_a_requirement_on_size_is_kept_as_well(tmp_path: Path) -> None:
    library = Library(tmp_path)
    asked = replace(WANTED, max_bytes=1)
    spec, search = prepare_search(
        synthetic_spec(), (parse_compression(TEXTS[0]),), asked, "draws", proposer="greedy", seed=1
    )
    record = synthetic_study(library, spec)
    found = outcome(search, library.open(record.id), library)
    assert found.candidates[0].standing.decision.loss is not None
    assert found.winner is None


def test_the_front_is_what_nothing_beats(tmp_path: Path) -> None:
    found = _outcome(tmp_path, "latency", {TEXTS[0]: 1.0, TEXTS[1]: 1.0, TEXTS[2]: 2.0})
    for one in found.candidates:
        beaten = any(
            other.value <= one.value
            and other.standing.kept >= one.standing.kept
            and (other.value, -other.standing.kept) != (one.value, -one.standing.kept)
            for other in found.candidates
            if other.standing.state != "fails"
        )
        assert one.front == (not beaten and one.standing.state != "fails")


def test_what_is_kept_is_certified_in_the_original_and_not_lost(tmp_path: Path) -> None:
    found = _outcome(tmp_path, "draws")
    for one in found.candidates:
        decision = one.standing.decision
        assert one.standing.kept <= decision.base_certified
        assert one.standing.kept >= decision.base_certified - decision.loss.may
        assert 0 <= one.standing.kept_at_least < one.standing.kept / found.inputs


def test_the_confidence_is_said_with_what_each_candidate_gets(tmp_path: Path) -> None:
    found = _outcome(tmp_path, "draws")
    assert "90% confidence: each has 1/3 of the failure probability" in found.sentence


def test_a_second_search_on_the_same_inputs_says_that_levels_add_up(tmp_path: Path) -> None:
    library = Library(tmp_path)
    found = []
    for texts in (TEXTS, TEXTS[:1]):
        spec, search = prepare_search(
            synthetic_spec(),
            tuple(map(parse_compression, texts)),
            WANTED,
            "draws",
            proposer="greedy",
            seed=1,
        )
        save_search(tmp_path, search)
        record = synthetic_study(library, spec)
        found.append(outcome(search, library.open(spec.id), library))
    assert [one.others for one in found] == [0, 1]
    assert "add up" not in found[0].sentence
    assert "on these inputs: 1. Each has a failure probability of its own" in found[1].sentence
    elsewhere = replace(record.data, digest="others")
    assert other_searches(library, replace(record, data=elsewhere)) == 0
    assert other_searches(library, record) == 1


def test_too_few_inputs_are_known_beforehand() -> None:
    spec, _ = _spec()
    hard = replace(WANTED, max_loss=0.01, confidence=0.99)
    needed = inputs_needed(hard, spec, 60)
    share, level = hard.beta / 3, 0.001 + spec.alpha + spec.alpha_zeta + 0.0005
    assert most_flags(needed, max_share=0.01, beta=share, level=level) == 0
    assert most_flags(needed - 1, max_share=0.01, beta=share, level=level) is None
    assert inputs_needed(hard, spec, needed) is None


def test_searches_read_back(tmp_path: Path) -> None:
    _, search = _spec(budget=50.0, sensitivity="abc")
    save_search(tmp_path, search)
    assert read_search(tmp_path, search.study) == search
    assert searches(tmp_path) == [search]
    assert search.asked == WANTED
    (tmp_path / "tune" / "searches" / "x.json").write_text("{")
    assert searches(tmp_path) == [search]
    with pytest.raises(StoreError, match="cannot read"):
        read_search(tmp_path, "x")
    with pytest.raises(StoreError, match="is no search"):
        read_search(tmp_path, "y")


def test_the_same_seed_asks_for_the_same_study() -> None:
    assert _spec()[0].id == _spec()[0].id


@pytest.mark.parametrize("wrong", [{"objective": "beauty"}, {"budget": 0.0}, {"budget": -1.0}])
def test_a_search_that_breaks_a_rule_is_refused(wrong: dict[str, object]) -> None:
    _, search = _spec()
    with pytest.raises(SpecError):
        replace(search, **wrong)


def test_a_candidate_that_does_not_hold_never_wins(tmp_path: Path) -> None:
    # So strict that nothing can be shown on these inputs.
    found = _outcome(tmp_path, "size", dict.fromkeys(TEXTS, 1.0), replace(WANTED, max_loss=0.001))
    assert {one.standing.state for one in found.candidates} == {"eliminated"}
    assert [one.value for one in found.candidates] == [1000.0] * 3
    assert found.winner is None


def test_draws_until_eliminated_are_not_draws_that_settle(tmp_path: Path) -> None:
    found = _outcome(tmp_path, "draws", asked=replace(WANTED, max_loss=0.001))
    assert [one.standing.state for one in found.candidates] == ["eliminated"] * 3
    assert all(one.standing.draws for one in found.candidates)
    assert [one.value for one in found.candidates] == [None] * 3
    assert not any(one.front for one in found.candidates)
