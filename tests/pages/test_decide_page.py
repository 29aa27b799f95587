"""The first page answers the question that everybody has."""

import pytest
from app_pages import open_page, texts
from synthetic import synthetic_spec, synthetic_study

from irs_core.spec.study import DataSpec
from irs_core.store import Library


@pytest.fixture
def shipped(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRS_STORE", str(tmp_path))


def candidates(at):
    return next(one.value for one in at.dataframe if "verdict" in one.value)


def test_a_newcomer_reads_the_answer_first(shipped) -> None:
    at = open_page("decide")
    assert not at.exception
    (answer,) = at.success
    assert "Yes." in answer.value
    assert "int8 may ship: wherever the original is right and provably withstands" in answer.value
    assert "4.0× smaller" in answer.value
    # The requirement in words, as on the sheet, the slides and the command line.
    assert (
        "**Required:** int8 withstands at least 0.45 wherever the original withstands 0.50, with "
        "at most 1% exceptions; confidence 99%."
    ) in texts(at)
    assert "10,000 draws" in texts(at)
    assert "The level holds if n_p was chosen before the original's draws were seen" in texts(at)
    assert "and the draws over which leavers are counted" in texts(at)


def test_another_model_and_another_requirement(shipped) -> None:
    at = open_page("decide", model="prune 20%")
    assert "Not decided." in at.warning[0].value
    at.selectbox(key="model").set_value("int8").run()
    assert at.success
    at.number_input(key="tolerance_f6529b").set_value(0.0).run()
    assert "of these 500 inputs, 16 may be lost" in at.warning[0].value
    verdicts = candidates(at).set_index("model")["may be lost"]
    assert verdicts["int8"] == 16


def test_what_fewer_draws_cost_is_told_from_what_compression_costs(shipped) -> None:
    at = open_page("decide", model="prune 20%")
    assert "The original had 10,000 draws per input, prune 20% has 1,000." in texts(at)
    costs = next(one.value for one in at.dataframe if "quantity" in one.value)
    assert costs["quantity"].tolist() == ["ACR", "CA(0.5)"]
    assert (costs["cost of fewer draws: sure low"] > 0).all()
    assert (costs["cost of compression: sure low"] < 0).all()


def test_a_study_of_the_original_alone_has_nothing_to_judge(tmp_path, monkeypatch) -> None:
    (tmp_path / "none").mkdir()
    monkeypatch.setenv("IRS_STORE", str(tmp_path))
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path / "none"))
    synthetic_study(Library(tmp_path), synthetic_spec(compressions=(), data=DataSpec(max=20)))
    at = open_page("decide")
    assert not at.exception
    assert "no compressed model to judge" in texts(at)


def test_few_inputs_are_flagged(tmp_path, monkeypatch) -> None:
    (tmp_path / "none").mkdir()
    monkeypatch.setenv("IRS_STORE", str(tmp_path))
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path / "none"))
    synthetic_study(Library(tmp_path))
    at = open_page("decide")
    assert not at.exception
    assert any("40 inputs" in one.value for one in at.warning)
