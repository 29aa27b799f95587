"""The file of people, and who somebody is that signed in."""

import pytest

from irs_core.errors import NotAllowedError, SpecError
from irs_core.people import OPERATOR, VISITOR, Person, Role
from irs_core.people.register import admitted, read_register

FILE = """
default = "viewer"
[people]
"Runner@Example.org" = "runner"
"admin@example.org" = "admin"
"""


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in ("IRS_PEOPLE", "IRS_DEMO"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def people(tmp_path, monkeypatch):
    path = tmp_path / "people.toml"
    path.write_text(FILE)
    monkeypatch.setenv("IRS_PEOPLE", str(path))
    return path


def signed_in(address, **more):
    return {"is_logged_in": True, "email": address, **more}


def test_without_configuration_everybody_is_the_operator():
    assert admitted(None) == OPERATOR


def test_roles_are_given_by_address_in_any_case(people):
    assert admitted(signed_in("RUNNER@example.org")) == Person("runner@example.org", Role.RUNNER)
    assert admitted(signed_in("admin@example.org")).role == Role.ADMIN
    assert admitted(signed_in("other@example.org")).role == Role.VIEWER


def test_who_is_not_listed_is_refused_unless_the_file_says_otherwise(people):
    people.write_text(FILE.replace('default = "viewer"', ""))
    with pytest.raises(NotAllowedError, match=r"other@example\.org is not let in"):
        admitted(signed_in("other@example.org"))


def test_a_role_that_is_taken_away_is_gone_at_once(people):
    assert admitted(signed_in("admin@example.org")).role == Role.ADMIN
    people.write_text('[people]\n"admin@example.org" = "viewer"\n')
    assert admitted(signed_in("admin@example.org")).role == Role.VIEWER


@pytest.mark.parametrize("claims", [{}, {"is_logged_in": False, "email": "admin@example.org"}])
def test_who_has_not_signed_in_is_nobody(people, claims):
    assert admitted(claims) is None


@pytest.mark.parametrize("verified", [False, "false", None, 0])
def test_an_address_that_the_provider_did_not_verify_proves_nothing(people, verified):
    with pytest.raises(NotAllowedError, match="not verified"):
        admitted(signed_in("admin@example.org", email_verified=verified))


@pytest.mark.parametrize("verified", [True, "true"])
def test_a_verified_address_counts(people, verified):
    assert admitted(signed_in("admin@example.org", email_verified=verified)).role == Role.ADMIN


@pytest.mark.parametrize("address", [None, 3, "", "nobody", "a@" + 300 * "b"])
def test_without_an_address_nobody_is_let_in(people, address):
    with pytest.raises(NotAllowedError, match="no e-mail address"):
        admitted(signed_in(address))


def test_sign_in_without_a_file_of_people_lets_nobody_in():
    with pytest.raises(SpecError, match="none has a role"):
        admitted(signed_in("admin@example.org"))


def test_a_file_of_people_without_sign_in_lets_nobody_in(people):
    with pytest.raises(SpecError, match="no provider to sign in with"):
        admitted(None)


def test_a_demo_lets_everybody_look(people, monkeypatch):
    monkeypatch.setenv("IRS_DEMO", "1")
    assert admitted(None) == VISITOR
    assert admitted(signed_in("admin@example.org")) == VISITOR
    monkeypatch.setenv("IRS_DEMO", "0")
    assert admitted(signed_in("admin@example.org")).role == Role.ADMIN


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("default = ", "cannot read"),
        ('default = "admin"', "viewer or refused"),
        ('defaults = "viewer"', "got 'defaults'"),
        ("people = 3", "table of addresses"),
        ('[people]\n"a@example.org" = "root"', "viewer, runner, admin"),
        ('[people]\n"a@example.org" = ["admin"]', "viewer, runner, admin"),
        ('[people]\n"a@example.org" = "admin"\n"A@example.org" = "viewer"', "once"),
        ('[people]\n"nobody" = "admin"', "addresses in ASCII"),
    ],
)
def test_a_file_with_a_mistake_lets_nobody_in(people, text, said):
    people.write_text(text)
    with pytest.raises(SpecError, match=said):
        read_register(people)


def test_a_missing_file_lets_nobody_in(people):
    people.unlink()
    with pytest.raises(SpecError, match="cannot read the people"):
        admitted(signed_in("admin@example.org"))


@pytest.mark.parametrize("letter", ["\u212a", "\u017f", "\u00df", "\uff41", "\u0430"])
def test_letters_that_look_alike_or_fold_to_others_make_nobody_else(people, letter):
    with pytest.raises(NotAllowedError, match="ASCII"):
        admitted(signed_in(f"{letter}@example.org"))
    people.write_text(f'[people]\n"{letter}@example.org" = "admin"\n', encoding="utf-8")
    with pytest.raises(SpecError, match="ASCII"):
        admitted(signed_in("admin@example.org"))
