"""The file that gives people their roles, and who somebody is that signed in.

default = "refused"                  # or "viewer": those who are not listed
[people]
"first.last@example.org" = "runner"  # viewer, runner or admin
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from irs_core.errors import NotAllowedError, SpecError, reason
from irs_core.people.roles import OPERATOR, VISITOR, Person, Role
from irs_core.spec.paths import expanded

PEOPLE, DEMO = "IRS_PEOPLE", "IRS_DEMO"
_REFUSED = "refused"
_LONGEST_ADDRESS = 254


@dataclass(frozen=True)
class Register:
    """Roles by address.

    Args:
        roles: By address in lower case.
        default: Of everybody else who signs in; None refuses them.
    """

    roles: Mapping[str, Role]
    default: Role | None = None

    def person(self, address: str) -> Person:
        """Somebody who proved to have an address.

        Raises:
            NotAllowedError: They are not let in.
        """
        name = normal_address(address)
        role = self.roles.get(name, self.default)
        if role is None:
            raise NotAllowedError(
                f"{name} is not let in: ask whoever runs this app to list the address"
            )
        return Person(name, role)


def read_register(path: Path) -> Register:
    """The register in a file.

    Raises:
        SpecError: It cannot be read, or a line of it means nothing.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SpecError(f"cannot read the people in {path.name}: {reason(error)}") from None
    unknown = sorted(found.keys() - {"default", "people"})
    if unknown:
        raise SpecError(f"{path.name} may have the keys default and people; got {unknown[0]!r}")
    people = found.get("people", {})
    if not isinstance(people, dict):
        raise SpecError(f"people in {path.name} must be a table of addresses; got {people!r:.80}")
    roles: dict[str, Role] = {}
    for address, text in people.items():
        if not _is_address(address):
            raise SpecError(
                f"{path.name} may list e-mail addresses in ASCII letters; got {address!r:.80}"
            )
        name = normal_address(address)
        if name in roles:
            raise SpecError(f"{path.name} must list each e-mail address once; got {address!r:.80}")
        roles[name] = _role(text, f"the role of {address} in {path.name}")
    default = found.get("default", _REFUSED)
    if default == _REFUSED:
        return Register(roles)
    if default != Role.VIEWER:
        raise SpecError(f"default in {path.name} must be viewer or refused; got {default!r:.80}")
    return Register(roles, Role.VIEWER)


def is_demo() -> bool:
    """Whether everybody may look and nobody may change anything: IRS_DEMO is set."""
    return os.environ.get(DEMO, "") not in ("", "0")


def admitted(claims: Mapping[str, Any] | None) -> Person | None:
    """Who uses the app; None where they have yet to sign in.

    Args:
        claims: What the provider says of who signed in; empty before that, None where nobody can
            sign in because no provider is configured.

    Raises:
        NotAllowedError: They are not let in.
        SpecError: Sign-in is configured by half, or the file of people cannot be read.
    """
    if is_demo():
        return VISITOR
    file = os.environ.get(PEOPLE, "")
    if claims is None:
        if not file:
            return OPERATOR
        raise SpecError(
            f"{PEOPLE} is set, but no provider to sign in with: add [auth] to "
            ".streamlit/secrets.toml"
        )
    if not file:
        raise SpecError(
            "people can sign in, but none has a role: name the file that gives roles in "
            f"{PEOPLE}, or remove [auth] from .streamlit/secrets.toml"
        )
    register = read_register(expanded(file))
    if not claims.get("is_logged_in"):
        return None
    return register.person(_address(claims))


def _address(claims: Mapping[str, Any]) -> str:
    address = claims.get("email")
    if not isinstance(address, str) or not _is_address(address):
        raise NotAllowedError(
            "the provider gave no e-mail address in ASCII letters, by which roles are given: ask "
            "for the scope email"
        )
    # Providers that let people type an address say so; such an address proves nothing.
    if str(claims.get("email_verified", True)).lower() != "true":
        raise NotAllowedError(
            f"{normal_address(address)} is not let in: the provider has not verified the address"
        )
    return address


def _is_address(text: str) -> bool:
    # Other letters look alike, or become one when their case is folded, and so does a person.
    return text.isascii() and "@" in text and len(text) <= _LONGEST_ADDRESS


def normal_address(address: str) -> str:
    """An address as it is compared and noted."""
    return address.strip().lower()


def _role(text: object, what: str) -> Role:
    if text not in list(Role):
        raise SpecError(f"{what} must be one of {', '.join(Role)}; got {text!r:.80}")
    return Role(str(text))
