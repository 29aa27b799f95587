"""The counts that come with the shipped studies are those of their evidence."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from irs_core.analysis.kept_tally import _packed, kept_paths, open_tally, read_tally, tally_path
from irs_core.analysis.tally import tally_study
from irs_core.methods.kit.counts import StudyTally
from irs_core.store import Library, Study

SHIPPED = Path(__file__).resolve().parents[2] / "cached_results"
BUNDLES = sorted(SHIPPED.glob("*.irs.zip"))


def opened(bundle: Path, store: Path) -> Study:
    return Library(store).open_file(bundle, "shipped")


def assert_same(one: StudyTally, other: StudyTally) -> None:
    arrays: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    assert _packed(one, arrays[0]) == _packed(other, arrays[1])
    for left, right in zip(*arrays, strict=True):
        np.testing.assert_array_equal(left, right, strict=True)


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda one: one.name.removesuffix(".irs.zip"))
def test_they_are_what_counting_the_evidence_gives(bundle: Path, tmp_path: Path) -> None:
    """Where this fails: .venv/bin/python scripts/mark_shipped."""
    study = opened(bundle, tmp_path)
    assert_same(read_tally(kept_paths(study, tmp_path)[-1]), tally_study(study))


def test_there_are_none_of_anything_else(tmp_path: Path) -> None:
    wanted = {kept_paths(opened(one, tmp_path), tmp_path)[-1].name for one in BUNDLES}
    assert {one.name for one in (SHIPPED / "counts").iterdir()} == wanted


def test_a_fresh_store_counts_no_shipped_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("irs_core.analysis.kept_tally.count_study", None)
    study = opened(BUNDLES[0], tmp_path)
    assert open_tally(study, tmp_path).n == study.record.spec.n
    assert not tally_path(study, tmp_path).exists()


def test_an_imported_study_is_counted_although_it_came_along_as_well(tmp_path: Path) -> None:
    study = replace(opened(BUNDLES[0], tmp_path), origin="imported")
    assert kept_paths(study, tmp_path) == (tally_path(study, tmp_path),)


def test_damaged_ones_are_counted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = opened(BUNDLES[0], tmp_path)
    path = kept_paths(study, tmp_path)[-1]
    (tmp_path / "counts").mkdir()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    (tmp_path / "counts" / path.name).write_bytes(content)
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path))
    assert_same(open_tally(study, tmp_path), tally_study(study))
    assert tally_path(study, tmp_path).exists()
