"""What a running study says about CIRS."""

import math

import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.results import Interval
from irs_core.goals.outlook import Look
from irs_core.store import Library
from ui.certify.growing import curve, sentence
from ui.shared import job_queue
from ui.shared.job_queue import SoFar

LOOK = Look(120, Interval(0.3101, 0.2, 0.4), 31, 4800, 1.5)


def test_says_what_holds_and_what_is_expected() -> None:
    text = sentence(SoFar("fp16", "fp16", (LOOK,), 0.0123, 40))
    assert "**0.310** so far, **31** of 40 inputs certified right" in text
    assert "120 draws" in text
    assert "+0.012" in text
    assert "nothing to look at yet" in sentence(SoFar("fp16", "fp16", (), math.nan, 40))


def test_reads_the_live_study(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRS_STORE", str(tmp_path))
    library = Library(tmp_path)
    record = synthetic_study(library, synthetic_spec(n_p=(40, 120, 300), looks=True))
    first, second = job_queue.so_far(record.id, 1)
    assert [look.n_p for look in first.rounds] == [40, 120, 300]
    assert all(0 < look.certified <= first.inputs for look in first.rounds)
    figure = curve([first, second])
    assert list(figure.data[0].x) == [40, 120, 300]
    assert list(figure.data[1].y) == [look.acr.value for look in second.rounds]
    assert job_queue.so_far("0" * 16, 1) == []


def test_nothing_is_seen_before_the_end_where_that_was_not_asked_for(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("IRS_STORE", str(tmp_path))
    closed = synthetic_study(Library(tmp_path), synthetic_spec(n_p=(40, 120)))
    found = job_queue.so_far(closed.id, 1)
    assert found
    assert all(one.rounds == () and math.isnan(one.gain) for one in found)
