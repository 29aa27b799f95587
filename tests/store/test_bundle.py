"""Studies leave as one file and come back as they were."""

import json
import logging
import zipfile
from dataclasses import asdict, replace

import numpy as np
import pytest
from forged import rewrite
from synthetic import synthetic_spec, synthetic_study

from irs_core.errors import StoreError
from irs_core.spec.study import NoiseSpec
from irs_core.store import EvidenceKey, Library, StudyRecord, read_bundle
from irs_core.store.evidence import describe_array


def test_exported_and_imported_studies_are_equal(tmp_path, library, record, path):
    elsewhere = Library(tmp_path / "b", tmp_path / "none")
    assert elsewhere.import_bundle(path) == record
    study, original = elsewhere.open(record.id), library.open(record.id)
    assert study.shipped
    for evidence_id in record.base.evidence.values():
        a, b = original.evidence(evidence_id), study.evidence(evidence_id)
        assert np.array_equal(a.read(2000), b.read(2000))
        assert a.journal.text() == b.journal.text()


def test_bundles_of_the_first_format_are_read(path, record):
    small = path.stat().st_size
    whole = read_bundle(path).unpack()

    def as_before_differences(files):
        for name in [name for name in files if "/d/" in name]:
            del files[name]
        files.update({name: each for name, each in whole.items() if "/c/" in name})

    rewrite(path, as_before_differences)
    assert small < path.stat().st_size
    assert read_bundle(path).unpack().keys() == whole.keys()
    assert read_bundle(path).record == record


def test_equal_studies_are_equal_files(tmp_path, library, record, path):
    again = tmp_path / "again.irs.zip"
    library.export(record.id, again)
    assert again.read_bytes() == path.read_bytes()


def test_imported_evidence_never_enters_the_live_store(tmp_path, path):
    library = Library(tmp_path / "b", tmp_path / "none")
    library.import_bundle(path)
    assert not library.evidence_folder.exists()


def test_bundles_are_read_only(path, record):
    array = read_bundle(path).evidence(record.base.evidence["select"])
    with pytest.raises(StoreError, match="read-only"):
        array.write_chunk((0, 0), np.zeros((32, 500), np.uint8), seconds=1, draws=1, hardware="")


def test_a_broken_bundle_does_not_hide_the_others(tmp_path, record, path, caplog):
    (tmp_path / "broken.irs.zip").write_bytes(b"x")
    library = Library(tmp_path / "b", tmp_path)
    with caplog.at_level(logging.WARNING, logger="irs_core"):
        assert [study.record.id for study in library.studies()] == [record.id]
    assert "broken.irs.zip" in caplog.text


def test_records_round_trip(record):
    assert StudyRecord.from_dict(json.loads(json.dumps(record.to_dict()))) == record


def test_export_makes_the_folder(tmp_path, library, record, path):
    again = tmp_path / "not" / "there" / "study.irs.zip"
    library.export(record.id, again)
    assert again.read_bytes() == path.read_bytes()
    assert [one.name for one in again.parent.iterdir()] == ["study.irs.zip"]


def test_export_to_where_nothing_can_be_written_is_refused(tmp_path, library, record):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot write"):
        library.export(record.id, tmp_path / "file" / "x.zip")


def test_damaged_evidence_is_not_exported(tmp_path, library, record):
    chunk = library.evidence_folder / record.base.evidence["estimate"] / "c" / "0" / "1"
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"x")
    with pytest.raises(StoreError, match=r"does not verify: base on estimate draws .* is damaged"):
        library.export(record.id, tmp_path / "again.irs.zip")
    assert not (tmp_path / "again.irs.zip").exists()


def test_draws_of_a_longer_study_are_not_exported(tmp_path, library, record, path):
    synthetic_study(library, replace(record.spec, n=3000))
    synthetic_study(library)
    library.export(record.id, tmp_path / "again.irs.zip")
    with zipfile.ZipFile(path) as one, zipfile.ZipFile(tmp_path / "again.irs.zip") as other:
        chunks = [name for name in one.namelist() if "/c/" in name]
        assert chunks == [name for name in other.namelist() if "/c/" in name]


def test_a_study_without_baseline_may_gain_draws_from_another(tmp_path):
    library = Library(tmp_path / "a", tmp_path / "none")
    record = synthetic_study(library, synthetic_spec(baseline=False))
    grown = {one: "0" * 64 for model in record.compressed for one in model.evidence.values()}
    library.save(replace(record, digests={**record.digests, **grown}))
    library.export(record.id, tmp_path / "study.irs.zip")
    assert Library(tmp_path / "b").import_bundle(tmp_path / "study.irs.zip") == record


def test_descriptions_follow_from_the_key(tmp_path):
    key = EvidenceKey("m", "d", NoiseSpec(0.5), "select", "torch cpu fp32")
    Library(tmp_path).open_evidence(key, n_inputs=5, classes=300, pixels=64)
    written = (tmp_path / "evidence" / key.id / "zarr.json").read_bytes()
    assert written == describe_array(key, 5, 300, 32)
    said = asdict(key)
    # As it was before there was a choice, so that ids stay.
    assert said["noise"].pop("generator") == "sfc64"
    assert json.loads(written)["attributes"]["key"] == said
