"""Budgets and wishes on the command line."""

import re

import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.why import plan_table
from irs_core.cli.goals import with_goal
from irs_core.cli.main import main
from irs_core.errors import SpecError
from irs_core.goals.goal import predict
from irs_core.spec.goal import Goal, read_goal
from irs_core.spec.study import StudySpec
from irs_core.store import Library


def _goal(**given: object) -> Goal | None:
    return read_goal(**given)  # type: ignore[arg-type]


def test_goals_are_read() -> None:
    assert _goal() is None
    assert _goal(budget="20000") == Goal(draws=20000)
    assert _goal(budget="2%") == Goal(share=0.02)
    assert _goal(budget="1.5s") == Goal(seconds=1.5)
    assert _goal(reach_acr=0.4) == Goal(acr=0.4)
    assert _goal(max_loss=0.1) == Goal(loss=0.1)
    with pytest.raises(SpecError, match="got 'many'"):
        _goal(budget="many")


@pytest.mark.parametrize(
    ("goal", "n_p"),
    [(Goal(draws=40 * 150), 150), (Goal(share=0.05), 100), (Goal(acr=0.05), None)],
)
def test_a_goal_becomes_a_study(tmp_path, goal: Goal, n_p: int | None, capsys) -> None:
    library = Library(tmp_path)
    record = synthetic_study(library)
    found: StudySpec = with_goal(record.spec, goal, library, lambda _: record)
    assert found.methods == ("cirs",)
    assert not found.baseline
    assert len(found.n_p) == 1
    assert n_p is None or found.n_p == (n_p,)
    assert "expected of cirs" in capsys.readouterr().err


def test_a_wished_loss_is_part_of_the_study(tmp_path) -> None:
    library = Library(tmp_path)
    record = synthetic_study(library)
    found = with_goal(record.spec, Goal(loss=0.3), library, lambda _: record)
    assert found.max_loss == 0.3
    with pytest.raises(SpecError, match="at least one compression"):
        with_goal(synthetic_spec(compressions=()), Goal(share=0.1), library, lambda _: record)


def test_a_forecast_prints_the_plan_of_each_input(tmp_path, capsys) -> None:
    library = Library(tmp_path)
    record = synthetic_study(library)
    assert with_goal(record.spec, None, library, lambda _: record, why="fp16") == record.spec
    printed = capsys.readouterr().out
    assert "expected radius" in printed
    assert printed.count("Incremental: ") > 5
    _holds_as_printed(record, library, printed)
    with pytest.raises(SpecError, match="got 'bf16'"):
        with_goal(record.spec, None, library, lambda _: record, why="bf16")


def _holds_as_printed(record, library, printed) -> None:
    table = plan_table(record, predict(record, library), "fp16")
    shown = re.findall(r"(?:incremental|direct|skipped) +\d+ +(\d\.\d{4}) ", printed)
    assert len(shown) == len(table)
    bounds = table["p_A bound"].tolist()
    assert all(float(one) <= bound for one, bound in zip(shown, bounds, strict=True))
    assert any(f"{bound:.4f}" != one for one, bound in zip(shown, bounds, strict=True))


def test_speedups_and_reasons_are_printed(tmp_path, capsys) -> None:
    record = synthetic_study(Library(tmp_path))
    assert main(["studies", record.id, "--store", str(tmp_path), "--speedups"]) == 0
    printed = capsys.readouterr().out
    assert "cirs (draws)" in printed
    assert "prune:0.1" in printed
    assert main(["studies", record.id, "--store", str(tmp_path), "--why", "fp16"]) == 0
    assert capsys.readouterr().out.count("Incremental") > 5


def test_a_budget_needs_cirs(capsys) -> None:
    assert main(["certify", "--budget", "2%"]) == 2
    assert "--method cirs" in capsys.readouterr().err
