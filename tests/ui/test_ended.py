"""A word about jobs that end while their reader is elsewhere."""

import pytest
from streamlit.testing.v1 import AppTest
from synthetic import synthetic_spec, synthetic_study

from irs_core.jobs import JobQueue
from irs_core.store import Library


def page():
    import streamlit as st

    from ui.decide import ended

    ended.watch()
    st.text(st.session_state.get("mark_of_the_title", ""))


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("IRS_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path / "none"))
    return tmp_path / "store"


@pytest.fixture
def queue(store):
    return JobQueue(store)


@pytest.fixture
def app():
    return AppTest.from_function(page, default_timeout=60)


def toasts(app):
    return [one.value for one in app.toast]


def test_what_ends_is_said_once_with_its_result(queue, store, app):
    record = synthetic_study(Library(store), synthetic_spec(n=4000))
    queue.add(record.spec)
    job = queue.claim()
    assert toasts(app.run()) == []
    queue.finish(job.lease, "done")
    (said,) = toasts(app.run())
    assert "is done. May it ship at radius" in said
    assert app.text[0].value == "\u2713"
    assert toasts(app.run()) == []


def test_a_failure_is_said_and_what_ended_before_is_not(queue, app):
    queue.add(synthetic_spec(n=4000))
    old = queue.claim()
    queue.finish(old.lease, "done")
    queue.add(synthetic_spec(n=5000))
    job = queue.claim()
    assert toasts(app.run()) == []
    queue.finish(job.lease, "failed", "no room")
    (said,) = toasts(app.run())
    assert "failed. See the page Jobs." in said


def test_jobs_of_others_are_not_ones_own(queue, app):
    queue.add(synthetic_spec(n=4000), owner="somebody@example.org")
    job = queue.claim()
    app.run()
    queue.finish(job.lease, "done")
    assert toasts(app.run()) == []
