"""Counts that are kept instead of counted again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from synthetic import synthetic_study

from irs_core.analysis import kept_tally
from irs_core.analysis.tally import tally_study
from irs_core.methods.kit.counts import StudyTally
from irs_core.store import Library, Study


@pytest.fixture
def study(tmp_path: Path) -> Study:
    library = Library(tmp_path / "store", tmp_path / "shipped")
    return library.open(synthetic_study(library).id)


def arrays(tally: StudyTally) -> list[np.ndarray]:
    found: list[np.ndarray] = []
    kept_tally._packed(tally, found)
    return found


def same(one: StudyTally, other: StudyTally) -> bool:
    pairs = zip(arrays(one), arrays(other), strict=True)
    return list(one.compressed) == list(other.compressed) and all(
        a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs
    )


def test_kept_counts_are_the_counts_and_need_no_predictions(study: Study, tmp_path: Path) -> None:
    counted = tally_study(study)
    first = kept_tally.open_tally(study, tmp_path / "store")
    for chunk in study.folder.glob("*/c/*/*"):
        chunk.unlink()
    again = kept_tally.open_tally(study, tmp_path / "store")
    assert same(counted, first)
    assert same(counted, again)
    assert type(again.base) is type(counted.base)
    assert (again.n0, again.n, again.sigma) == (counted.n0, counted.n, counted.sigma)


def test_damaged_counts_are_counted_again(study: Study, tmp_path: Path) -> None:
    root = tmp_path / "store"
    counted = kept_tally.open_tally(study, root)
    path = kept_tally.tally_path(study, root)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 255
    path.write_bytes(content)
    assert same(kept_tally.open_tally(study, root), counted)
    path.write_bytes(b"")
    assert same(kept_tally.open_tally(study, root), counted)


def test_other_evidence_and_other_labels_have_other_counts(study: Study, tmp_path: Path) -> None:
    record = study.record
    path = kept_tally.tally_path(study, tmp_path)
    other = replace(record, digests={name: "0" * 64 for name in record.digests})
    assert kept_tally.tally_path(replace(study, record=other), tmp_path) != path
    data = replace(record.data, labels=tuple(reversed(record.data.labels)))
    other = replace(record, data=data)
    assert kept_tally.tally_path(replace(study, record=other), tmp_path) != path


def test_draws_that_another_study_added_are_counted(study: Study, tmp_path: Path) -> None:
    spec = replace(study.record.spec, baseline=False)
    partial = replace(study, record=replace(study.record, spec=spec))
    paths = [kept_tally.tally_path(one, tmp_path) for one in (study, partial)]
    one = study.record.compressed[0].evidence["scratch-estimate"]
    with (study.folder / one / "journal.jsonl").open("a") as journal:
        journal.write("{}\n")
    assert kept_tally.tally_path(study, tmp_path) == paths[0]
    assert kept_tally.tally_path(partial, tmp_path) != paths[1]


def test_unfinished_study_is_counted_each_time(study: Study, tmp_path: Path) -> None:
    unfinished = Study(replace(study.record, finished=False), study.folder)
    kept_tally.open_tally(unfinished, tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_a_full_disk_costs_no_result(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    assert same(kept_tally.open_tally(study, tmp_path / "elsewhere"), tally_study(study))
    assert not list((tmp_path / "elsewhere").rglob("*.npz"))
