"""Uploads: whose they are, how much they may take, what uses them, when they go."""

import os
import shutil
import time

import pytest
from people_at_work import OTHER, RUNNER, spec

from irs_core.actions import Acting, studies, tidy, uploads
from irs_core.errors import NotAllowedError, SpecError, StoreError
from irs_core.jobs import JobQueue
from irs_core.people import OPERATOR
from irs_core.people.audit import entries
from irs_core.spec.study import DataSpec
from irs_core.store.trash import trashed


def keep(acting: Acting, content: bytes, name: str = "x.npz"):
    return uploads.upload_data(acting, name, content, lambda path: None)


def age(path, days):
    old = time.time() - days * 86_400
    os.utime(path, (old, old))


def test_an_upload_belongs_to_who_brought_it_first(root, by, npz):
    first = keep(by(RUNNER), npz())
    assert keep(by(OTHER), npz()).path == first.path
    (kept,) = uploads.uploads(root)
    assert (kept.owner, kept.files, kept.used_by) == (RUNNER.name, ("x.npz",), ())
    assert kept.size_bytes == len(npz())
    with pytest.raises(NotAllowedError):
        uploads.delete_upload(by(OTHER), kept.name)
    uploads.delete_upload(by(RUNNER), kept.name[:5])
    assert uploads.uploads(root) == []
    studies.restore(by(RUNNER), kept.name)
    assert uploads.uploads(root) == [kept]
    assert first.path.exists()


def test_each_person_and_all_together_have_a_bound(root, by, monkeypatch):
    monkeypatch.setenv("IRS_UPLOAD_QUOTA_MB", "2:3")
    million = bytes(1_000_000)
    keep(by(RUNNER), b"1" + million[1:])
    keep(by(RUNNER), b"2" + million[1:])
    with pytest.raises(SpecError, match="2 MB, yours"):
        keep(by(RUNNER), b"3")
    keep(by(OTHER), b"4" + million[1:])
    with pytest.raises(SpecError, match="3 MB, all together"):
        keep(by(OTHER), b"5")
    assert len(uploads.uploads(root)) == 3
    assert not list((root / "incoming").glob("*"))
    failed = [one for one in entries(root) if one.result == "failed"]
    assert [one.who for one in failed] == [RUNNER.name, OTHER.name]


def test_what_somebody_threw_away_gives_way_and_that_of_others_does_not(root, by, monkeypatch):
    monkeypatch.setenv("IRS_UPLOAD_QUOTA_MB", "1:1")
    mine = keep(by(RUNNER), bytes(900_000))
    uploads.delete_upload(by(RUNNER), mine.path.parent.name)
    with pytest.raises(SpecError, match="1 MB, all together"):
        keep(by(OTHER), b"1" + bytes(900_000))
    assert len(trashed(root)) == 1
    keep(by(RUNNER), b"2" + bytes(900_000))
    assert trashed(root) == []


def test_uploads_at_the_same_time_have_one_bound(root, by, monkeypatch):
    monkeypatch.setenv("IRS_UPLOAD_QUOTA_MB", "1:9")
    half = bytes(600_000)

    def meanwhile(path):
        keep(by(RUNNER), b"2" + half)

    with pytest.raises(SpecError, match="1 MB, yours"):
        uploads.upload_data(by(RUNNER), "x.npz", b"1" + half, meanwhile)
    assert len(uploads.uploads(root)) == 1
    assert not list(
        (root / "about" / "uploads").glob("[!" + uploads.uploads(root)[0].name[0] + "]*")
    )


@pytest.mark.parametrize("text", ["3", "a:b", "3:", "-1:5", "1:2:3", "1.5:2"])
def test_a_bound_that_means_nothing_is_refused(root, by, monkeypatch, text):
    monkeypatch.setenv("IRS_UPLOAD_QUOTA_MB", text)
    with pytest.raises(SpecError, match="PERSON:TOTAL"):
        keep(by(RUNNER), b"1")


def test_on_ones_own_machine_nothing_is_bounded(by):
    assert uploads.quota(by(OPERATOR)) == uploads.Quota(None, None)
    assert uploads.quota(by(RUNNER)) == uploads.Quota(2_000_000_000, 20_000_000_000)


