"""What is cached, and when it is read again."""

from dataclasses import replace
from pathlib import Path

import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.spec.settings import Settings
from irs_core.spec.study import NoiseSpec
from irs_core.store import Library
from ui.shared import analyses, refusals
from ui.shared import library as shared_library


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shipped").mkdir()
    monkeypatch.setenv("IRS_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path / "shipped"))
    return tmp_path / "store"


def test_new_study_appears_and_a_changed_one_is_read_again(store: Path) -> None:
    assert shared_library.list_studies() == ()
    library = Library(store)
    record = synthetic_study(library)
    (study,) = shared_library.list_studies()
    assert study.record == record
    library.save(replace(record, finished=False))
    assert not shared_library.list_studies()[0].record.finished


def test_equal_settings_share_one_analysis_and_others_do_not(store: Path) -> None:
    synthetic_study(Library(store))
    (study,) = shared_library.list_studies()
    first = analyses.analysis(study, Settings(0.001, 0.001, 0.99))
    assert analyses.analysis(study, Settings(0.001, 0.001, 0.99)) is first
    assert analyses.analysis(study, Settings(0.001, 0.001, 0.98)) is not first
    held_out = analyses.analysis(study, Settings(0.001, 0.001, 0.99), held_out=True)
    assert len(held_out.labels) == 20


def test_panels_follow_the_names_asked_for(store: Path) -> None:
    synthetic_study(Library(store))
    (study,) = shared_library.list_studies()
    (panel,) = analyses.panels(study, Settings.of(study.record.spec), ["prune:0.1"])
    assert panel.title == "prune 10%"
    assert len(panel.comparison.points("irs")) == 3


def test_labels_leave_out_what_all_titles_begin_with(store: Path) -> None:
    library = Library(store)
    titles = ("CIFAR-10, sigma 1", "CIFAR-10, sigma 1, integer")
    records = [
        synthetic_study(library, synthetic_spec(name=name, noise=NoiseSpec(1.0, seed=seed)))
        for seed, name in enumerate(titles)
    ]
    assert list(shared_library.study_labels(records).values()) == ["sigma 1", "sigma 1, integer"]


def test_errors_read_as_sentences() -> None:
    assert refusals.sentence(ValueError("n must be 1; got 0")) == "N must be 1; got 0."
    assert refusals.sentence(ValueError()) == "ValueError."
