import hashlib
import json
import logging
import zipfile
from dataclasses import asdict, replace
from pathlib import Path

import google_crc32c
import numpy as np
import pytest
from numcodecs.zstd import Zstd
from synthetic import synthetic_spec, synthetic_study, write_predictions

from irs_core.errors import BundleError, StoreError
from irs_core.specs import NoiseSpec
from irs_core.store import EvidenceKey, Library, StudyRecord, read_bundle
from irs_core.store import bundle as bundle_module
from irs_core.store import verify as verify_module
from irs_core.store.evidence import describe_array

SHIPPED = Path(__file__).parents[2] / "cached_results"


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
        # As zarr writes it, so that nothing but the edit differs.
        files[key] = json.dumps(described, indent=2).encode()

    return change


def test_an_edit_that_changes_nothing_is_accepted(path, record):
    _rewrite(path, _edit_json("zarr.json", lambda d: None))
    _rewrite(path, _edit_json("study.json", lambda d: None))
    assert read_bundle(path).record == record


@pytest.mark.parametrize(
    "edit",
    [
        lambda d: d.update(fill_value=3),
        lambda d: d["codecs"][1]["configuration"].update(level=4),
        lambda d: d["codecs"].pop(),
        lambda d: d["chunk_key_encoding"]["configuration"].update(separator="."),
        lambda d: d["chunk_grid"]["configuration"].update(chunk_shape=[True, 500]),
        lambda d: d["chunk_grid"]["configuration"].update(chunk_shape=[33, 500]),
        lambda d: d["attributes"].update(classes=9),
        lambda d: d["attributes"].update(classes=65_536),
        lambda d: d["attributes"].update(extra=1),
        lambda d: d["attributes"]["key"].update(model="other"),
        lambda d: d["attributes"]["key"].update(stream="pilot"),
        lambda d: d["attributes"]["key"]["noise"].update(sigma=0.25),
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
        lambda d: d["data"].update(classes=None),
        lambda d: d.update(models=[]),
        lambda d: d.update(created=5),
        lambda d: d["models"][0].update(evidence=["a"]),
        lambda d: d["models"][1]["evidence"].pop("scratch-select"),
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


@pytest.mark.parametrize("content", [b"[" * 100_000, b"[]", b'{"chunk_grid": []}', b"\xff"])
def test_arrays_that_are_not_described_are_refused(path, content):
    def change(files):
        files[next(name for name in files if name.endswith("zarr.json"))] = content

    _rewrite(path, change)
    with pytest.raises(BundleError, match="missing or malformed"):
        read_bundle(path)


def test_missing_arrays_are_refused(path, record):
    prefix = f"evidence/{record.compressed[0].evidence['estimate']}/"

    def change(files):
        for name in [name for name in files if name.startswith(prefix)]:
            del files[name]

    _rewrite(path, change)
    with pytest.raises(BundleError, match="missing or malformed"):
        read_bundle(path)


def test_arrays_that_no_classifier_has_are_refused(path):
    _rewrite(path, lambda files: files.update({f"evidence/{'0' * 16}/zarr.json": b"{}"}))
    with pytest.raises(BundleError, match=f"{'0' * 16} is not of this study"):
        read_bundle(path)


@pytest.mark.parametrize(
    "edit",
    [
        lambda d: d["models"][0].update(digest="another"),
        lambda d: d["models"][1].update(execution="another"),
        lambda d: d["data"].update(digest="another"),
        lambda d: d["spec"]["noise"].update(seed=8),
        lambda d: d["models"][0].update(
            evidence={
                "select": d["models"][0]["evidence"]["estimate"],
                "estimate": d["models"][0]["evidence"]["select"],
            }
        ),
    ],
    ids=["model", "execution", "data", "noise", "stream"],
)
def test_evidence_of_something_else_is_refused(path, edit):
    _rewrite(path, _edit_json("study.json", edit))
    with pytest.raises(BundleError, match="is not that of"):
        read_bundle(path)


def _replace_chunk(frame):
    def change(files):
        checksum = google_crc32c.value(frame).to_bytes(4, "little")
        files[next(name for name in files if "/c/" in name)] = frame + checksum

    return change


def test_shipped_and_written_chunks_declare_their_size(path):
    for bundle in (path, *sorted(SHIPPED.glob("*.irs.zip"))):
        assert read_bundle(bundle).record.finished


def test_chunks_that_unpack_to_more_are_refused(path):
    frame = Zstd(level=3).encode(bytes(10**8))
    assert len(frame) < 10_000
    _rewrite(path, _replace_chunk(frame))
    with pytest.raises(
        BundleError, match="must unpack to 32000 bytes at most; this one to 100000000"
    ):
        read_bundle(path)


def test_chunks_that_do_not_say_what_they_unpack_to_are_refused(path):
    # One run block of 16,000 zeros behind a window of 1 MiB, no content size.
    frame = b"\x28\xb5\x2f\xfd\x00\x50" + (16_000 << 3 | 3).to_bytes(3, "little") + b"\x00"
    assert Zstd().decode(frame) == bytes(16_000)
    _rewrite(path, _replace_chunk(frame))
    with pytest.raises(BundleError, match="must declare the size"):
        read_bundle(path)


def test_predictions_are_bounded_before_they_are_read(path, monkeypatch):
    monkeypatch.setattr(verify_module, "MAX_PREDICTION_BYTES", 1000)
    with pytest.raises(BundleError, match="predictions may take 1000 bytes"):
        read_bundle(path)


def test_other_compression_methods_are_refused(path):
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    with pytest.raises(BundleError, match="may only be stored or deflated"):
        read_bundle(path)


@pytest.mark.parametrize("digest", [[], {}, None, 5])
def test_digests_of_files_that_are_no_texts_are_refused(path, digest):
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files["bundle.json"])
    manifest["files"]["study.json"]["sha256"] = digest
    files["bundle.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    with pytest.raises(BundleError, match=r"'study\.json' does not match its digest"):
        read_bundle(path)


def test_a_finished_study_without_predictions_is_refused(path):
    def change(files):
        for name in [name for name in files if "/c/" in name or "/d/" in name]:
            del files[name]

    _rewrite(path, change)
    with pytest.raises(BundleError, match="says that it is finished"):
        read_bundle(path)


def test_an_unfinished_study_may_lack_predictions(path):
    def change(files):
        for name in [name for name in files if "/c/" in name or "/d/" in name]:
            del files[name]
        _edit_json("study.json", lambda d: d.update(finished=False))(files)

    _rewrite(path, change)
    assert not read_bundle(path).record.finished


def test_predictions_of_a_finished_study_match_its_digests(path):
    def edit(described):
        evidence_id = described["models"][2]["evidence"]["scratch-select"]
        described["digests"][evidence_id] = "0" * 64

    _rewrite(path, _edit_json("study.json", edit))
    with pytest.raises(BundleError, match="does not match the digest that its study gives"):
        read_bundle(path)


def _with_predictions(tmp_path, record, path, value):
    """Replace the base's selection draws by one class, digest included."""
    evidence_id = record.base.evidence["select"]
    key = EvidenceKey(
        record.base.digest, record.data.digest, record.spec.noise, "select", "synthetic"
    )
    array = Library(tmp_path / "forged").open_evidence(key, n_inputs=60, classes=10, pixels=64)
    write_predictions(array, np.full((60, record.spec.n0), value, np.uint8))
    folder = tmp_path / "forged" / "evidence" / evidence_id

    def change(files):
        for source in folder.glob("c/*/*"):
            name = f"evidence/{evidence_id}/{source.relative_to(folder).as_posix()}"
            files[name] = source.read_bytes()
        digest = array.digest(record.spec.n0)
        _edit_json("study.json", lambda d: d["digests"].update({evidence_id: digest}))(files)

    _rewrite(path, change)


def test_predictions_of_classes_that_there_are_are_accepted(tmp_path, record, path):
    _with_predictions(tmp_path, record, path, 9)
    assert (read_bundle(path).evidence(record.base.evidence["select"]).read(100) == 9).all()


def test_predictions_of_classes_that_there_are_not_are_refused(tmp_path, record, path):
    _with_predictions(tmp_path, record, path, 10)
    with pytest.raises(BundleError, match="classes below 10; it holds 10"):
        read_bundle(path)


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b'{"tile": 0, "chunk": 0, "seconds": Infinity, "draws": 5}',
        b'{"tile": 0, "chunk": 0, "seconds": NaN, "draws": 5}',
        b'{"tile": 0, "chunk": 0, "seconds": 1e300, "draws": 5}',
        b'{"tile": 0, "chunk": 0, "seconds": -1, "draws": 5}',
        b'{"tile": 0, "chunk": 0, "seconds": 1, "draws": 1' + b"0" * 400 + b"}",
        b"5",
    ],
    ids=["nested", "infinite", "not a number", "too long", "negative", "too many", "no table"],
)
def test_notes_that_make_no_sense_are_skipped(path, record, line):
    evidence_id = record.base.evidence["select"]
    notes = list(read_bundle(path).evidence(evidence_id).notes())
    name = f"evidence/{evidence_id}/journal.jsonl"
    _rewrite(path, lambda files: files.update({name: line + b"\n" + files[name]}))
    array = read_bundle(path).evidence(evidence_id)
    assert list(array.notes()) == notes
    assert np.isfinite(array.seconds_per_draw(100)).all()


