"""Pages that explore a study, where it lacks something or is one of several."""

from dataclasses import replace
from pathlib import Path

from app_pages import open_page, texts
from streamlit.testing.v1 import AppTest
from synthetic import synthetic_spec, synthetic_study

from irs_core.papers import PARTS
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import DataSpec, NoiseSpec
from irs_core.store import Library
from ui.shared import figures


def test_study_without_baseline_shows_the_other_methods(store: Path) -> None:
    from irs_core.store import ModelRecord

    library = Library(store)
    record = synthetic_study(library, synthetic_spec(baseline=False))
    empty = library.evidence_folder

    def without(model: ModelRecord) -> ModelRecord:
        for stream in ("scratch-select",):
            for chunk in (empty / model.evidence[stream]).glob("c/*/*"):
                chunk.unlink()
        return model

    for model in record.compressed:
        without(model)
    overview = open_page("overview")
    assert not overview.exception
    assert not overview.error
    curves = open_page("acr_time")
    assert not curves.exception
    assert "baseline" in curves.info[0].value


def test_both_models_move_along_one_slider_of_draws(store: Path) -> None:
    record = synthetic_study(Library(store))
    at = open_page("overview")
    slider = at.select_slider(key=f"draws_{record.id[:6]}")
    assert slider.value == 300
    assert "With 300 draws each" in texts(at)
    assert "xploring" not in texts(at)
    # 100 is one of the study's own numbers, 150 is not.
    slider.set_value(100).run()
    assert "With 100 draws each" in texts(at)
    assert "xploring" not in texts(at)
    at.select_slider(key=f"draws_{record.id[:6]}").set_value(150).run()
    assert not at.exception
    assert "Exploring: not proven at 150 draws of each model" in texts(at)
    assert "With 150 draws each" in texts(at)


def test_views_of_equal_draws_and_radii_of_ones_own(store: Path) -> None:
    synthetic_study(Library(store))
    at = open_page("overview")
    at.multiselect(key="radii").set_value(["0.25", "0.6", "far", "-1"]).run()
    assert any("got far, -1" in one.value for one in at.warning)
    assert at.dataframe[1].value["radius"].tolist() == [0.25, 0.6]
    assert {"CA(0.25)", "CA(0.6)"} <= set(at.dataframe[0].value)
    for view in ("certified radii", "how sure they are", "hard and easy inputs"):
        at.get("button_group")[-1].set_value(view).run()
        assert not at.exception
    kinds = at.dataframe[1].value
    assert kinds["inputs are"].tolist() == ["wrong", "hard", "middle", "easy"]
    assert kinds["inputs"].sum() == 40


def test_study_without_hold_out_says_how_to_get_one(store: Path) -> None:
    synthetic_study(Library(store), synthetic_spec(data=DataSpec(max=40)))
    at = open_page("gamma_sweep")
    assert not at.exception
    assert "no held-out inputs" in at.info[0].value


def test_papers_without_studies_says_how_to_compute_them(store: Path) -> None:
    at = open_page("papers")
    at.selectbox(key="table").set_value("2").run()
    assert not at.exception
    assert "None of the 27 published numbers has a counterpart" in texts(at)
    assert "reproduce" in texts(at)


def papers_with_a_counterpart(store: Path) -> AppTest:
    """The page, with a synthetic study of fp16 weights in the place of one of its own."""
    part = next(part for part in PARTS if part.key == "cifar10-resnet20-0.50")
    spec = part.spec(DataSpec("image-folder", root="images"))
    synthetic_study(Library(store), replace(spec, compressions=(parse_compression("fp16"),)))
    return open_page("papers")


def test_papers_shows_published_beside_measured(store: Path) -> None:
    at = papers_with_a_counterpart(store)
    at.selectbox(key="table").set_value("8").run()
    assert not at.exception
    frame = at.dataframe[0].value
    assert frame["published"].tolist() == [0.006]
    assert frame["measured"].notna().all()
    assert len(at.get("plotly_chart")) == 2
    assert "Ugare" in texts(at)


def test_papers_shows_speedups_under_every_accounting(store: Path) -> None:
    at = papers_with_a_counterpart(store)
    at.selectbox(key="table").set_value("2").run()
    assert not at.exception
    frame = at.dataframe[0].value
    assert frame[["as published", "released code", "fair"]].notna().all().all()
    assert "of 1 each" in texts(at)
    assert "images that f gets wrong cost IRS nothing" in texts(at)


def test_certified_accuracy_shows_the_envelope_over_studies(store: Path) -> None:
    library = Library(store)
    first = synthetic_study(library)
    other = synthetic_study(library, synthetic_spec(noise=NoiseSpec(0.25, seed=9), name="other"))
    at = open_page("certified_accuracy", study=first.id)
    assert not at.exception
    studies = set(at.dataframe[0].value["study"])
    assert studies == {"σ = 0.5", "σ = 0.25", "best σ at each radius"}
    # What files of the tables say of the names in them.
    named = at.session_state[figures._STUDIES]
    assert {name: one["study_id"] for name, one in named.items()} == {
        "σ = 0.5": first.id,
        "σ = 0.25": other.id,
    }


def test_a_study_under_another_kind_of_noise_waits_to_be_chosen(store: Path) -> None:
    library = Library(store)
    first = synthetic_study(library)
    noise = NoiseSpec(0.25, seed=9, kind="rounded")
    other = synthetic_study(library, synthetic_spec(noise=noise, name="other"))
    at = open_page("certified_accuracy", study=first.id)
    assert set(at.dataframe[0].value["study"]) == {"σ = 0.5"}
    at.multiselect(key=f"with_{first.id[:6]}").set_value([other.id]).run()
    assert not at.exception
    assert set(at.dataframe[0].value["study"]) == {"σ = 0.5", "σ = 0.25"}


def test_inputs_filter_keeps_only_what_the_model_loses(store: Path) -> None:
    synthetic_study(Library(store))
    at = open_page("inputs", show="wrong")
    assert not at.exception
    at.get("button_group")[0].set_value("lost").run()
    assert not at.exception
    assert "of 40 reported inputs" in texts(at) or "No input is of that kind" in texts(at)


def test_inputs_without_images_says_how_to_get_them(store: Path) -> None:
    data = DataSpec("image-folder", root="/nowhere", max=40, holdout=20)
    synthetic_study(Library(store), synthetic_spec(data=data))
    at = open_page("inputs")
    assert not at.exception
    assert "not where the app may read them" in texts(at)
    assert "ROOT" in texts(at)
    assert any(button.label.startswith("#0 ") for button in at.button)
    assert len(at.get("plotly_chart")) == 1
