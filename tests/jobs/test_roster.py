import sqlite3
import subprocess
import sys

import pytest

from irs_core.jobs import Roster
from irs_core.jobs.lease import LEASE_SECONDS
from irs_core.store.process import Process, process, this_process


@pytest.fixture
def roster(tmp_path):
    return Roster(tmp_path)


@pytest.fixture
def other():
    """Another process that lives."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process(child.pid)
    child.communicate()


def let_pass(tmp_path, seconds=LEASE_SECONDS + 1):
    with sqlite3.connect(tmp_path / "jobs.sqlite") as db:
        db.execute("UPDATE roster SET beat = beat - ?", (seconds,))


def test_a_worker_lives_while_its_process_does(roster):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    found = process(child.pid)
    assert roster.living() == []
    assert roster.sign_on(found)
    assert roster.living() == [found]
    child.communicate()
    assert roster.living() == []


def test_a_silent_worker_makes_room_and_notices_when_it_wakes(roster, other, tmp_path):
    me = this_process()
    assert roster.sign_on(other, single=True)
    assert not roster.sign_on(me, single=True)
    let_pass(tmp_path)
    assert roster.sign_on(me, single=True)
    assert not roster.beat(other)
    assert not roster.sign_on(other, single=True)
    assert roster.living() == [me]


def test_beats_keep_a_worker_in_its_place(roster, other, tmp_path):
    roster.sign_on(other, single=True)
    let_pass(tmp_path)
    assert roster.beat(other)
    assert roster.living() == [other]


def test_a_worker_that_is_expected_counts_and_keeps_nobody_from_serving(roster, other):
    me = this_process()
    roster.expect(other)
    roster.expect(me)
    assert set(roster.living()) == {me, other}
    assert not roster.beat(other)
    assert roster.sign_on(me, single=True)
    assert not roster.sign_on(other, single=True)


def test_to_be_expected_later_than_serving_changes_nothing(roster):
    me = this_process()
    roster.sign_on(me)
    roster.expect(me)
    assert roster.beat(me)


def test_several_serve_if_they_want_to(roster, other):
    assert roster.sign_on(other)
    assert roster.sign_on(this_process())
    roster.sign_off(other)
    assert roster.living() == [this_process()]


def test_a_worker_of_another_host_lives_until_it_is_silent(roster, tmp_path):
    far = Process("far", "0123456789ab", 1, "1")
    roster.sign_on(far)
    assert roster.living() == [far]
    with sqlite3.connect(tmp_path / "jobs.sqlite") as db:
        db.execute("UPDATE sightings SET since = since - 100")
    assert roster.living() == []
