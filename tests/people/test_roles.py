"""Who may do what: the whole table, written out."""

import pytest

from irs_core.people import OPERATOR, VISITOR, Action, Person, Role, refusal

ALICE, BOB = "a@example.org", "b@example.org"
VIEWER, RUNNER, ADMIN = (Person(ALICE, role) for role in Role)
ANYBODY = {Action.EXPORT}
RUNNERS = {
    Action.CHECK,
    Action.READ_FILE,
    Action.LAUNCH,
    Action.DRAW_MORE,
    Action.TRAIN,
    Action.UPLOAD,
    Action.IMPORT,
    Action.START_WORKER,
}
OWNERS = {
    Action.CANCEL,
    Action.RETRY,
    Action.REORDER,
    Action.READ_LOG,
    Action.DELETE,
    Action.RESTORE,
    Action.RENAME,
    Action.TAG,
    Action.ARCHIVE,
}
ADMINS = {Action.EMPTY_TRASH}


def may(person, owner=""):
    return {action for action in Action if refusal(person, action, owner) is None}


def test_the_table_names_every_action():
    assert set(Action) == ANYBODY | RUNNERS | OWNERS | ADMINS


@pytest.mark.parametrize("owner", [ALICE, BOB, ""])
def test_a_viewer_takes_a_study_along_and_nothing_else(owner):
    assert may(VIEWER, owner) == ANYBODY
    assert may(VISITOR, owner) == ANYBODY


def test_a_runner_changes_what_is_their_own():
    assert may(RUNNER, ALICE) == ANYBODY | RUNNERS | OWNERS


@pytest.mark.parametrize("owner", [BOB, ""])
def test_a_runner_changes_nothing_of_others_and_nothing_of_nobodys(owner):
    assert may(RUNNER, owner) == ANYBODY | RUNNERS


@pytest.mark.parametrize("person", [ADMIN, OPERATOR])
@pytest.mark.parametrize("owner", [ALICE, BOB, ""])
def test_an_admin_does_everything(person, owner):
    assert may(person, owner) == set(Action)


@pytest.mark.parametrize("action", list(Action))
def test_a_refusal_is_one_sentence_that_says_who_may(action):
    for person in (VIEWER, VISITOR, RUNNER):
        refused = refusal(person, action, BOB)
        if refused is not None:
            assert "\n" not in str(refused)
            assert any(one in str(refused) for one in ("role", "demo", "an admin may"))


def test_what_has_no_owner_is_not_that_of_somebody_without_a_name():
    assert refusal(Person("", Role.RUNNER), Action.CANCEL, "") is not None
