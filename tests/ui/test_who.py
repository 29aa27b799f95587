"""Who is let in, as far as pages decide it."""

from types import SimpleNamespace

import pytest

from irs_core.people import Action
from ui.shared import who


@pytest.fixture
def visit(monkeypatch):
    """Whether a session is let into a demo of two; `open_now` are the sessions that last."""
    open_now: set[str] = set()
    known: set[str] = set()
    here = SimpleNamespace(is_active_session=lambda one: one in open_now)
    monkeypatch.setattr(who, "DEMO_SESSIONS", 2)
    monkeypatch.setattr(who, "_sessions", lambda: known)
    monkeypatch.setattr(
        who, "runtime", SimpleNamespace(exists=lambda: True, get_instance=lambda: here)
    )

    def enter(session: str) -> bool:
        open_now.add(session)
        context = SimpleNamespace(session_id=session)
        monkeypatch.setattr(who, "get_script_run_ctx", lambda: context)
        return who._room()

    return enter, open_now


def test_a_demo_has_room_for_so_many_at_once(visit):
    enter, open_now = visit
    assert [enter(one) for one in ("a", "b", "c", "a", "b")] == [True, True, False, True, True]
    open_now.discard("a")
    assert [enter(one) for one in ("c", "d", "b")] == [True, False, True]


def test_providers_are_one_without_a_name_or_several_with(monkeypatch):
    shared = {"redirect_uri": "x", "cookie_secret": "y"}
    for section, names in (
        ({**shared, "client_id": "z"}, [""]),
        ({**shared, "one": {"client_id": "z"}, "two": {"client_id": "z"}}, ["one", "two"]),
    ):
        monkeypatch.setattr(who.st, "secrets", {"auth": section})
        assert who._providers() == names


def test_a_role_that_is_taken_away_while_a_page_is_open_is_a_reason(monkeypatch, tmp_path):
    people = tmp_path / "people.toml"
    monkeypatch.setenv("IRS_PEOPLE", str(people))
    claims = {"is_logged_in": True, "email": "a@example.org"}
    monkeypatch.setattr(who, "_claims", lambda: claims)
    people.write_text('[people]\n"a@example.org" = "admin"\n')
    assert who.why_not(Action.EMPTY_TRASH) == ""
    people.write_text("")
    assert who.why_not(Action.EXPORT).startswith("A@example.org is not let in")


def test_on_ones_own_machine_nothing_is_barred():
    assert [action for action in Action if who.why_not(action)] == []
