"""Rename, put away, delete and restore: ids stay, and nothing that others use goes."""

import json
import os
import time

import pytest
from people_at_work import ADMIN, OTHER, RUNNER, spec
from synthetic import synthetic_study

from irs_core.actions import jobs, studies, tidy
from irs_core.analysis.ledger import ledger_in, used_before
from irs_core.errors import JobError, NotAllowedError, StoreError
from irs_core.jobs import JobQueue
from irs_core.people import OPERATOR
from irs_core.spec.compression_kinds import parse_compression
from irs_core.store import Library
from irs_core.store.about import About, read_about, write_about
from irs_core.store.checkup import check_up
from irs_core.store.trash import trashed


@pytest.fixture
def me(by):
    return by(OPERATOR)


def ids(root):
    return {study.record.id for study in Library(root).studies()}


def quieten(root):
    """Evidence that nobody has written to for hours."""
    old = time.time() - 10_000
    for path in (root / "evidence").glob("*/*"):
        os.utime(path, (old, old))


def test_another_title_changes_no_id_and_no_digest(root, me, study):
    record = study(1)
    studies.rename(me, record.id[:6], "  =A title (1)  ")
    renamed = Library(root).open(record.id).record
    assert renamed.title == "=A title (1)"
    assert (renamed.id, renamed.digests) == (record.id, record.digests)
    assert [one.problems for one in check_up(Library(root), record.id)] == [()]
    studies.rename(me, record.id, "")
    assert Library(root).open(record.id).record == record


@pytest.mark.parametrize("title", ["x" * 201, "a\nb", "a\x1b[31m", "\u202eb"])
def test_a_title_that_cannot_be_shown_is_refused(root, me, study, title):
    record = study(1)
    with pytest.raises(StoreError, match="printable"):
        studies.rename(me, record.id, title)
    assert Library(root).open(record.id).record == record


def test_an_archived_study_is_still_opened_and_counted(root, me, study):
    record = study(1)
    studies.archive(me, record.id)
    archived = Library(root).open(record.id)
    assert archived.archived
    assert archived.record == record
    studies.archive(me, record.id, archived=False)
    assert not Library(root).open(record.id).archived


def test_delete_and_restore_leave_everything_as_it_was(root, me, study, by):
    record = study(1)
    write_about(root, "studies", record.id, About(RUNNER.name, "mine", archived=True))
    before = Library(root).open(record.id)
    studies.delete(me, record.id)
    assert ids(root) == set()
    assert read_about(root, "studies", record.id) == About()
    studies.restore(by(RUNNER), record.id[:4])
    assert Library(root).open(record.id) == before
    assert trashed(root) == []


def test_who_restores_is_who_owned_it(root, by, study):
    record = study(1)
    write_about(root, "studies", record.id, About(RUNNER.name))
    studies.delete(by(ADMIN), record.id)
    with pytest.raises(NotAllowedError):
        studies.restore(by(OTHER), record.id)
    studies.restore(by(RUNNER), record.id)
    assert ids(root) == {record.id}


def test_the_one_deleted_last_is_restored_and_never_over_another(root, me, study):
    record = study(1)
    studies.delete(me, record.id)
    study(1)
    with pytest.raises(StoreError, match="there again"):
        studies.restore(me, record.id)
    studies.delete(me, record.id)
    assert len(trashed(root)) == 2
    studies.restore(me, record.id)
    assert len(trashed(root)) == 1


def test_a_study_at_work_is_not_deleted(root, me, study):
    record = study(1)
    job = jobs.launch(me, spec(1))
    with pytest.raises(StoreError, match=f"job {job.id} works on"):
        studies.delete(me, record.id)
    jobs.cancel(me, job.id)
    studies.delete(me, record.id)


def test_shipped_studies_are_archived_and_not_deleted(root, me, study, tmp_path):
    record = study(1)
    Library(root).export(record.id, tmp_path / "shipped" / "one.irs.zip")
    studies.delete(me, record.id)
    assert Library(root).open(record.id).origin == "shipped"
    with pytest.raises(StoreError, match="comes with the program"):
        studies.delete(me, record.id)
    studies.archive(me, record.id)
    assert Library(root).open(record.id).archived


def test_a_bundle_is_deleted_as_a_file_and_restored(root, me, by, study, tmp_path):
    there = Library(tmp_path / "elsewhere")
    record = synthetic_study(there, spec(1))
    there.export(record.id, tmp_path / "x.irs.zip")
    content = (tmp_path / "x.irs.zip").read_bytes()
    studies.import_bundle(by(RUNNER), tmp_path / "x.irs.zip")
    assert Library(root).open(record.id).owner == RUNNER.name
    studies.import_bundle(by(OTHER), tmp_path / "x.irs.zip")
    assert Library(root).open(record.id).owner == RUNNER.name
    studies.delete(by(RUNNER), record.id)
    assert ids(root) == set()
    studies.restore(by(RUNNER), record.id)
    assert (root / "bundles" / f"{record.id}.irs.zip").read_bytes() == content


