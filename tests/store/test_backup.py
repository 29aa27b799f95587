"""A copy of a store that others write to meanwhile."""

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from synthetic import synthetic_spec, synthetic_study, write_predictions

from irs_core.analysis.tally import tally_study
from irs_core.cli.main import main
from irs_core.errors import StoreError
from irs_core.jobs import JobQueue, Roster
from irs_core.jobs.backup import copy_queue
from irs_core.store import EvidenceKey, Library
from irs_core.store.backup import copy_store
from irs_core.store.process import this_process


@pytest.fixture
def library(tmp_path, monkeypatch):
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path / "none"))
    return Library(tmp_path / "store")


@pytest.fixture
def record(library):
    return synthetic_study(library)


def _restored(library, tmp_path):
    return Library(tmp_path / "copy", tmp_path / "none")


def _hits(library, record):
    return tally_study(library.open(record.id)).base.hits.tolist()


def test_a_restored_copy_verifies_and_counts_the_same(library, record, tmp_path, capsys):
    assert main(["backup", str(tmp_path / "copy"), "--store", str(library.root)]) == 0
    before = _hits(library, record)
    # The store is lost; the copy takes its place.
    library.root.rename(tmp_path / "lost")
    (tmp_path / "copy").rename(library.root)
    assert main(["verify", "--store", str(library.root)]) == 0
    assert f"{record.id}  live      ok" in capsys.readouterr().out
    assert _hits(library, record) == before


def test_waiting_jobs_go_on_from_a_copy(library, record, tmp_path):
    queue = JobQueue(library.root)
    first, second = queue.add(record.spec), queue.add(synthetic_spec(n=4000))
    # Held open, so that the last jobs are in the write-ahead log only.
    with queue._database.transaction(write=False):
        assert copy_queue(library.root, tmp_path / "copy")
    copy = JobQueue(tmp_path / "copy")
    assert [(one.id, one.study) for one in copy.jobs()] == [
        (one.id, one.study) for one in (first, second)
    ]
    assert copy.claim("somebody").id == first.id
    assert queue.get(first.id).state == "queued"


def test_a_store_without_jobs_is_copied_without_a_queue(library, record, tmp_path):
    assert not copy_queue(library.root, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_what_is_written_meanwhile_tears_nothing(library, record, tmp_path):
    rng = np.random.default_rng(0)
    key = EvidenceKey("another", "d" * 64, record.spec.noise, "estimate", "synthetic")
    array = library.open_evidence(key, n_inputs=60, classes=10, pixels=64)
    stop = threading.Event()

    def write():
        while not stop.is_set():
            with array.locked():
                write_predictions(array, rng.integers(0, 10, (60, 1000)))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        copy_store(library.root, tmp_path / "copy")
    finally:
        stop.set()
        writer.join()
    copy = _restored(library, tmp_path)
    assert _hits(copy, record) == _hits(library, record)
    same = copy.open_evidence(key, n_inputs=60, classes=10, pixels=64)
    raw, read = same.raw(1000), same.read(1000)
    assert (raw == read).all()


def test_what_is_of_no_use_later_is_left_out(library, record, tmp_path):
    place = library.root / "uploads"
    place.mkdir()
    (place / "model.onnx").write_bytes(b"x")
    (place / ".model.onnx.1.partial").write_bytes(b"x")
    (place / "link").symlink_to("/etc/hostname")
    (library.root / "tallies").mkdir()
    (library.root / "tallies" / "one.tally").write_bytes(b"x")
    copied = copy_store(library.root, tmp_path / "copy")
    names = {path.name for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    assert "model.onnx" in names
    assert not names & {"one.tally", "lock", "link", ".model.onnx.1.partial"}
    assert copied.files == sum(one.is_file() for one in (tmp_path / "copy").rglob("*"))


@pytest.mark.parametrize("place", ["store/inside", "full", "file"])
def test_a_target_that_may_not_be_used_is_named(library, record, tmp_path, place):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "one").write_text("")
    (tmp_path / "file").write_text("")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(StoreError, match=str(tmp_path / place)):
        copy_store(library.root, tmp_path / place)
    assert sorted(tmp_path.iterdir()) == before


def test_no_store_is_one_sentence(library, tmp_path):
    with pytest.raises(StoreError, match="there is no store in"):
        copy_store(library.root, tmp_path / "copy")


def test_opening_a_copy_leaves_the_job_that_runs_in_peace(library, record, tmp_path):
    queue = JobQueue(library.root)
    queue.add(record.spec)
    job = queue.claim()
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True
    )
    assert queue.beat(job.lease, child.pid)
    Roster(library.root).sign_on(this_process())
    copy_queue(library.root, tmp_path / "copy")
    copy = JobQueue(tmp_path / "copy")
    assert Roster(tmp_path / "copy").living() == []
    assert copy.get(job.id).state == "queued"
    # As a worker of the copy would, and whoever cancels or retries there.
    copy.repair()
    copy.cancel(job.id)
    assert child.poll() is None
    assert queue.get(job.id).state == "running"
    child.communicate(b"\n")
    assert child.returncode == 0


def test_a_queue_of_an_earlier_version_is_copied(library, tmp_path):
    library.root.mkdir(parents=True)
    dump = Path(__file__).parents[1] / "jobs" / "queue_version_3.sql"
    with sqlite3.connect(library.root / "jobs.sqlite") as db:
        db.executescript(dump.read_text())
        db.execute("INSERT INTO workers VALUES ('vm:999999:abcdef', 999999, 1.7e9)")
    assert copy_queue(library.root, tmp_path / "copy")
    assert Roster(tmp_path / "copy").living() == JobQueue(tmp_path / "copy").jobs() == []
