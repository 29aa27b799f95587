"""What an address says is what a page shows, and what a page shows is in its address."""

from pathlib import Path

from app_pages import open_page, texts
from synthetic import synthetic_spec, synthetic_study

from irs_core.spec.study import NoiseSpec
from irs_core.store import Library


def test_link_opens_the_study_and_the_settings_it_names(store: Path) -> None:
    library = Library(store)
    first = synthetic_study(library)
    synthetic_study(library, synthetic_spec(noise=NoiseSpec(0.25, seed=9), name="other"))
    at = open_page("overview", study=first.id, alpha="0.01")
    assert not at.exception
    assert at.selectbox(key="study_picker").value == first.id
    assert "α = 0.01" in texts(at)


def test_unknown_study_in_the_link_is_said(store: Path) -> None:
    synthetic_study(Library(store))
    at = open_page("overview", study="nonsense")
    assert not at.exception
    assert "nonsense" in at.warning[0].value


def test_another_study_brings_its_own_settings(store: Path) -> None:
    library = Library(store)
    one = synthetic_study(library)
    spec = synthetic_spec(noise=NoiseSpec(0.25, seed=9), gamma=0.95, alpha=0.01, name="other")
    other = synthetic_study(library, spec)
    at = open_page("pa_histogram", study=one.id)
    at.select_slider(key="gamma").set_value(0.9).run()
    assert "γ = 0.9 " in texts(at)
    at.selectbox(key="study_picker").set_value(other.id).run()
    assert not at.exception
    assert [one.value for one in at.warning if one.icon != ":material/flag:"] == []
    assert "γ = 0.95 ·" in texts(at)
    assert "α = 0.01" in texts(at)


def test_controls_come_from_the_address(store: Path) -> None:
    record = synthetic_study(Library(store))
    at = open_page("overview", study=record.id, against="latency", gamma="0.95")
    assert at.get("button_group")[0].value == "latency"
    assert "γ = 0.95 ·" in texts(at)
    at = open_page("certified_accuracy", study=record.id, radii="0.5", shown2="original (fp32)")
    assert at.dataframe[0].value["model"].tolist() == ["original (fp32)"]
    assert "CA(0.5)" in at.dataframe[0].value


def test_tour_leads_from_page_to_page(store: Path) -> None:
    synthetic_study(Library(store))
    at = open_page("overview", tour="1")
    assert not at.exception
    assert "Tour, 1 of" in texts(at)
    assert not open_page("overview", tour="nonsense").exception


def test_share_links_to_the_settings_in_view(store: Path) -> None:
    record = synthetic_study(Library(store))
    at = open_page("share", study=record.id)
    at.select_slider(key="gamma").set_value(0.95).run()
    assert not at.exception
    assert f"?study={record.id}&gamma=0.95" in at.code[0].value


def test_sample_sizes_answers_what_a_radius_needs(store: Path) -> None:
    at = open_page("sample_sizes", plan_p="0.9", plan_radius="1.5")
    assert not at.exception
    assert "No number of draws certifies r = 1.5" in texts(at)
    at.number_input(key="plan_radius").set_value(0.5).run()
    assert "needs **n = " in texts(at)
