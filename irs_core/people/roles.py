"""Roles, actions, and the one rule that says who may take which."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from irs_core.errors import NotAllowedError


class Role(StrEnum):
    """What somebody may do: look; also run what is their own; everything."""

    VIEWER = "viewer"
    RUNNER = "runner"
    ADMIN = "admin"


class Action(StrEnum):
    """What can be done to a store. Looking at studies is none: all who are let in may."""

    EXPORT = "export"
    CHECK = "check"
    READ_FILE = "read-file"
    LAUNCH = "launch"
    DRAW_MORE = "draw-more"
    TRAIN = "train"
    UPLOAD = "upload"
    IMPORT = "import"
    START_WORKER = "start-worker"
    CANCEL = "cancel"
    RETRY = "retry"
    REORDER = "reorder"
    READ_LOG = "read-log"
    DELETE = "delete"
    RESTORE = "restore"
    RENAME = "rename"
    TAG = "tag"
    ARCHIVE = "archive"
    EMPTY_TRASH = "empty-trash"


@dataclass(frozen=True)
class Person:
    """Whoever asks for something.

    Args:
        name: The address that they signed in with, in lower case; empty for whoever runs the
            program on their own machine.
        demo: Whether they look at a demo, which is the same for everybody.
    """

    name: str
    role: Role
    demo: bool = False


# Whoever types commands, or uses an app in which nobody has to sign in.
OPERATOR = Person("", Role.ADMIN)
VISITOR = Person("", Role.VIEWER, demo=True)


@dataclass(frozen=True)
class _Rule:
    """Who may take an action.

    Args:
        words: The action, after "may not" or "may".
        least: The lowest role that may.
        own: Whether runners may only where they own what it is about.
    """

    words: str
    least: Role
    own: bool = False


_RANK = {role: rank for rank, role in enumerate(Role)}
_RULES: Mapping[Action, _Rule] = {
    Action.EXPORT: _Rule("take a study along as a bundle", Role.VIEWER),
    Action.CHECK: _Rule("run a model", Role.RUNNER),
    Action.READ_FILE: _Rule("name files of the server", Role.RUNNER),
    Action.LAUNCH: _Rule("start a study", Role.RUNNER),
    Action.DRAW_MORE: _Rule("draw on", Role.RUNNER),
    Action.TRAIN: _Rule("train a model", Role.RUNNER),
    Action.UPLOAD: _Rule("upload a file", Role.RUNNER),
    Action.IMPORT: _Rule("import results", Role.RUNNER),
    Action.START_WORKER: _Rule("start a worker", Role.RUNNER),
    Action.CANCEL: _Rule("cancel this job", Role.RUNNER, own=True),
    Action.RETRY: _Rule("start this job again", Role.RUNNER, own=True),
    Action.REORDER: _Rule("move this job", Role.RUNNER, own=True),
    Action.READ_LOG: _Rule("read this job's log", Role.RUNNER, own=True),
    Action.DELETE: _Rule("delete this", Role.RUNNER, own=True),
    Action.RESTORE: _Rule("restore this", Role.RUNNER, own=True),
    Action.RENAME: _Rule("rename this", Role.RUNNER, own=True),
    Action.TAG: _Rule("tag or pin this", Role.RUNNER, own=True),
    Action.ARCHIVE: _Rule("archive this", Role.RUNNER, own=True),
    Action.EMPTY_TRASH: _Rule("empty the trash", Role.ADMIN),
}


def refusal(person: Person, action: Action, owner: str = "") -> NotAllowedError | None:
    """Why somebody may not take an action; None where they may.

    Args:
        owner: The name of whom it belongs to; empty where it belongs to nobody, and so to admins.
    """
    rule = _RULES[action]
    if _RANK[person.role] < _RANK[rule.least]:
        if person.demo:
            return NotAllowedError(
                f"this is a demo: studies can be looked at, and nobody may {rule.words}"
            )
        return NotAllowedError(
            f"the role {person.role} may not {rule.words}: this takes the role {rule.least}, "
            "which whoever runs this app can give"
        )
    if rule.own and person.role != Role.ADMIN and (not owner or owner != person.name):
        whose = f"it belongs to {owner}" if owner else "it belongs to nobody"
        return NotAllowedError(
            f"{person.name} may not {rule.words}: {whose}, so only "
            f"{'its owner or ' if owner else ''}an admin may"
        )
    return None
