"""A file's reader in a child: its answer or one sentence, whatever the file makes it do."""

import os
import socket
import time
from dataclasses import replace
from pathlib import Path

import bad_readers
import numpy as np
import pytest

from irs_core.errors import CheckpointError, DatasetError, SandboxError, SpecError
from irs_core.sandbox import Limits, gate, in_child, keep_spare, network_is_shut

# A busy machine needs patience; only what never ends is cut short.
PATIENT = Limits(seconds=60, memory=200_000_000, output=30_000_000, written=5_000_000)
SHORT = replace(PATIENT, seconds=2)


def ask(function, *arguments, limits=PATIENT, **options):
    return in_child(function, *arguments, what="net.onnx", limits=limits, **options)


def test_values_and_arrays_come_back():
    value = {"a": [1, 2.5, None, "text"], "b": {"c": True}}
    assert ask(bad_readers.give, value) == value
    found = ask(bad_readers.give_arrays)
    assert found["pixels"].dtype == np.float32
    assert found["pixels"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["none"].shape == (0, 4)


def ends(pid):
    """Whether a process that was killed is gone, once the system had time to see to it."""
    for _ in range(500):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        ("sleep", "took more than 2 s: give a smaller file, or let the operator raise IRS_FILE_S"),
        ("hold_the_interpreter", "took more than 2 s"),
        ("spin", "took more than 2 s"),
        ("eat_memory", "took more than 200 MB of memory: give a smaller file.*IRS_FILE_MB"),
        ("ask_for_too_much", "took more than 200 MB of memory"),
        ("crash", "ended the process that read it .code -11."),
        ("fail", "its reader failed .KeyError.; save it again"),
        ("send_nonsense", "ended the process that read it .code 0."),
        (
            "flood",
            "more than 30000000 bytes, the most that is taken: choose fewer or smaller inputs",
        ),
        ("write_much", "wrote more than 5000000 bytes to the disk"),
        ("be_killed", "ended the process that read it .code -9., for want of memory"),
    ],
)
def test_what_goes_wrong_is_one_sentence(function, sentence):
    with pytest.raises(SandboxError, match=sentence) as caught:
        ask(getattr(bad_readers, function), limits=SHORT if "2 s" in sentence else PATIENT)
    assert "'net.onnx'" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_refusal_keeps_its_class_and_its_words():
    with pytest.raises(CheckpointError, match=r"^no network$"):
        ask(bad_readers.refuse, "no network")
    with pytest.raises(DatasetError, match=r"^the model takes 3$"):
        ask(bad_readers.refuse_channels)


def test_words_of_a_file_are_one_bounded_line():
    with pytest.raises(CheckpointError) as caught:
        ask(bad_readers.refuse, "a\nb\x1b[31m\u2028" + "x" * 5000)
    assert str(caught.value).startswith("a b [31m xxx")
    assert len(str(caught.value)) == 1000


def test_nothing_of_the_child_stays(tmp_path):
    note = tmp_path / "pid"
    with pytest.raises(SandboxError, match="2 s"):
        ask(bad_readers.have_offspring, str(note), limits=SHORT)
    assert ends(int(note.read_text()))
    found = ask(bad_readers.surroundings)
    assert not Path(found["folder"]).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(found["pid"], 0)


def test_the_child_gets_little_of_the_environment(monkeypatch):
    monkeypatch.setenv("A_SECRET", "s3cret")
    found = ask(bad_readers.surroundings)
    assert "A_SECRET" not in found["environment"]
    assert found["environment"]["HOME"] == found["environment"]["TMPDIR"] == found["folder"]


def test_the_child_has_no_network_where_the_system_allows_that():
    if not network_is_shut():
        pytest.skip("this system lets no process leave its network")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not ask(bad_readers.connect, port)
        assert ask(bad_readers.connect, port, network=True)


@pytest.mark.parametrize("function", [lambda: 1, Limits.chosen])
def test_only_functions_of_modules_are_run(function):
    with pytest.raises(SandboxError, match="functions of modules"):
        ask(function)


def test_a_third_file_waits_its_turn(monkeypatch):
    assert gate._slots.acquire(blocking=False)
    assert gate._slots.acquire(blocking=False)
    try:
        with pytest.raises(SandboxError, match=r"2 other files are being read.*try again"):
            ask(bad_readers.give, 1, limits=Limits(0.05, SHORT.memory))
    finally:
        gate._slots.release()
        gate._slots.release()
    assert ask(bad_readers.give, 1) == 1


def test_a_spare_answers_once_and_another_takes_its_place(monkeypatch):
    monkeypatch.setattr(gate, "_spare", gate.Spare())
    keep_spare("bad_readers")
    first = gate._spare._child.process.pid
    assert ask(bad_readers.surroundings)["pid"] != first
    assert ask(bad_readers.surroundings, loads=["bad_readers"])["pid"] == first
    second = gate._spare._child.process.pid
    assert second != first
    gate._spare._child.process.kill()
    gate._spare._child.process.wait()
    assert gate._spare.take() is None
    assert ask(bad_readers.surroundings, loads=["bad_readers"])["pid"] not in (first, second)


def test_the_operator_sets_the_limits(monkeypatch):
    monkeypatch.setenv("IRS_FILE_SECONDS", "7")
    monkeypatch.setenv("IRS_FILE_MB", "100")
    assert Limits.chosen() == Limits(7, 100_000_000)
    monkeypatch.setenv("IRS_FILE_MB", "-3")
    with pytest.raises(SpecError, match="IRS_FILE_MB must be a positive whole number; got '-3'"):
        Limits.chosen()
