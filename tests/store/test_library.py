"""Which of several studies of one specification is shown, and where it says it is from."""

import json
import shutil
import zipfile
from dataclasses import replace

import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.store import Library


@pytest.fixture
def path(tmp_path):
    library = Library(tmp_path / "a", tmp_path / "none")
    path = tmp_path / "study.irs.zip"
    library.export(synthetic_study(library).id, path)
    return path


@pytest.fixture
def library(tmp_path):
    (tmp_path / "shipped").mkdir()
    return Library(tmp_path / "b", tmp_path / "shipped")


def _origins(library):
    return [study.origin for study in library.studies()]


def test_every_study_says_where_it_is_from(tmp_path, library, path):
    library.import_bundle(path)
    assert _origins(library) == ["imported"]
    assert library.studies()[0].shipped
    synthetic_study(library, synthetic_spec(n=3000))
    assert sorted(_origins(library)) == ["imported", "live"]


def test_shipped_wins_over_imported(tmp_path, library, path):
    library.import_bundle(path)
    shutil.copy(path, tmp_path / "shipped" / "a.irs.zip")
    assert _origins(library) == ["shipped"]


def test_finished_live_wins_over_both(tmp_path, library, path):
    library.import_bundle(path)
    shutil.copy(path, tmp_path / "shipped" / "a.irs.zip")
    synthetic_study(library)
    assert _origins(library) == ["live"]
    assert not library.studies()[0].shipped


def test_finished_wins_over_unfinished(tmp_path, library, path):
    record = synthetic_study(library)
    library.save(replace(record, finished=False))
    assert _origins(library) == ["live"]
    library.import_bundle(path)
    assert _origins(library) == ["imported"]


def test_an_imported_study_cannot_be_exported_as_ones_own(tmp_path, library, path):
    record = library.import_bundle(path)
    with pytest.raises(Exception, match="is a bundle already"):
        library.export(record.id, tmp_path / "again.irs.zip")


def test_a_bundle_that_appears_unverified_does_not_end_the_listing(tmp_path, library, path):
    record = synthetic_study(library)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    described = json.loads(files["study.json"])
    files["study.json"] = json.dumps({**described, "created": 5}).encode()
    (library.root / "bundles").mkdir()
    with zipfile.ZipFile(library.root / "bundles" / "x.irs.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    (library.root / "bundles" / "gone.irs.zip").symlink_to(tmp_path / "nowhere")
    assert [study.record for study in library.studies()] == [record]
