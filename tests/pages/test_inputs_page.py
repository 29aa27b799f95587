"""The page Inputs: details of what the filter keeps, both models, both answers, what lost it."""

from pathlib import Path

import numpy as np
import pytest
from app_pages import open_page, texts
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.equal_draws import equal_draws
from irs_core.analysis.losses import Loss, losses
from irs_core.analysis.tally import tally_study
from irs_core.spec.settings import Settings
from irs_core.store import BASE, Library, Study
from ui.explore import certified

# Few draws of the compressed model, so that some inputs are lost to the budget.
SPEC = synthetic_spec(n_p=(10, 20))


@pytest.fixture
def study(store: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    def grey(study: Study, root: str | None):  # type: ignore[no-untyped-def]
        return lambda rows: np.full((len(rows), 1, 8, 8), 0.5, np.float32)

    monkeypatch.setattr(certified, "image_reader", grey)
    library = Library(store)
    return library.open(synthetic_study(library, SPEC, skewed=True).id)


def lost_rows(study: Study, name: str) -> dict[Loss, list[int]]:
    analysis = Analysis(tally_study(study), Settings.of(study.record.spec))
    model, equal = analysis.main_certificates(name), equal_draws(analysis, name)
    found = losses(analysis.base, model, analysis.labels, equal)
    return {loss: np.flatnonzero(found == loss).tolist() for loss in Loss}


def metrics(at) -> dict[str, str]:  # type: ignore[no-untyped-def]
    return {one.label: one.value for one in at.metric}


def test_details_belong_to_an_input_that_the_filter_keeps(study: Study) -> None:
    rows = lost_rows(study, "prune:0.1")
    kept, lost = rows[Loss.NONE], [row for row in range(40) if row not in rows[Loss.NONE]]
    assert kept
    assert lost
    at = open_page("inputs", model="prune 10%", input=str(kept[0]))
    assert at.selectbox(key="input").value == kept[0]
    at.get("button_group")[0].set_value("lost").run()
    assert not at.exception
    box = at.selectbox(key="input")
    assert {int(one) for one in box.options} == set(lost)
    assert box.value in lost
    assert f"Input {box.value}: the original's" in texts(at)


def test_nothing_is_taken_apart_where_the_filter_keeps_nothing(study: Study) -> None:
    assert not lost_rows(study, "fp16")[Loss.COMPRESSION]
    at = open_page("inputs", model="fp16 weights", show="lost by compression", input="1")
    assert not at.exception
    assert "No input is of that kind" in texts(at)
    assert "One input" not in [one.value for one in at.subheader]
    assert not at.metric


def test_an_input_of_a_link_that_the_filter_drops_is_named(study: Study) -> None:
    kept = lost_rows(study, "prune:0.1")[Loss.NONE][0]
    at = open_page("inputs", model="prune 10%", show="lost", input=str(kept))
    assert any(f"Input '{kept}' is not among those shown" in one.value for one in at.warning)
    assert at.selectbox(key="input").value != kept
    at = open_page("inputs", input="nonsense")
    assert any("Input 'nonsense' is not" in one.value for one in at.warning)


def test_what_lost_an_input_is_said(study: Study) -> None:
    budget = lost_rows(study, "prune:0.1")[Loss.BUDGET]
    assert budget
    at = open_page("inputs", model="prune 10%", show="lost by the budget")
    row = at.selectbox(key="input").value
    assert row in budget
    assert "Lost by the budget: with 20 draws instead of 2,000" in texts(at)
    assert any(one.label.endswith(": budget") for one in at.button)
    assert metrics(at)["prune 10%"] == "abstains"
    assert " up to 0." in metrics(at)["original (fp32)"]


def test_the_branch_is_said_in_words(study: Study) -> None:
    at = open_page("inputs", model="prune 10%")
    assert "**original (fp32)**, drawn for the original. " in texts(at)
    branches = set(at.dataframe[-2].value["branch"]) | set(at.dataframe[-1].value["branch"])
    assert branches & {"drawn anew", "not drawn", "reused from the original, less what is lost"}


def test_votes_of_the_chosen_model_stand_beside_the_originals(study: Study) -> None:
    at = open_page("inputs", model="prune 10%", input="5")
    chart = str(at.get("plotly_chart")[0].proto.spec)
    assert "original (fp32)" in chart
    assert "prune 10%" in chart
    assert "fp16" not in chart
    at.multiselect(key="votes").set_value(["fp16"]).run()
    assert "fp16" in str(at.get("plotly_chart")[0].proto.spec)


def test_noisy_copies_show_both_answers_where_both_are_stored(study: Study) -> None:
    at = open_page("inputs", model="prune 10%", input="5", draw="16")
    both = [
        study.evidence(model.evidence["estimate"]).read(24)[5][16:].tolist()
        for model in study.record.models
        if model.name in (BASE, "prune:0.1")
    ]
    expected = [
        f"both: {one}" if one == other else f"original: {one}; prune 10%: {other}"
        for one, other in zip(*both, strict=True)
    ]
    # The model has 20 draws.
    missing = [f"original: {one}; prune 10%: not drawn for this input" for one in both[0]]
    said = [image.caption for one in at.get("image") for image in one.proto.imgs]
    assert [one for one in said if one] == expected[:4] + missing[4:]


def test_no_answers_stand_below_noise_of_another_seed(study: Study) -> None:
    at = open_page("inputs", model="prune 10%", input="5", noise_seed="8")
    said = [image.caption for one in at.get("image") for image in one.proto.imgs]
    assert not any(said)
    assert "answers are stored for seed 7 only" in texts(at)
