"""Shipped studies are counted before anybody opens one."""

from pathlib import Path

import pytest
from synthetic import synthetic_study

from irs_core.actions import ahead
from irs_core.analysis.kept_tally import open_tally, read_tally, tally_path
from irs_core.store import Library
from irs_core.store.bundle import write_bundle


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of shipped bundles with one study."""
    folder, source = tmp_path / "came-along", Library(tmp_path / "source")
    folder.mkdir()
    write_bundle(folder / "one.irs.zip", synthetic_study(source), source.evidence_folder)
    monkeypatch.setenv("IRS_SHIPPED", str(folder))
    return folder


def test_a_process_counts_what_a_fresh_store_lacks(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IRS_COUNT_AHEAD")
    store = tmp_path / "store"
    started = ahead.start(store)
    assert started is not None
    assert started.wait(120) == 0
    (study,) = Library(store).studies()
    kept = read_tally(tally_path(study, store))
    assert kept.budgets.tolist() == open_tally(study, tmp_path / "other").budgets.tolist()


def test_it_starts_nothing_where_it_is_not_wanted(shipped: Path, tmp_path: Path) -> None:
    assert ahead.start(tmp_path / "store") is None


def test_without_processes_studies_are_counted_when_they_are_opened(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IRS_COUNT_AHEAD")
    monkeypatch.setattr("sys.executable", str(tmp_path / "none"))
    assert ahead.start(tmp_path / "store") is None


def test_a_damaged_study_keeps_no_other_from_being_counted(shipped: Path, tmp_path: Path) -> None:
    (shipped / "another.irs.zip").write_bytes(b"PK nothing")
    ahead.count_shipped(tmp_path / "store")
    assert len(list((tmp_path / "store" / "tallies").iterdir())) == 1


def test_what_others_sent_is_neither_read_nor_counted(shipped: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    (store / "bundles").mkdir(parents=True)
    (shipped / "one.irs.zip").rename(store / "bundles" / "one.irs.zip")
    ahead.count_shipped(store)
    assert not (store / "tallies").exists()
    assert not (store / "verified").exists()


def test_a_demo_counts_nothing_ahead(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IRS_COUNT_AHEAD")
    monkeypatch.setenv("IRS_DEMO", "1")
    assert ahead.start(tmp_path / "store") is None
