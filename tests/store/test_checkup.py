"""What a check of a store finds, and what it lets leave."""

import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from old_store import unseal_journal, unseal_manifest, without_digests
from synthetic import synthetic_spec, synthetic_study

from irs_core.errors import BundleError, StoreError
from irs_core.spec.study import NoiseSpec
from irs_core.store import ChunkId, Library, StudyRecord
from irs_core.store import verify as rules
from irs_core.store.audit import check_trusted, evidence_problems
from irs_core.store.checkup import check_up, seal
from irs_core.store.manifests import content_digest, read_manifest


def _chunk(library, record, model=1, stream="estimate"):
    one = record.models[model].evidence[stream]
    return library.evidence_folder / one / "c" / "0" / "0"


def _problems(library, wanted=""):
    return [problem for finding in check_up(library, wanted) for problem in finding.problems]


def _swap(library, record):
    one, other = (_chunk(library, record, model) for model in (1, 2))
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)


def test_a_sound_study_has_no_problems(library, record):
    (finding,) = check_up(library, record.id[:5])
    assert (finding.name, finding.problems, finding.notes) == (record.id, (), ())


@pytest.mark.parametrize(
    ("damage", "what", "remedy"),
    [
        (lambda c: c.unlink(), "fp16 on estimate draws .* 1 chunk is damaged or missing", "again"),
        (lambda c: c.write_bytes(b"x"), "1 chunk is damaged or missing", "run the study again"),
        (lambda c: shutil.rmtree(c.parents[2]), "no evidence", "run the study again"),
        (
            lambda c: shutil.copy(c.parents[2] / "c/1/0", c),
            "1 chunk is not what was committed there, c/0/0 first",
            "run the study again",
        ),
        (
            lambda c: (c.parents[2] / "journal.jsonl").unlink(),
            "its journal has lost the notes of 2 chunks",
            "./irs verify --seal",
        ),
        (
            lambda c: (c.parents[2] / "zarr.json").write_bytes(b"{}"),
            "is damaged",
            "run the study again",
        ),
    ],
    ids=["gone", "damaged", "no array", "copied", "no journal", "no description"],
)
def test_what_is_wrong_with_evidence_is_said(library, record, damage, what, remedy):
    damage(_chunk(library, record))
    (problem,) = _problems(library, record.id)
    assert remedy in problem.remedy
    with pytest.raises(StoreError, match=what):
        library.export(record.id, library.root / "x.irs.zip")
    assert not (library.root / "x.irs.zip").exists()


def test_two_chunks_swapped_are_two_problems(library, record):
    _swap(library, record)
    assert len(_problems(library)) == 2


def test_a_damaged_manifest_is_listed_with_what_to_do(library, record):
    path = library.study_path(record.id)
    path.write_text(path.read_text().replace('"n": 2000', '"n": 2001'))
    assert library.studies() == []
    (notice,) = library.survey().notices
    assert notice.startswith(f"1 study cannot be opened: {record.id}: the manifest does not match")
    assert f"./irs verify {record.id}" in notice
    (problem,) = _problems(library)
    assert "run the study again" in problem.remedy
    with pytest.raises(StoreError, match="does not match its own digest"):
        library.open(record.id)


def test_a_manifest_under_another_name_is_refused(library, record):
    library.study_path(record.id).rename(library.study_path("0" * 16))
    (one,) = library.damaged()
    assert record.id in one.reason


def test_evidence_of_another_model_is_not_listed_by_an_old_manifest(library, record):
    path = library.study_path(record.id)
    unseal_manifest(path)
    described = json.loads(path.read_text())
    first, second = (described["models"][one]["evidence"] for one in (1, 2))
    first["estimate"], second["estimate"] = second["estimate"], first["estimate"]
    path.write_text(json.dumps(described))
    (one,) = library.damaged()
    assert "is not that of fp16 on estimate draws" in one.reason


def test_the_digest_is_that_of_canonical_json(library, record):
    described = json.loads(library.study_path(record.id).read_text())
    stated = described.pop("sha256")
    text = json.dumps(described, sort_keys=True, separators=(",", ":"))
    assert stated == hashlib.sha256(text.encode()).hexdigest() == content_digest(described)


