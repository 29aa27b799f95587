"""Scripts run one after the other, and a slow one keeps nobody waiting."""

import threading

import pytest

from ui.shared import turns


def _in_thread(act):
    thread = threading.Thread(target=act)
    thread.start()
    return thread


def test_a_second_script_waits_for_the_first():
    order, inside = [], threading.Event()

    def second():
        inside.wait(10)
        with turns.taken():
            order.append("second")

    thread = _in_thread(second)
    with turns.taken():
        inside.set()
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_nobody_waits_longer_than_the_limit(monkeypatch):
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.01)
    done = threading.Event()

    def second():
        with turns.taken():
            done.set()

    with turns.taken():
        _in_thread(second).join(10)
        assert done.is_set()
    # The turn was given back once: the next one gets it.
    with turns.taken():
        assert turns._turn.locked()
    assert not turns._turn.locked()


def test_an_error_gives_the_turn_back():
    with pytest.raises(ValueError, match="no"), turns.taken():
        raise ValueError("no")
    assert not turns._turn.locked()
