"""What a running study says about CIRS."""

import math

import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.results import Interval
from irs_core.goals.outlook import Look
from irs_core.store import Library
from ui.shared import job_queue
from ui.shared.interim import look_sentence


def test_says_what_holds_and_what_is_expected() -> None:
    look = Look(120, Interval(0.3101, 0.2, 0.4), 4800, 1.5)
    text = look_sentence("fp16", [look], 0.0123)
    assert "**0.310** so far" in text
    assert "120 draws" in text
    assert "+0.012" in text
    assert "nothing to look at yet" in look_sentence("fp16", [], math.nan)


def test_reads_the_live_study(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRS_STORE", str(tmp_path))
    library = Library(tmp_path)
    record = synthetic_study(library, synthetic_spec(n_p=(40, 120, 300), looks=True))
    first, _ = job_queue.cirs_so_far(record.id, 1)
    assert "300 draws per input" in first
    assert job_queue.cirs_so_far("0" * 16, 1) == []
    closed = synthetic_study(library, synthetic_spec(n_p=(40, 120)))
    (sentence,) = job_queue.cirs_so_far(closed.id, 1)
    assert "without looks" in sentence