def test_old_stores_open_unsealed_and_are_sealed_on_request(library, record):
    without_digests(library.root)
    (study,) = library.studies()
    assert not study.sealed
    assert "./irs verify --seal ID" in library.survey().notices[0]
    (finding,) = check_up(library)
    assert finding.problems == ()
    assert "written before manifests carried digests" in finding.notes[0]
    with pytest.raises(StoreError, match="written before manifests carried digests"):
        library.export(record.id, library.root / "x.irs.zip")
    assert seal(library, record.id[:6]) == (record.id, 0)
    (finding,) = check_up(library)
    assert (finding.problems, finding.notes) == ((), ())
    assert library.open(record.id).sealed
    library.export(record.id, library.root / "x.irs.zip")


def test_changed_old_evidence_is_not_sealed(library, record):
    without_digests(library.root)
    _swap(library, record)
    with pytest.raises(StoreError, match=r"is not sealed: fp16 .* does not match the digest"):
        seal(library, record.id)
    assert not library.open(record.id).sealed
    assert "delete the folder evidence/" in _problems(library)[0].remedy


def test_sealing_restores_a_lost_journal(library, record):
    (_chunk(library, record).parents[2] / "journal.jsonl").unlink()
    before = library.open(record.id).evidence(record.compressed[0].evidence["estimate"])
    assert (before.read(5) == before.missing).all()
    seal(library, record.id)
    assert _problems(library) == []


def test_an_unfinished_study_is_not_sealed(library, record):
    library.save(replace(record, finished=False, digests={}))
    with pytest.raises(StoreError, match="is unfinished"):
        seal(library, record.id)


def test_an_unfinished_study_leaves_if_its_journals_vouch_for_all(library, record, tmp_path):
    library.save(replace(record, finished=False, digests={}))
    _chunk(library, record, 1, "scratch-estimate").parents[2].joinpath("c/1/0").unlink()
    with pytest.raises(StoreError, match="1 chunk is damaged or missing"):
        library.export(record.id, tmp_path / "a.irs.zip")
    journal = _chunk(library, record, 1, "scratch-estimate").parents[2] / "journal.jsonl"
    journal.write_text(journal.read_text().splitlines()[0] + "\n")
    library.export(record.id, tmp_path / "a.irs.zip")
    unseal_journal(_chunk(library, record).parents[2] / "journal.jsonl")
    with pytest.raises(StoreError, match="run it to its end before it is exported"):
        library.export(record.id, tmp_path / "b.irs.zip")


def test_a_changed_partial_study_does_not_leave(tmp_path):
    library = Library(tmp_path / "a", tmp_path / "none")
    record = synthetic_study(library, synthetic_spec(baseline=False))
    _swap(library, record)
    with pytest.raises(StoreError, match="not what was committed there"):
        library.export(record.id, tmp_path / "x.irs.zip")
    _swap(library, record)
    without_digests(library.root)
    _swap(library, record)
    with pytest.raises(StoreError, match="does not match the digest"):
        library.export(record.id, tmp_path / "x.irs.zip")


def test_short_names_must_be_of_one_study(library, record):
    other = synthetic_study(library, replace(record.spec, noise=NoiseSpec(1.0)))
    with pytest.raises(StoreError, match="no study 'zz' in the store"):
        list(check_up(library, "zz"))
    common = next(n for n in range(16) if record.id[n] != other.id[n])
    if common == 0:
        assert len(list(check_up(library, record.id[0]))) == 1
    assert len(list(check_up(library))) == 2
    (library.root / "studies" / f"{record.id[:15]}x.json").write_text("{}")
    with pytest.raises(StoreError, match=f"2 studies begin with '{record.id[:15]}'"):
        list(check_up(library, record.id[:15]))


def test_bundles_and_pilots_are_checked(library, record, path, tmp_path):
    library.import_bundle(path)
    library.save_pilot(record)
    kinds = {finding.kind: finding for finding in check_up(library)}
    assert list(kinds) == ["imported", "live", "pilot"]
    assert kinds["imported"].notes == ("Reported by others, not recomputed here.",)
    bundle = library.root / "bundles" / f"{record.id}.irs.zip"
    content = bytearray(bundle.read_bytes())
    content[5000] ^= 1
    bundle.write_bytes(content)
    pilot = library.root / "pilots" / f"{record.id}.json"
    pilot.write_text(pilot.read_text().replace("2000", "2001"))
    assert library.pilot_record(record.id) is None
    bad = {finding.kind: finding for finding in check_up(library) if finding.problems}
    assert list(bad) == ["imported", "pilot"]
    assert "import it again" in bad["imported"].problems[0].remedy


def _other_contents(library, record, tmp_path):
    """Another bundle of the same study."""
    library.save(replace(record, hardware="another machine"))
    library.export(record.id, tmp_path / "other.irs.zip")
    return tmp_path / "other.irs.zip"


