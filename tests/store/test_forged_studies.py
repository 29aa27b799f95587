"""Bundles whose digests are right and whose contents are not what they say are refused."""

import numpy as np
import pytest
from forged import edit_json, rewrite
from synthetic import write_predictions

from irs_core.errors import BundleError
from irs_core.store import EvidenceKey, Library, read_bundle


def test_an_edit_that_changes_nothing_is_accepted(path, record):
    rewrite(path, edit_json("zarr.json", lambda d: None))
    rewrite(path, edit_json("study.json", lambda d: None))
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
    rewrite(path, edit_json("zarr.json", edit))
    with pytest.raises(BundleError, match="layout that this program does not write"):
        read_bundle(path)


def test_other_versions_are_named(path):
    rewrite(path, edit_json("study.json", lambda d: d.update(schema=99)))
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
    rewrite(path, edit_json("study.json", edit))
    with pytest.raises(BundleError, match="no valid study"):
        read_bundle(path)


@pytest.mark.parametrize("content", [b"[" * 60_000, b"[]", b'{"chunk_grid": []}', b"\xff"])
def test_arrays_that_are_not_described_are_refused(path, content):
    def change(files):
        files[next(name for name in files if name.endswith("zarr.json"))] = content

    rewrite(path, change)
    with pytest.raises(BundleError, match="missing or malformed"):
        read_bundle(path)


def test_missing_arrays_are_refused(path, record):
    prefix = f"evidence/{record.compressed[0].evidence['estimate']}/"

    def change(files):
        for name in [name for name in files if name.startswith(prefix)]:
            del files[name]

    rewrite(path, change)
    with pytest.raises(BundleError, match="missing or malformed"):
        read_bundle(path)


def test_arrays_that_no_classifier_has_are_refused(path):
    rewrite(path, lambda files: files.update({f"evidence/{'0' * 16}/zarr.json": b"{}"}))
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
    rewrite(path, edit_json("study.json", edit))
    with pytest.raises(BundleError, match="is not that of"):
        read_bundle(path)


def test_a_finished_study_without_predictions_is_refused(path):
    def change(files):
        for name in [name for name in files if "/c/" in name or "/d/" in name]:
            del files[name]

    rewrite(path, change)
    with pytest.raises(BundleError, match="says that it is finished"):
        read_bundle(path)


def test_an_unfinished_study_may_lack_predictions(path):
    def change(files):
        for name in [name for name in files if "/c/" in name or "/d/" in name]:
            del files[name]
        edit_json("study.json", lambda d: d.update(finished=False))(files)

    rewrite(path, change)
    assert not read_bundle(path).record.finished


def test_predictions_of_a_finished_study_match_its_digests(path):
    def edit(described):
        evidence_id = described["models"][2]["evidence"]["scratch-select"]
        described["digests"][evidence_id] = "0" * 64

    rewrite(path, edit_json("study.json", edit))
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
        edit_json("study.json", lambda d: d["digests"].update({evidence_id: digest}))(files)

    rewrite(path, change)


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
        b"[" * 60_000,
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
    rewrite(path, lambda files: files.update({name: line + b"\n" + files[name]}))
    array = read_bundle(path).evidence(evidence_id)
    assert list(array.notes()) == notes
    assert np.isfinite(array.seconds_per_draw(100)).all()
