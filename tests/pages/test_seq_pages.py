"""Every page about a study whose inputs stopped one by one: some draws, no prefix, no baseline."""

from dataclasses import replace
from pathlib import Path

import pytest
from app_pages import open_page, texts
from units import SPEC

from irs_core.jobs import JobQueue
from irs_core.run.study import run_study
from irs_core.store import Library
from ui.shared.page_list import STUDY_PAGES

SEQ = replace(
    SPEC,
    methods=("seq",),
    baseline=False,
    radii=(0.25,),
    n_p=(50, 200),
    compressions=SPEC.compressions[:1],
    name="at a radius",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seq-pages")
    return folder, run_study(SEQ, Library(folder))


@pytest.mark.parametrize("page", STUDY_PAGES)
def test_pages_show_what_there_is(made, monkeypatch, page):
    folder, record = made
    monkeypatch.setenv("IRS_STORE", str(folder))
    at = open_page(page, study=record.id)
    assert not at.exception
    assert not at.error
    assert "at a radius" in texts(at) + str(at.get("selectbox"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seq-alone")
    return folder, run_study(replace(SEQ, compressions=()), Library(folder))


@pytest.mark.parametrize("page", STUDY_PAGES)
def test_pages_show_an_original_that_stopped_by_itself(alone, monkeypatch, page):
    folder, record = alone
    monkeypatch.setenv("IRS_STORE", str(folder))
    at = open_page(page, study=record.id)
    assert not at.exception
    assert not at.error
    assert "at a radius" in texts(at) + str(at.get("selectbox"))


def test_decide_says_where_an_original_alone_stopped(alone, monkeypatch):
    folder, record = alone
    monkeypatch.setenv("IRS_STORE", str(folder))
    said = [one.value for one in open_page("decide", study=record.id).info]
    assert "there is no compressed model to judge" in said[0]
    assert "inputs are certified at 0.25, with" in said[1]


def test_the_form_asks_about_an_original_alone(store: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ui.shared.launch.check_fit", lambda spec: None)
    monkeypatch.setattr("ui.shared.launch.ensure_worker", lambda root: True)
    at = open_page("certify")
    at.multiselect(key="form_kinds").set_value([])
    at.multiselect(key="form_methods").set_value(["seq"]).run()
    assert not at.error
    assert "for each about 1,100 of the original" in texts(at)
    at.button(key="start").click().run()
    assert not at.exception
    (job,) = JobQueue(store).jobs()
    assert job.spec.original_stops
    assert job.spec.radii == (0.5,)


def test_a_model_is_not_blamed_for_draws_that_it_did_not_need(made, monkeypatch):
    folder, record = made
    monkeypatch.setenv("IRS_STORE", str(folder))
    at = open_page("overview", study=record.id)
    said = texts(at)
    assert "cannot be compared fairly" in said
    assert "lower at equal draws" not in said
    assert "keeps **" not in said


def test_an_open_question_can_be_drawn_on_until_it_is_answered(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.shared.launch.ensure_worker", lambda root: True)
    record = run_study(replace(SPEC, compressions=SPEC.compressions[:1], n_p=(10,)), Library(store))
    at = open_page("decide", study=record.id)
    assert any("undecided" in one.value for one in at.warning)
    at.button[0].click().run()
    assert not at.exception
    assert not at.error
    (job,) = JobQueue(store).jobs()
    assert job.spec.methods == ("seq",)
    assert job.spec.compressions == SPEC.compressions[:1]
    # Whatever lies at the original's path when the job runs.
    assert job.options.network == record.base.digest
    assert str(job.id) in at.success[0].value


def test_a_decision_says_what_stopped_its_inputs(made, monkeypatch):
    folder, record = made
    monkeypatch.setenv("IRS_STORE", str(folder))
    at = open_page("decide", study=record.id)
    assert any("until its answer was known" in one.value for one in at.info)