def test_a_second_import_replaces_nothing_unasked(library, record, path, tmp_path):
    there = Library(tmp_path / "b", tmp_path / "none")
    there.import_bundle(path)
    first = (there.root / "bundles" / f"{record.id}.irs.zip").read_bytes()
    assert there.import_bundle(path) == record
    other = _other_contents(library, record, tmp_path)
    with pytest.raises(BundleError, match="was imported before with other contents, which stay"):
        there.import_bundle(other)
    assert there.studies()[0].record == record
    there.import_bundle(other, replace=True)
    assert there.studies()[0].record.hardware == "another machine"
    (kept,) = (there.root / "bundles" / "earlier").iterdir()
    assert kept.read_bytes() == first
    assert len(there.studies()) == 1


def test_imported_bundles_bear_the_name_of_their_study(library, record, path):
    (library.root / "bundles").mkdir()
    shutil.copy(path, library.root / "bundles" / "any.irs.zip")
    assert [study.origin for study in library.studies()] == ["live"]
    assert record.id in library.damaged()[0].reason


def test_imported_studies_say_so(library, record, path, tmp_path):
    assert library.open(record.id).banner == ""
    assert library.open(record.id).origin == "live"
    there = Library(tmp_path / "b", tmp_path / "none")
    there.import_bundle(path)
    assert there.open(record.id).banner == "Reported by others, not recomputed here."
    assert there.open(record.id).origin == "imported"


def test_duplicate_inputs_are_refused(record):
    described = record.to_dict()
    described["data"]["indices"] = (3, *range(1, 60))
    with pytest.raises(StoreError, match="each input once; it lists the index 3 again"):
        StudyRecord.from_dict(described)


@pytest.mark.parametrize(
    ("limit", "value", "rule"),
    [
        ("MAX_BUDGETS", 2, "may have 2 budgets; this one has 3"),
        ("MAX_COUNTS", 500, "may have 500 counts of inputs x models x budgets; this one has 540"),
    ],
)
def test_what_would_take_too_much_to_count_is_refused(
    library, path, monkeypatch, limit, value, rule
):
    monkeypatch.setattr(rules, limit, value)
    with pytest.raises(BundleError, match=rule):
        library.import_bundle(path)


@pytest.mark.parametrize("limit", ["MAX_STUDY_BYTES", "MAX_FILE_BYTES"])
def test_files_are_bounded(library, path, monkeypatch, limit):
    monkeypatch.setattr(f"irs_core.store.bundle.{limit}", 1000)
    with pytest.raises(BundleError, match="may take 1000 bytes"):
        library.import_bundle(path)


def test_reading_a_manifest_of_another_kind_is_refused(tmp_path):
    for content in (b"[]", b"5", b'{"sha256": NaN}', b"{", b"\xff"):
        path = tmp_path / "x.json"
        path.write_bytes(content)
        with pytest.raises(StoreError):
            read_manifest(path)


def test_an_array_of_other_inputs_is_refused(library, record):
    one = record.base.evidence["select"]
    path = library.evidence_folder / one / "zarr.json"
    path.write_text(path.read_text().replace("    60,", "    61,", 1))
    with pytest.raises(StoreError, match="is of 61 inputs; the study has 60"):
        library.open(record.id).evidence(one)
    assert np.all([problem.what for problem in _problems(library)])


def test_old_chunks_that_were_changed_and_then_extended_are_found(library, record):
    without_digests(library.root)
    _swap(library, record)
    array = library.open(record.id).evidence(record.compressed[0].evidence["estimate"])
    # Another study adds draws, and a note with a digest.
    rows = np.ones(32, bool)
    classes = np.full((32, 4), 5)
    array.merge_chunk(ChunkId(0, 0), rows, 400, classes, seconds=1, hardware="")
    array.merge_chunk(ChunkId(1, 0), rows[:28], 400, classes[:28], seconds=1, hardware="")
    study = library.open(record.id)
    with pytest.raises(StoreError, match=r"fp16 on estimate draws .* does not match the digest"):
        check_trusted(study)
    assert "does not match the digest" in evidence_problems(study)[0].what


def test_evidence_of_no_study_is_checked(library, record):
    library.discard(record.id)
    found = list(check_up(library))
    assert {finding.kind for finding in found} == {"evidence"}
    assert [finding.problems for finding in found] == [()] * len(record.digest_draws())
    chunk = _chunk(library, record)
    shutil.copy(chunk.parents[1] / "1" / "0", chunk)
    (problem,) = _problems(library)
    assert problem.what == "1 of 2 chunks are not what was committed there"
