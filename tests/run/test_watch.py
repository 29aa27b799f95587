"""Whether a Dask scheduler and its workers are still there."""

import threading
import time

import pytest

from irs_core.run import watch


class _Client:
    """Answers of a scheduler: its workers, or an exception."""

    def __init__(self, *answers):
        self.scheduler, self.asked = self, 0
        self._answers = list(answers)

    def ncores(self):
        raise AssertionError("called by sync only")

    def sync(self, function, callback_timeout):
        assert function == self.ncores
        self.asked += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({}, "all workers of the Dask scheduler at tcp://x:1 are gone; what was computed is kept"),
        (OSError("no"), "the Dask scheduler at tcp://x:1 is gone; what was computed is kept"),
    ],
)
def test_a_watch_says_what_is_gone(monkeypatch, answer, sentence):
    monkeypatch.setattr(watch, "ASK_SECONDS", 0.01)
    monkeypatch.setattr(watch, "GONE_SECONDS", 0.05)
    said, told = [], threading.Event()

    def fail(error):
        said.append(str(error))
        told.set()

    watch.Watch(_Client({"w": 1}, answer), "tcp://x:1", fail)
    assert told.wait(60)
    assert len(said) == 1
    assert said[0].startswith(sentence)


def test_a_watch_lets_living_workers_take_their_time(monkeypatch):
    monkeypatch.setattr(watch, "ASK_SECONDS", 0.001)
    # Nothing may be missed for any time at all, except where the answer says that workers live.
    monkeypatch.setattr(watch, "GONE_SECONDS", 0.0)
    said, client = [], _Client({"w": 1})
    looking = watch.Watch(client, "tcp://x:1", said.append)
    deadline = time.monotonic() + 60
    while client.asked < 50 and time.monotonic() < deadline:
        time.sleep(0.01)
    looking.stop()
    assert client.asked >= 50
    assert said == []