@pytest.mark.parametrize("what", ["study", "job", "trash"])
def test_an_upload_that_something_uses_stays(root, by, npz, study, what):
    path = keep(by(OPERATOR), npz()).path
    data = DataSpec(kind="npz", root=str(path), max=40, holdout=20)
    if what == "job":
        JobQueue(root).add(spec(1, data=data))
    else:
        record = study(1, data=data)
        if what == "trash":
            studies.delete(by(OPERATOR), record.id)
    with pytest.raises(StoreError, match="is used by"):
        uploads.delete_upload(by(OPERATOR), path.parent.name)
    age(path.parent, 1000)
    tidy.tidy(root)
    assert path.exists()


def test_what_nothing_uses_goes_with_age_and_then_for_good(root, by, npz):
    old, young = keep(by(RUNNER), npz(1)).path, keep(by(RUNNER), npz(2)).path
    age(old.parent, 91)
    age(young.parent, 89)
    tidy.tidy(root)
    assert not old.exists()
    assert young.exists()
    (one,) = trashed(root)
    assert one.owner == RUNNER.name
    age(root / "tidied", 2)
    tidy.tidy(root)
    assert trashed(root) == [one]
    tidy.empty_trash(by(OPERATOR), 0.0)
    assert trashed(root) == []


def test_tidying_is_done_once_a_day_and_makes_no_store(root, by, npz):
    tidy.tidy(root)
    assert not root.exists()
    path = keep(by(RUNNER), npz()).path
    tidy.tidy(root)
    age(path.parent, 100)
    tidy.tidy(root)
    assert path.exists()


def test_halves_of_killed_writers_go_after_a_day(root, by, npz):
    path = keep(by(RUNNER), npz()).path
    old, young = root / "studies" / ".a.partial", root / "studies" / ".b.partial"
    trial = root / "incoming" / "x"
    trial.mkdir(parents=True)
    (root / "studies").mkdir()
    for one in (old, young):
        one.write_text("half")
    age(old, 2)
    age(trial, 2)
    tidy.tidy(root)
    assert not old.exists()
    assert not trial.exists()
    assert young.exists()
    assert path.exists()


def test_a_mistake_in_a_setting_fails_no_action(root, by, npz, monkeypatch, caplog):
    # Converters of other packages raise the level of all.
    caplog.set_level("WARNING", "irs_core")
    keep(by(RUNNER), npz())
    monkeypatch.setenv("IRS_TRASH_DAYS", "soon")
    tidy.tidy(root)
    assert "not tidied" in caplog.text


def test_of_two_who_bring_the_same_at_once_the_first_to_have_it_kept_owns_it(root, by, npz):
    """The second was checked while the first was not there yet, and takes nothing away."""
    inner = []

    def meanwhile(path):
        if not inner:
            inner.append(None)
            inner[0] = keep(by(OTHER), npz())

    outer = uploads.upload_data(by(RUNNER), "x.npz", npz(), meanwhile)
    assert outer.path == inner[0].path
    (kept,) = uploads.uploads(root)
    assert kept.owner == OTHER.name
    assert (outer.fresh, inner[0].fresh) == (False, True)


def test_the_same_bytes_under_another_name_are_another_upload(root, by, npz):
    first, second = keep(by(RUNNER), npz(), "x.npz"), keep(by(RUNNER), npz(), "y.npz")
    assert first.path.read_bytes() == second.path.read_bytes() == npz()
    assert first.path.name == "x.npz"
    assert second.path.name == "y.npz"


def test_an_upload_that_vanishes_while_it_is_listed_is_left_out(root, by, npz, monkeypatch):
    one, other = keep(by(RUNNER), npz(1)), keep(by(RUNNER), npz(2))
    measure = uploads.folder_bytes

    def vanish(folder):
        if folder == one.path.parent:
            shutil.rmtree(folder)
        return measure(folder)

    monkeypatch.setattr(uploads, "folder_bytes", vanish)
    assert [kept.name for kept in uploads.uploads(root)] == [other.path.parent.name]


def test_an_upload_deleted_by_another_meanwhile_is_said_to_be(root, by, npz, monkeypatch):
    kept = keep(by(RUNNER), npz())
    lock = uploads.only_one

    def late(place):
        shutil.rmtree(kept.path.parent)
        return lock(place)

    monkeypatch.setattr(uploads, "only_one", late)
    with pytest.raises(StoreError, match="was deleted meanwhile"):
        uploads.delete_upload(by(RUNNER), kept.path.parent.name)
