"""What a slider would ask for next is made beforehand, and never in anybody's way."""

import threading

import pytest
from people_at_work import spec
from synthetic import synthetic_study

from irs_core.spec.settings import Settings
from irs_core.store import Library
from ui.shared import entries, foresight, levels, library, turns


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setenv("IRS_STORE", str(tmp_path))
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path / "none"))
    library._model_rows.clear()
    made = synthetic_study(Library(tmp_path), spec(1))
    return next(one for one in library.list_studies() if one.record.id == made.id)


@pytest.fixture
def made(monkeypatch):
    """Settings for which rows were made, in order."""
    found = []

    def counted(record, analysis):
        found.append(analysis.settings)
        return entries.model_rows(record, analysis)

    monkeypatch.setattr(library, "model_rows", counted)
    return found


def test_every_move_of_one_level_is_foreseen_the_nearest_first(study):
    now = Settings(alpha=0.01, alpha_zeta=0.001, gamma=0.9)
    found = list(foresight.neighbours(study, now))
    moved = [(one.alpha, one.alpha_zeta) for one in found]
    assert set(moved[:4]) == {(0.005, 0.001), (0.02, 0.001), (0.01, 0.0005), (0.01, 0.002)}
    spec = study.record.spec
    assert sorted(alpha for alpha, zeta in moved if zeta == 0.001) == [
        one for one in levels.options(spec.alpha) if one != 0.01
    ]
    assert sorted(zeta for alpha, zeta in moved if alpha == 0.01) == [
        one for one in levels.options(spec.alpha_zeta) if one != 0.001
    ]
    assert {one.gamma for one in found} == {0.9}


def test_a_page_finds_made_what_was_foreseen(study, made):
    settings = Settings.of(study.record.spec)
    ahead = foresight.Ahead()
    ahead.look_from(study, settings)
    wanted = list(foresight.neighbours(study, settings))
    for _ in wanted:
        ahead.make_next()
    assert made == wanted
    for one in wanted:
        assert library.overview(study, one)
        assert library.panels(study, one, [model.name for model in study.record.compressed])
    assert made == wanted


def test_the_latest_look_is_served_first(study, made):
    first = Settings.of(study.record.spec)
    second = Settings(first.alpha, first.alpha_zeta, 0.8)
    ahead = foresight.Ahead()
    ahead.look_from(study, first)
    ahead.look_from(study, second)
    ahead.make_next()
    assert made == [next(foresight.neighbours(study, second))]


def test_nothing_is_made_while_a_page_is(study, made, monkeypatch):
    monkeypatch.setattr(turns, "WAIT_SECONDS", 60)
    ahead, asked = foresight.Ahead(), threading.Event()
    ahead.look_from(study, Settings.of(study.record.spec))

    def work():
        asked.set()
        ahead.make_next()

    thread = threading.Thread(target=work)
    with turns.taken():
        thread.start()
        asked.wait(10)
        thread.join(0.1)
        assert made == []
    thread.join(10)
    assert len(made) == 1


def test_a_large_study_is_left_to_whoever_asks(study, monkeypatch):
    monkeypatch.setattr(foresight, "_LARGEST", 1)
    ahead = foresight.Ahead()
    ahead.look_from(study, Settings.of(study.record.spec))
    assert not ahead._units


def test_it_can_be_left_out(study, monkeypatch):
    monkeypatch.setenv("IRS_LOOK_AHEAD", "0")
    foresight.look_from(study, Settings.of(study.record.spec))
    assert "foresight" not in [thread.name for thread in threading.enumerate()]
