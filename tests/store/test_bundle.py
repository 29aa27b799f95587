import hashlib
import json
import logging
import zipfile

import numpy as np
import pytest
from synthetic import synthetic_study

from irs_core.errors import BundleError, StoreError
from irs_core.store import Library, StudyRecord, read_bundle
from irs_core.store import bundle as bundle_module


@pytest.fixture
def record(tmp_path):
    return synthetic_study(Library(tmp_path / "a", tmp_path / "none"))


@pytest.fixture
def path(tmp_path, record):
    path = tmp_path / "study.irs.zip"
    Library(tmp_path / "a", tmp_path / "none").export(record.id, path)
    return path


def _rewrite(path, change):
    """Change the files of a bundle and bring its manifest up to date, as a forger would."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    del files["bundle.json"]
    change(files)
    manifest = {
        "schema": 1,
        "files": {
            name: {"sha256": hashlib.sha256(content).hexdigest()} for name, content in files.items()
        },
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {"bundle.json": json.dumps(manifest).encode(), **files}.items():
            archive.writestr(name, content)


def test_exported_and_imported_studies_are_equal(tmp_path, record, path):
    library = Library(tmp_path / "b", tmp_path / "none")
    imported = library.import_bundle(path)
    assert imported == record
    study = library.open(record.id)
    assert study.shipped
    original = Library(tmp_path / "a", tmp_path / "none").open(record.id)
    for evidence_id in record.base.evidence.values():
        a, b = original.evidence(evidence_id), study.evidence(evidence_id)
        assert np.array_equal(a.read(2000), b.read(2000))
        assert a.journal_text() == b.journal_text()


def test_equal_studies_are_equal_files(tmp_path, record, path):
    again = tmp_path / "again.irs.zip"
    Library(tmp_path / "a", tmp_path / "none").export(record.id, again)
    assert again.read_bytes() == path.read_bytes()


def test_imported_evidence_never_enters_the_live_store(tmp_path, path):
    library = Library(tmp_path / "b", tmp_path / "none")
    library.import_bundle(path)
    assert not library.evidence_folder.exists()


def test_bundles_are_read_only(path, record):
    array = read_bundle(path).evidence(record.base.evidence["select"])
    with pytest.raises(StoreError, match="read-only"):
        array.write_chunk((0, 0), np.zeros((32, 500), np.uint8), seconds=1, draws=1, hardware="")


def test_changed_contents_do_not_match_their_digest(path):
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = next(name for name in files if "/c/" in name)
    files[name] = files[name][:-1] + b"x"
    with zipfile.ZipFile(path, "w") as archive:
        for key, content in files.items():
            archive.writestr(key, content)
    with pytest.raises(BundleError, match="does not match its digest"):
        read_bundle(path)


@pytest.mark.parametrize(
    "name",
    ["../outside", "/etc/passwd", "evidence/../../x", "evidence/0123456789abcdef/run.py", "C:\\x"],
)
def test_foreign_names_are_refused(path, name):
    _rewrite(path, lambda files: files.update({name: b"x"}))
    with pytest.raises(BundleError, match="may not hold a file named"):
        read_bundle(path)


def test_size_is_bounded_before_unpacking(path, monkeypatch):
    monkeypatch.setattr(bundle_module, "MAX_BYTES", 1000)
    with pytest.raises(BundleError, match="may unpack to 1000 bytes"):
        read_bundle(path)


def test_count_is_bounded(path, monkeypatch):
    monkeypatch.setattr(bundle_module, "MAX_FILES", 3)
    with pytest.raises(BundleError, match="may hold 3 files"):
        read_bundle(path)


def _edit_json(name, edit):
    def change(files):
        key = next(key for key in files if key.endswith(name))
        described = json.loads(files[key])
        edit(described)
        files[key] = json.dumps(described).encode()

    return change


@pytest.mark.parametrize(
    "edit",
    [
        lambda d: d["codecs"].insert(1, {"name": "numcodecs.pickle"}),
        lambda d: d.update(shape=[10**9, 10**9]),
        lambda d: d["chunk_grid"]["configuration"].update(chunk_shape=[10**6, 500]),
        lambda d: d.update(data_type="object"),
        lambda d: d.update(storage_transformers=[{"name": "x"}]),
    ],
)
def test_arrays_of_another_layout_are_refused(path, edit):
    _rewrite(path, _edit_json("zarr.json", edit))
    with pytest.raises(BundleError, match="layout that this program does not write"):
        read_bundle(path)


def test_other_versions_are_named(path):
    _rewrite(path, _edit_json("study.json", lambda d: d.update(schema=99)))
    with pytest.raises(BundleError, match="format version 99"):
        read_bundle(path)


@pytest.mark.parametrize(
    "edit",
    [
        lambda d: d.pop("spec"),
        lambda d: d["spec"].update(n="x" * 3),
        lambda d: d["data"].update(labels=[1]),
        lambda d: d.update(models=[]),
    ],
)
def test_studies_that_make_no_sense_are_refused(path, edit):
    _rewrite(path, _edit_json("study.json", edit))
    with pytest.raises(BundleError, match="no valid study"):
        read_bundle(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip" * 100])
def test_what_is_not_a_zip_is_refused(tmp_path, content):
    path = tmp_path / "x.irs.zip"
    path.write_bytes(content)
    with pytest.raises(BundleError, match="not a readable bundle"):
        read_bundle(path)


@pytest.mark.parametrize("keep", [100, 1000, 20_000])
def test_truncated_bundles_are_refused(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BundleError, match="not a readable bundle"):
        read_bundle(path)


def test_a_refused_bundle_leaves_the_store_untouched(tmp_path):
    bad = tmp_path / "x.irs.zip"
    bad.write_bytes(b"x")
    library = Library(tmp_path / "b", tmp_path / "none")
    with pytest.raises(BundleError):
        library.import_bundle(bad)
    assert not library.root.exists()


def test_a_broken_bundle_does_not_hide_the_others(tmp_path, record, path, caplog):
    (tmp_path / "broken.irs.zip").write_bytes(b"x")
    library = Library(tmp_path / "b", tmp_path)
    with caplog.at_level(logging.WARNING, logger="irs_core"):
        assert [study.record.id for study in library.studies()] == [record.id]
    assert "broken.irs.zip" in caplog.text


def test_records_round_trip(record):
    assert StudyRecord.from_dict(json.loads(json.dumps(record.to_dict()))) == record


def test_a_finished_study_wins_over_an_unfinished_one_of_the_same_id(tmp_path, record, path):
    from dataclasses import replace

    library = Library(tmp_path / "b", tmp_path)
    library.save(replace(record, finished=False))
    assert library.open(record.id).shipped