def test_export_makes_the_folder(tmp_path, record, path):
    again = tmp_path / "not" / "there" / "study.irs.zip"
    Library(tmp_path / "a", tmp_path / "none").export(record.id, again)
    assert again.read_bytes() == path.read_bytes()
    assert [one.name for one in again.parent.iterdir()] == ["study.irs.zip"]


def test_export_to_where_nothing_can_be_written_is_refused(tmp_path, record):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot write"):
        Library(tmp_path / "a", tmp_path / "none").export(record.id, tmp_path / "file" / "x.zip")


def test_damaged_evidence_is_not_exported(tmp_path, record):
    library = Library(tmp_path / "a", tmp_path / "none")
    chunk = library.evidence_folder / record.base.evidence["estimate"] / "c" / "0" / "1"
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"x")
    with pytest.raises(StoreError, match="says that it is finished"):
        library.export(record.id, tmp_path / "again.irs.zip")
    assert not (tmp_path / "again.irs.zip").exists()


def test_draws_of_a_longer_study_are_not_exported(tmp_path, record, path):
    library = Library(tmp_path / "a", tmp_path / "none")
    synthetic_study(library, replace(record.spec, n=3000))
    synthetic_study(library)
    library.export(record.id, tmp_path / "again.irs.zip")
    with zipfile.ZipFile(path) as one, zipfile.ZipFile(tmp_path / "again.irs.zip") as other:
        chunks = [name for name in one.namelist() if "/c/" in name]
        assert chunks == [name for name in other.namelist() if "/c/" in name]


def test_a_study_without_baseline_may_gain_draws_from_another(tmp_path):
    library = Library(tmp_path / "a", tmp_path / "none")
    record = synthetic_study(library, synthetic_spec(baseline=False))
    library.save(replace(record, digests=dict.fromkeys(record.digests, "0" * 64)))
    library.export(record.id, tmp_path / "study.irs.zip")
    assert Library(tmp_path / "b").import_bundle(tmp_path / "study.irs.zip") == record


def test_descriptions_follow_from_the_key(tmp_path):
    key = EvidenceKey("m", "d", NoiseSpec(0.5), "select", "torch cpu fp32")
    Library(tmp_path).open_evidence(key, n_inputs=5, classes=300, pixels=64)
    written = (tmp_path / "evidence" / key.id / "zarr.json").read_bytes()
    assert written == describe_array(key, 5, 300, 32)
    assert json.loads(written)["attributes"]["key"] == asdict(key)
