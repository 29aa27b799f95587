"""Work that sessions share: made once, never mixed up."""

import threading
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from irs_core.spec.settings import Settings
from ui.shared import once as shared
from ui.shared.once import mark_of, once


@pytest.fixture(autouse=True)
def _nothing_kept():
    shared.clear()


class Maker:
    """Counts how often it was asked."""

    def __init__(self):
        self.calls = 0

    def __call__(self, *args, **kwargs):
        self.calls += 1
        return [args, kwargs]


def test_equal_arguments_share_one_result():
    make, rows = Maker(), [object(), object()]
    first = once(make, rows, "size", 0.5, (0.1, 0.2), scratch=True)
    assert once(make, list(rows), "size", 0.5, (0.1, 0.2), scratch=True) is first
    assert make.calls == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1,), (1.0,)),
        ((1,), (True,)),
        (("a",), ("b",)),
        (([1],), ((1,),)),
        ((Settings(0.001, 0.001, 0.99),), (Settings(0.001, 0.001, 0.98),)),
        ((np.zeros(2),), (np.zeros(2),)),
        (({"a": 1},), ({"a": 1},)),
    ],
)
def test_other_arguments_do_not(one, other):
    make = Maker()
    assert once(make, *one) is not once(make, *other)
    assert make.calls == 2


def test_equal_frozen_records_count_as_the_same_and_others_do_not():
    @dataclass(frozen=True)
    class Frozen:
        a: float
        b: object

    @dataclass
    class Loose:
        a: float

    make, part = Maker(), object()
    assert once(make, Frozen(1.0, part)) is once(make, Frozen(1.0, part))
    assert once(make, Frozen(1.0, part)) is not once(make, Frozen(1.0, object()))
    assert once(make, Loose(1.0)) is not once(make, Loose(1.0))


def test_two_functions_never_share():
    assert once(Maker(), 1) is not once(Maker(), 1)


def test_many_at_once_wait_for_one():
    ready, go = threading.Barrier(8), threading.Event()
    calls, found = [], []

    def make(_):
        calls.append(1)
        go.wait(10)
        return object()

    def ask():
        ready.wait()
        found.append(once(make, 7))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for one in threads:
        one.start()
    go.set()
    for one in threads:
        one.join()
    assert len(calls) == 1
    assert len(set(map(id, found))) == 1


def test_what_failed_is_tried_again():
    answers = iter([ValueError("no"), "yes"])

    def make():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(ValueError, match="no"):
        once(make)
    assert once(make) == "yes"


def test_the_oldest_is_forgotten_with_its_mark(monkeypatch):
    monkeypatch.setattr(shared, "MAX_KEPT", 2)
    make = Maker()
    first = once(make, 1)
    mark = mark_of(first)
    assert mark
    once(make, 2)
    assert once(make, 1) is first
    once(make, 3)
    once(make, 4)
    assert mark_of(first) is None
    again = once(make, 1)
    assert mark_of(again) not in (None, mark)


def test_only_what_is_shared_has_a_mark():
    frame = once(pd.DataFrame, {"a": [1]})
    assert mark_of(frame)
    assert mark_of(frame.copy()) is None


def test_sessions_see_what_they_asked_for():
    source = """
import streamlit as st
from ui.shared import figures, grid
from ui.shared.once import once
from kept_makers import figure_of, frame_of
value = st.session_state.get("value", 1.0)
frame = once(frame_of, value)
figures.show(once(figure_of, value), "one", frame, alt="a figure")
grid.table(frame, "table", {}, alt="a table")
"""
    seen = {}
    for value in (1.0, 2.0, 1.0, 2.0):
        at = AppTest.from_string(source, default_timeout=120)
        at.session_state["value"] = value
        at.run()
        assert not at.exception
        spec = at.get("plotly_chart")[0].proto.spec
        shown = (spec, at.dataframe[0].value["a"].tolist())
        assert seen.setdefault(value, shown) == shown
    assert seen[1.0][1] == [1.0]
    assert seen[2.0][1] == [2.0]
    assert seen[1.0][0] != seen[2.0][0]