def test_who_brings_in_a_bundle_owns_nothing_of_the_study_computed_here(root, by, study, tmp_path):
    record = study(1)
    Library(root).export(record.id, tmp_path / "x.irs.zip")
    studies.import_bundle(by(RUNNER), tmp_path / "x.irs.zip")
    assert Library(root).open(record.id).origin == "live"
    with pytest.raises(NotAllowedError):
        studies.delete(by(RUNNER), record.id)


def test_only_the_command_line_replaces_a_bundle(root, by, tmp_path):
    with pytest.raises(StoreError, match="command line"):
        studies.import_bundle(by(ADMIN), tmp_path / "x.irs.zip", replaces=True)


def test_emptying_the_trash_keeps_evidence_that_another_study_uses(root, me, study):
    both = study(1)
    alone = study(1, compressions=(parse_compression("fp16"),))
    shared = set(both.digest_draws()) & set(alone.digest_draws())
    own = set(both.digest_draws()) - shared
    assert shared
    assert own
    studies.delete(me, both.id)
    quieten(root)
    assert [one.name for one in tidy.empty_trash(me)] == [both.id]
    left = {path.name for path in (root / "evidence").iterdir()}
    assert shared <= left
    assert not own & left
    assert [one.problems for one in check_up(Library(root), alone.id)] == [()]


def test_evidence_of_what_is_still_in_the_trash_stays(root, me, study):
    first = study(1)
    second = study(1, compressions=(parse_compression("fp16"),))
    studies.delete(me, second.id)
    studies.delete(me, first.id)
    quieten(root)
    tidy_first = [one for one in trashed(root) if one.name == first.id]
    assert tidy._removed(root, tidy_first[0])
    studies.restore(me, second.id)
    assert [one.problems for one in check_up(Library(root), second.id)] == [()]


@pytest.mark.parametrize("reason", ["job", "writing", "damaged"])
def test_evidence_that_may_be_in_use_is_kept(root, me, study, reason):
    record = study(1)
    studies.delete(me, record.id)
    if reason != "writing":
        quieten(root)
    if reason == "job":
        JobQueue(root).add(spec(1, n=4000))
    if reason == "damaged":
        (root / "studies" / "0123456789abcdef.json").write_text("{")
    tidy.empty_trash(me)
    assert {path.name for path in (root / "evidence").iterdir()} == set(record.digest_draws())


def test_the_ledger_goes_on_counting_what_was_deleted(root, me, study):
    seen = study(1)
    again = study(1, n=4000)
    before = ledger_in(Library(root), Library(root).open(again.id))
    counted = used_before(spec(1, n=6000), Library(root).seen_records())
    assert {seen.id, again.id} <= {one.id for one in counted}
    studies.delete(me, seen.id)
    assert ledger_in(Library(root), Library(root).open(again.id)) == before
    quieten(root)
    tidy.empty_trash(me)
    assert ledger_in(Library(root), Library(root).open(again.id)) == before
    after = used_before(spec(1, n=6000), Library(root).seen_records())
    assert {one.id for one in after} == {one.id for one in counted}


def test_an_id_that_nothing_has_ends_in_a_sentence(root, me):
    with pytest.raises(StoreError, match="nothing in the trash"):
        studies.restore(me, "0123")
    with pytest.raises(StoreError, match="no study"):
        studies.delete(me, "0123")
    with pytest.raises(JobError, match="no job 7"):
        jobs.cancel(me, 7)


def test_the_entry_that_is_chosen_is_the_one_restored(root, me, study):
    record = study()
    earlier = studies.delete(me, record.id)
    study()
    studies.delete(me, record.id)
    assert studies.restore(me, earlier.mark) == earlier
    assert [one.name for one in trashed(root)] == [record.id]


@pytest.mark.parametrize(
    "change",
    [
        {"when": "x"},
        {"when": True},
        {"name": 7},
        {"title": None},
        {"owner": []},
        {"mark": {}},
        {"shelf": 1},
    ],
    ids=str,
)
def test_an_entry_of_the_trash_that_makes_no_sense_is_left_out(root, me, study, change):
    good = studies.delete(me, study().id)
    bad = studies.delete(me, study(1).id)
    entry = root / "trash" / bad.mark / "entry.json"
    entry.write_text(json.dumps({**json.loads(entry.read_text()), **change}))
    assert trashed(root) == [good]


@pytest.mark.parametrize("note", [7, {"owner": 7}, {"colour": "red"}, None], ids=str)
def test_a_note_in_the_trash_that_makes_no_sense_ends_in_a_sentence(root, me, study, note):
    one = studies.delete(me, study().id)
    entry = root / "trash" / one.mark / "entry.json"
    entry.write_text(json.dumps({**json.loads(entry.read_text()), "about": note}))
    with pytest.raises(StoreError, match="note"):
        studies.restore(me, one.mark)
    assert trashed(root) == [one]
