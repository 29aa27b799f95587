"""Processes are told apart by number and start, and seen as what they are."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from irs_core.store import process as module
from irs_core.store.process import Process, parse, process, this_process


@pytest.fixture(params=["/proc", "ps"])
def looked(request, monkeypatch):
    """Both ways to look at a process."""
    if request.param == "ps":
        monkeypatch.setattr(module, "_look", module._look_by_ps)
        monkeypatch.setattr(module, "_own", module._own.__wrapped__)


@pytest.fixture
def child():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield child
    child.kill()
    child.communicate()


def test_this_process_runs(looked):
    assert this_process().pid == os.getpid()
    assert this_process().condition() == "runs"
    assert this_process().here


def test_a_process_is_seen_stopped_running_and_gone_before_it_is_reaped(looked, child):
    found = process(child.pid)
    for order, seen in (
        (signal.SIGSTOP, "stopped"),
        (signal.SIGCONT, "runs"),
        (signal.SIGKILL, "gone"),
    ):
        os.kill(child.pid, order)
        deadline = time.monotonic() + 60
        while found.condition() != seen:
            assert time.monotonic() < deadline, seen
            time.sleep(0.01)
    child.wait()
    assert found.condition() == "gone"
    assert process(child.pid) is None


def test_a_number_given_again_is_another_process(looked):
    assert replace(this_process(), began="before").condition() == "gone"


def test_a_process_that_may_not_be_looked_at_counts_as_running(monkeypatch):
    monkeypatch.setattr(module, "_look", lambda pid: None)
    assert this_process().condition() == "runs"


def test_names_of_programs_do_not_confuse(tmp_path):
    program = tmp_path / "a) Z 1 (b"
    program.symlink_to(sys.executable)
    child = subprocess.Popen([program, "-c", "input()"], stdin=subprocess.PIPE)
    found = process(child.pid)
    assert found.condition() == "runs"
    assert found.began.isdigit()
    child.communicate()


def test_texts_come_back_and_others_are_none():
    assert parse(str(this_process())) == this_process()
    assert parse("far 0123 7 99") == Process("far", "0123", 7, "99")
    for text in (None, "", "vm:4711:abcdef", "a b c d", "a b 1"):
        assert parse(text) is None


def test_another_boot_host_or_container_is_another_machine(monkeypatch, tmp_path):
    seen = {module.machine()}
    for name, value in (
        ("_node", lambda: "other"),
        ("_BOOT", tmp_path / "none"),
        ("_namespace", lambda: "pid:[1]"),
    ):
        monkeypatch.setattr(module, name, value)
        seen.add(module.machine.__wrapped__())
    assert len(seen) == 4
    assert not Process("far", "0123456789ab", os.getpid(), this_process().began).here
