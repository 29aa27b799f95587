"""The page Side by side: two models of one study or of two, what differs, links to the inputs."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from app_pages import open_page, texts
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.equal_draws import equal_draws
from irs_core.analysis.side_by_side import changed_table, difference_table, side_by_side
from irs_core.analysis.tally import tally_study
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.settings import Settings
from irs_core.spec.study import NoiseSpec
from irs_core.store import Library, Study, StudyRecord
from ui.shared import figures

# Far apart, so that some inputs change sides.
SPEC = synthetic_spec(
    compressions=tuple(
        map(parse_compression, ("fp16", "prune:0.1", *map("prune:0.{}".format, range(2, 9))))
    ),
)


@pytest.fixture
def study(store: Path) -> Study:
    library = Library(store)
    return library.open(synthetic_study(library, SPEC, skewed=True).id)


def found_in(study: Study, first: str, second: str):  # type: ignore[no-untyped-def]
    analysis = Analysis(tally_study(study), Settings.of(study.record.spec))
    models = tuple(equal_draws(analysis, name) for name in (first, second))
    return side_by_side((analysis, analysis), models)  # type: ignore[arg-type]


def other_study(store: Path, **changes: object) -> StudyRecord:
    """A second study, of the same inputs unless its noise or data say otherwise."""
    spec = replace(SPEC, name="other", **changes)  # type: ignore[arg-type]
    # Evidence of its own, as of other models.
    return synthetic_study(Library(store), spec, skewed=True, execution="other")


def links(at) -> list[tuple[str, dict[str, list[str]]]]:  # type: ignore[no-untyped-def]
    found = [one.proto for one in at.get("page_link")]
    return [
        (one.label, parse_qs(one.query_string)) for one in found if one.label.startswith("Input ")
    ]


def test_two_models_of_a_study_are_the_ones_of_the_address(study: Study) -> None:
    at = open_page("compare", first="fp16 weights", second="prune 80%", radii="0.3")
    assert not at.exception
    found = found_in(study, "fp16", "prune:0.8")
    expected = difference_table(found, [0.3])
    shown = at.dataframe[0].value
    assert shown["quantity"].tolist() == ["ACR", "CA(0.3)"]
    assert shown["first less second"].tolist() == pytest.approx(
        expected["first less second"].tolist(), abs=1e-4
    )
    assert shown["sure low"].tolist() == pytest.approx(expected["sure low"].tolist(), abs=1e-4)
    assert "With 300 draws each, the average certified radius of **fp16 weights** (first)" in texts(
        at
    )
    chart = str(at.get("plotly_chart")[0].proto.spec)
    assert "fp16 weights" in chart
    assert "prune 80%" in chart


def test_inputs_that_changed_sides_lead_to_the_model_that_lost_them(study: Study) -> None:
    at = open_page("compare", first="fp16 weights", second="prune 80%", at="0.3", gamma="0.97")
    expected = changed_table(study.record, found_in(study, "fp16", "prune:0.8"), 0.3)
    assert len(expected)
    assert at.dataframe[1].value["input"].tolist() == expected["input"].tolist()
    found = links(at)
    assert len(found) == min(24, len(expected))
    for (_, query), (_, row) in zip(found, expected.iterrows(), strict=False):
        loser = "prune 80%" if row["certified by"] == "first" else "fp16 weights"
        assert query == {
            "study": [study.record.id],
            "model": [loser],
            "input": [str(row["input"])],
            "gamma": ["0.97"],
        }


def test_a_link_opens_its_input(study: Study) -> None:
    at = open_page("compare", first="fp16 weights", second="prune 80%", at="0.3")
    query = {name: value[0] for name, value in links(at)[0][1].items()}
    opened = open_page("inputs", **query)
    assert not opened.exception
    assert opened.selectbox(key="input").value == int(query["input"])
    assert opened.selectbox(key="model").value == "prune:0.8"


def test_where_no_input_changed_sides_that_is_said(study: Study) -> None:
    at = open_page("compare", at="9")
    assert not at.exception
    assert "No input changed sides at radius 9" in texts(at)
    assert not links(at)


def test_draws_move_both_models_and_others_are_exploring(study: Study) -> None:
    at = open_page("compare")
    slider = next(one for one in at.select_slider if one.key.startswith("each_"))
    assert slider.value == 300
    slider.set_value(150).run()
    assert not at.exception
    assert "With 150 draws each" in texts(at)
    assert texts(at).count("Exploring: not proven at 150 draws of each model") == 1


def test_the_original_stands_beside_an_only_compressed_model(store: Path) -> None:
    synthetic_study(Library(store), synthetic_spec(compressions=SPEC.compressions[:1]))
    at = open_page("compare")
    assert not at.exception
    assert at.selectbox(key="first").value == "base"
    assert at.selectbox(key="second").value == "fp16"
    assert "**original (fp32)** (first)" in texts(at)


def test_two_studies_on_the_same_inputs(study: Study, store: Path) -> None:
    other = other_study(store, n_p=(50, 170))
    at = open_page("compare", study=study.record.id, other=other.id, first="prune 80%")
    assert not at.exception
    assert not at.error
    assert at.query_params["other"] in (other.id, [other.id])
    assert at.selectbox(key="second").value == "prune:0.8"
    # The other study has no more.
    assert "With 170 draws each" in texts(at)
    assert "the average certified radius of **prune 80%, " in texts(at)
    assert f"study {other.id}" in texts(at)
    assert f"study {study.record.id}" in texts(at)
    # What files of the tables say of "first" and "second".
    about = at.session_state[figures._ABOUT]
    assert (about["first_study"], about["second_study"]) == (study.record.id, other.id)
    assert about["first_model"] == about["second_model"] == "prune 80%"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"noise": NoiseSpec(0.25, seed=7)}, "they draw other noise (sigma 0.5 against 0.25)"),
        ({"data": replace(SPEC.data, max=30)}, "they report other inputs (40 inputs of"),
    ],
)
def test_studies_that_cannot_be_compared_say_why(
    study: Study, store: Path, changes: dict[str, object], said: str
) -> None:
    other = other_study(store, **changes)
    at = open_page("compare", study=study.record.id, other=other.id)
    assert not at.exception
    assert sum(said in one.value for one in at.info) == 1
    assert not at.get("plotly_chart")
    assert not at.dataframe


def test_the_same_model_twice_is_no_comparison(study: Study) -> None:
    at = open_page("compare", first="fp16 weights", second="fp16 weights")
    assert not at.exception
    assert "Both sides are the same model" in texts(at)


def test_another_second_study_takes_only_models_that_it_has(study: Study, store: Path) -> None:
    other = other_study(store, compressions=SPEC.compressions[:1])
    at = open_page("compare", study=study.record.id, first="prune 80%", second="prune 70%")
    at.selectbox(key="other_picker").set_value(other.id).run()
    assert not at.exception
    assert at.selectbox(key="second").value == "fp16"
    at.selectbox(key="study_picker").set_value(other.id).run()
    assert not at.exception
    assert at.selectbox(key="other_picker").value in (study.record.id, other.id)


def test_an_unknown_study_of_a_link_is_named(study: Study) -> None:
    at = open_page("compare", other="nonsense")
    assert not at.exception
    assert any("no study 'nonsense' here" in one.value for one in at.warning)
