"""What a slider would ask for next is made beforehand, and never in anybody's way."""

import threading
from dataclasses import replace

import pytest
from people_at_work import spec
from synthetic import synthetic_study

from irs_core.errors import MissingEvidenceError
from irs_core.spec.settings import Settings
from irs_core.store import Library
from ui.shared import analyses, entries, foresight, levels, library, turns


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setenv("IRS_STORE", str(tmp_path))
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path / "none"))
    analyses._model_rows.clear()
    made = synthetic_study(Library(tmp_path), spec(1))
    return next(one for one in library.list_studies() if one.record.id == made.id)


@pytest.fixture
def made(monkeypatch):
    """Settings for which rows were made, in order."""
    found = []

    def counted(record, analysis):
        found.append(analysis.settings)
        return entries.model_rows(record, analysis)

    monkeypatch.setattr(analyses, "model_rows", counted)
    return found


def nothing(work):
    """A page that needs no more than rows and curves."""


def test_every_move_of_one_slider_is_foreseen_the_nearest_first(study):
    now, spec = Settings(alpha=0.01, alpha_zeta=0.001, gamma=0.9), study.record.spec
    found = list(foresight.neighbours(study, now))
    nearest = [
        *(replace(now, alpha=one) for one in (0.005, 0.02)),
        *(replace(now, alpha_zeta=one) for one in (0.0005, 0.002)),
        *(replace(now, gamma=one) for one in (0.85, 0.95)),
    ]
    assert sorted(found[:6], key=repr) == sorted(nearest, key=repr)
    every = [
        *(replace(now, alpha=one) for one in levels.options(spec.alpha)),
        *(replace(now, alpha_zeta=one) for one in levels.options(spec.alpha_zeta)),
        *(replace(now, gamma=one) for one in levels.gamma_options(spec.gamma)),
    ]
    assert sorted(found, key=repr) == sorted((one for one in every if one != now), key=repr)


def test_a_page_finds_made_what_was_foreseen(study, made):
    settings = Settings.of(study.record.spec)
    ahead = foresight.Ahead()
    ahead.look_from(study, settings, "page", nothing)
    wanted = list(foresight.neighbours(study, settings))
    for _ in wanted:
        ahead.make_next()
    assert made == wanted
    for one in wanted:
        assert analyses.overview(study, one)
        assert analyses.panels(study, one, [model.name for model in study.record.compressed])
    assert made == wanted


def test_the_latest_look_is_the_one_that_counts(study, made):
    first = Settings.of(study.record.spec)
    second = Settings(first.alpha, first.alpha_zeta, 0.8)
    ahead = foresight.Ahead()
    ahead.look_from(study, first, "page", nothing)
    ahead.look_from(study, second, "page", nothing)
    wanted = list(foresight.neighbours(study, second))
    assert [one.settings for one in ahead._units] == wanted
    ahead.make_next()
    assert made == wanted[:1]


def test_nothing_is_made_while_a_page_is(study, monkeypatch):
    monkeypatch.setattr(turns, "WAIT_SECONDS", 60)
    monkeypatch.setattr(turns, "QUIET_SECONDS", 0)
    begun = []

    def steps(study, work):
        begun.append(study)
        yield

    monkeypatch.setattr(analyses, "foresee", steps)
    ahead = foresight.Ahead()
    ahead.look_from(study, Settings.of(study.record.spec), "page", nothing)
    thread = threading.Thread(target=ahead.make_next)
    with turns.taken():
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
        assert begun == []
    thread.join(10)
    assert len(begun) == 1


def test_a_large_study_is_left_to_whoever_asks(study, monkeypatch):
    monkeypatch.setattr(foresight, "_LARGEST", 1)
    ahead = foresight.Ahead()
    ahead.look_from(study, Settings.of(study.record.spec), "page", nothing)
    assert not ahead._units


def test_it_can_be_left_out(study, monkeypatch):
    monkeypatch.setenv("IRS_LOOK_AHEAD", "0")
    foresight.look_from(study, Settings.of(study.record.spec), "page", nothing)
    assert "foresight" not in [thread.name for thread in threading.enumerate()]


def test_what_a_page_names_is_made_once_for_each_neighbour(study, made, monkeypatch):
    begun, foresee = [], analyses.foresee

    def counted(study, work):
        begun.append(work.settings)
        return foresee(study, work)

    monkeypatch.setattr(analyses, "foresee", counted)
    settings, seen = Settings.of(study.record.spec), []
    ahead = foresight.Ahead()
    wanted = list(foresight.neighbours(study, settings))
    for what in ("one page", "another", "one page"):
        ahead.look_from(study, settings, what, lambda work, what=what: seen.append((what, work)))
        for _ in range(len(ahead._units)):
            ahead.make_next()
    assert [(what, work.settings) for what, work in seen] == [
        (what, one) for what in ("one page", "another") for one in wanted
    ]
    # Rows and curves serve both.
    assert begun == made == wanted


@pytest.mark.parametrize(
    ("error", "logged"), [(MissingEvidenceError("no draws"), 0), (ZeroDivisionError(), 1)]
)
def test_a_page_that_cannot_be_made_keeps_no_other_from_it(study, made, caplog, error, logged):
    def refused(work):
        raise error

    ahead, settings = foresight.Ahead(), Settings.of(study.record.spec)
    for what, make in (("refused", refused), ("page", nothing)):
        ahead.look_from(study, settings, what, make)
        for _ in range(len(ahead._units)):
            ahead.make_next()
    every = len(list(foresight.neighbours(study, settings)))
    assert len(made) == every
    said = [one for one in caplog.records if one.name == foresight.__name__]
    assert len(said) == logged * every
