"""The log of actions: whole lines, in order, in files that do not grow for ever."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from irs_core.people import OPERATOR, Action, Person, Role, audit


def test_lines_come_back_as_they_went_in(tmp_path):
    runner = Person("a@example.org", Role.RUNNER)
    audit.note(tmp_path, runner, Action.CANCEL, "job 3", "refused", "a\nline")
    audit.note(tmp_path, OPERATOR, Action.DELETE, "0123", "done")
    first, second = audit.entries(tmp_path)
    assert (first.who, first.role, first.action) == ("a@example.org", "runner", "cancel")
    assert (first.on, first.result, first.why) == ("job 3", "refused", "a\nline")
    assert (second.who, second.on, second.result) == ("", "0123", "done")
    assert first.when <= second.when
    assert len((tmp_path / "audit" / "audit.jsonl").read_text().splitlines()) == 2


def test_a_full_file_is_put_aside_and_the_oldest_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(audit, "MAX_BYTES", 1)
    monkeypatch.setattr(audit, "KEPT", 3)
    for number in range(6):
        audit.note(tmp_path, OPERATOR, Action.EXPORT, str(number), "done")
    assert [one.on for one in audit.entries(tmp_path)] == ["2", "3", "4", "5"]
    assert len(list((tmp_path / "audit").glob("*.jsonl"))) == 4


def test_many_writers_tear_no_line(tmp_path, monkeypatch):
    monkeypatch.setattr(audit, "MAX_BYTES", 3000)
    monkeypatch.setattr(audit, "KEPT", 100)
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda number: audit.note(
                    tmp_path, OPERATOR, Action.EXPORT, str(number), "done", "x" * number
                ),
                range(100),
            )
        )
    assert sorted(int(one.on) for one in audit.entries(tmp_path)) == list(range(100))


def test_torn_lines_are_left_out(tmp_path):
    audit.note(tmp_path, OPERATOR, Action.EXPORT, "1", "done")
    with (tmp_path / "audit" / "audit.jsonl").open("a") as file:
        file.write('{"when": "2026')
    audit.note(tmp_path, OPERATOR, Action.EXPORT, "2", "done")
    assert [one.on for one in audit.entries(tmp_path)] == ["1", "2"]


def test_a_disk_that_refuses_stops_nobody(tmp_path, caplog):
    (tmp_path / "audit").write_text("no folder")
    audit.note(tmp_path, OPERATOR, Action.CANCEL, "job 1", "done")
    assert "not in the audit log" in caplog.text


@pytest.mark.parametrize("size", [0, 10_000])
def test_a_reason_is_bounded(tmp_path, size):
    audit.note(tmp_path, OPERATOR, Action.IMPORT, "", "failed", "x" * size)
    (entry,) = audit.entries(tmp_path)
    assert len(entry.why) <= 400
