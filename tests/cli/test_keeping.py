"""Commands that rename, put away, delete and restore, and the one that lists who did."""

import json
import os
import time

import numpy as np
import pytest
from people_at_work import RUNNER, VIEWER, spec
from synthetic import synthetic_study

from irs_core.actions import Acting, jobs, uploads
from irs_core.cli.main import main
from irs_core.errors import NotAllowedError
from irs_core.store import Library


@pytest.fixture
def store(tmp_path, monkeypatch):
    (tmp_path / "shipped").mkdir()
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path / "shipped"))
    return tmp_path / "store"


@pytest.fixture
def run(store, capsys):
    """Runs a command on the store; what it printed."""

    def command(*words, code=0):
        assert main([*words, "--store", str(store)]) == code
        said = capsys.readouterr()
        return said.out if code == 0 else said.err

    return command


def test_a_study_is_renamed_archived_deleted_and_taken_back(store, run):
    study_id = synthetic_study(Library(store), spec(1)).id
    assert run("studies", "--rename", study_id[:5], "A title") == f"renamed: {study_id}\n"
    assert "A title" in run("studies")
    assert run("studies", "--archive", study_id) == f"archived: {study_id}\n"
    assert run("studies") == ""
    assert "A title" in run("studies", "--archived")
    (listed,) = json.loads(run("studies", "--json"))["studies"]
    assert (listed["archived"], listed["owner"]) == (True, "")
    run("studies", "--unarchive", study_id)
    assert run("studies", "--delete", study_id) == f"deleted: {study_id}\n"
    assert run("studies") == ""
    assert "A title" in run("studies", "--trash")
    (gone,) = json.loads(run("studies", "--trash", "--json"))["trash"]
    assert (gone["name"], gone["shelf"]) == (study_id, "studies")
    assert run("studies", "--restore", study_id[:4]) == f"restored: {study_id}\n"
    assert "A title" in run("studies")


def test_the_trash_is_emptied_on_request(store, run, capsys):
    study_id = synthetic_study(Library(store), spec(1)).id
    run("studies", "--delete", study_id)
    assert main(["studies", "--empty-trash", "--store", str(store)]) == 0
    said = capsys.readouterr()
    assert said.out == "removed for good: nothing\n"
    assert f"left in the trash: {study_id}; a job" in said.err
    old = time.time() - 10_000
    for path in (store / "evidence").glob("*/*"):
        os.utime(path, (old, old))
    found = json.loads(run("studies", "--empty-trash", "--json"))
    assert found["removed_for_good"] == [study_id]
    assert not list((store / "evidence").iterdir())
    assert "nothing in the trash" in run("studies", "--restore", study_id, code=2)


def test_uploads_are_listed_and_deleted(store, run, tmp_path):
    np.savez(tmp_path / "x.npz", images=np.zeros((2, 8, 8), np.uint8), labels=np.zeros(2, int))
    kept = uploads.upload_data(
        Acting(store, RUNNER), "x.npz", (tmp_path / "x.npz").read_bytes(), lambda path: None
    )
    name = kept.path.parent.name
    assert "nothing uses it" in run("studies", "--uploads")
    (listed,) = json.loads(run("studies", "--uploads", "--json"))["uploads"]
    assert (listed["name"], listed["owner"]) == (name, RUNNER.name)
    assert run("studies", "--delete-upload", name[:6]) == f"deleted: {name}\n"
    assert run("studies", "--uploads") == ""
    assert run("studies", "--restore", name) == f"restored: {name}\n"


def test_one_thing_at_a_time(store, run, capsys):
    with pytest.raises(SystemExit, match="2"):
        run("studies", "--delete", "a", "--restore", "b")
    assert "not allowed with" in capsys.readouterr().err


def test_the_log_says_who_did_what_and_how_it_went(store, run):
    study_id = synthetic_study(Library(store), spec(1)).id
    run("studies", "--delete", study_id)
    run("jobs", "cancel", "7", code=2)
    run("studies", "--delete", study_id, code=2)
    run("studies", "--restore", study_id)
    with pytest.raises(NotAllowedError):
        jobs.start_worker(Acting(store, VIEWER))
    lines = run("audit").splitlines()
    assert [line.split()[-1] for line in lines[:2]] == ["done", "done"]
    assert "this machine  admin  delete" in lines[0]
    assert "viewer@example.org  viewer  start-worker  -  refused  the role viewer" in lines[2]
    found = json.loads(run("audit", "--json", "--who", "Viewer@example.org"))["entries"]
    assert [(one["action"], one["result"]) for one in found] == [("start-worker", "refused")]
    assert len(run("audit", "--action", "restore").splitlines()) == 1
    assert run("audit", "--last", "1").splitlines() == lines[-1:]
    assert run("audit", "--last", "0") == ""
