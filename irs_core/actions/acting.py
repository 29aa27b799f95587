"""Who acts on which store, and the one way that every action goes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from irs_core.errors import IrsError
from irs_core.people import OPERATOR, Action, Person, refusal
from irs_core.people.audit import Result, note
from irs_core.store.files import file_lock


@dataclass(frozen=True)
class Acting:
    """Somebody at work on a store.

    Args:
        root: Folder of the live store.
    """

    root: Path
    person: Person = OPERATOR


@dataclass
class Subject:
    """What an action is about; its id may only be known when it is done."""

    name: str


def barred(acting: Acting, action: Action, owner: str = "") -> str:
    """Why somebody may not take an action, in a sentence; empty where they may."""
    refused = refusal(acting.person, action, owner)
    return "" if refused is None else str(refused)


def require(acting: Acting, action: Action, on: str = "", *, owner: str = "") -> None:
    """Refuse an action that somebody may not take, and note that they tried.

    For what is only read, and read again whenever a page runs: where they may, nothing is noted.

    Raises:
        NotAllowedError: They may not.
    """
    refused = refusal(acting.person, action, owner)
    if refused is not None:
        note(acting.root, acting.person, action, on, "refused", str(refused))
        raise refused


@contextmanager
def taking(acting: Acting, action: Action, on: str = "", *, owner: str = "") -> Iterator[Subject]:
    """Ask whether an action is allowed, let the block take it, and note how it went.

    Args:
        on: Id of what it is about.
        owner: To whom that belongs.

    Raises:
        NotAllowedError: It is not; the block is not entered.
    """
    require(acting, action, on, owner=owner)
    subject = Subject(on)
    result: Result = "failed"
    why = "it was interrupted"
    try:
        yield subject
        result, why = "done", ""
    except IrsError as error:
        why = str(error)
        raise
    finally:
        note(acting.root, acting.person, action, subject.name, result, why)


@contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Keep out others who start, delete or restore studies of a store meanwhile."""
    root.mkdir(parents=True, exist_ok=True)
    with file_lock(root / "actions.lock"):
        yield
