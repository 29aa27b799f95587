"""What `studies` does to studies and uploads, and the command `audit`."""

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from irs_core.actions import Acting
from irs_core.actions import studies as actions
from irs_core.actions.tidy import STAYS, empty_trash
from irs_core.actions.uploads import delete_upload, uploads
from irs_core.cli.options import add_json_option, add_store_option
from irs_core.cli.printing import print_json
from irs_core.people import Action
from irs_core.people.audit import Entry, entries
from irs_core.people.register import normal_address
from irs_core.store.trash import trashed

# What was done, and to what.
_Done = tuple[str, list[str]]


def add_keeping(parser: argparse.ArgumentParser) -> None:
    """Options of `studies` that change or list what is kept; one at a time."""
    group = parser.add_argument_group("keeping").add_mutually_exclusive_group()
    group.add_argument("--delete", metavar="ID", help="move a study or a bundle to the trash")
    group.add_argument("--restore", metavar="ID", help="take a study or an upload back from there")
    group.add_argument(
        "--rename", nargs=2, metavar=("ID", "TITLE"), help="another title; '' for its own"
    )
    group.add_argument(
        "--tag", nargs=2, metavar=("ID", "WORDS"), help="tags, with commas between; '' for none"
    )
    group.add_argument("--pin", metavar="ID", help="list a study before others")
    group.add_argument("--unpin", metavar="ID", help="list it in its place again")
    group.add_argument("--archive", metavar="ID", help="leave a study out of lists")
    group.add_argument("--unarchive", metavar="ID", help="take it back in")
    group.add_argument("--trash", action="store_true", help="list what was deleted")
    group.add_argument(
        "--empty-trash",
        action="store_true",
        help="remove it for good, with draws that no other study uses",
    )
    group.add_argument("--uploads", action="store_true", help="list uploads and what uses them")
    group.add_argument("--delete-upload", metavar="ID", help="move an upload to the trash")


def keep(arguments: argparse.Namespace) -> bool:
    """Do what one of the options of `add_keeping` asks for; False where none was given."""
    if arguments.trash or arguments.uploads:
        (_list_trash if arguments.trash else _list_uploads)(arguments)
        return True
    me = Acting(arguments.store)
    for name, act in _ACTS.items():
        asked = getattr(arguments, name)
        if asked:
            word, about = act(me, asked)
            if arguments.json:
                print_json("studies", {word: about})
            else:
                print(f"{word.replace('_', ' ')}: {', '.join(about) or 'nothing'}")
            return True
    return False


def _delete(me: Acting, study_id: str) -> _Done:
    return "deleted", [actions.delete(me, study_id).name]


def _restore(me: Acting, name: str) -> _Done:
    return "restored", [actions.restore(me, name).name]


def _rename(me: Acting, asked: list[str]) -> _Done:
    return "renamed", [actions.rename(me, *asked)]


def _tag(me: Acting, asked: list[str]) -> _Done:
    return "tagged", [actions.tag(me, asked[0], asked[1].split(","))]


def _pin(me: Acting, study_id: str) -> _Done:
    return "pinned", [actions.tag(me, study_id, pinned=True)]


def _unpin(me: Acting, study_id: str) -> _Done:
    return "unpinned", [actions.tag(me, study_id, pinned=False)]


def _archive(me: Acting, study_id: str) -> _Done:
    return "archived", [actions.archive(me, study_id)]


def _unarchive(me: Acting, study_id: str) -> _Done:
    return "unarchived", [actions.archive(me, study_id, archived=False)]


def _empty(me: Acting, _: bool) -> _Done:
    gone = [one.name for one in empty_trash(me)]
    left = [one.name for one in trashed(me.root)]
    if left:
        print(f"left in the trash: {', '.join(left)}; {STAYS}", file=sys.stderr)
    return "removed_for_good", gone


def _delete_upload(me: Acting, name: str) -> _Done:
    return "deleted", [delete_upload(me, name).name]


_ACTS: Mapping[str, Callable[[Acting, Any], _Done]] = {
    "delete": _delete,
    "restore": _restore,
    "rename": _rename,
    "tag": _tag,
    "pin": _pin,
    "unpin": _unpin,
    "archive": _archive,
    "unarchive": _unarchive,
    "empty_trash": _empty,
    "delete_upload": _delete_upload,
}


def _list_trash(arguments: argparse.Namespace) -> None:
    there = trashed(arguments.store)
    if arguments.json:
        print_json("studies", {"trash": [asdict(one) for one in there]})
        return
    for one in there:
        print(f"{one.name}  {_day(one.when)}  {one.shelf:<8}  {one.title}")


def _list_uploads(arguments: argparse.Namespace) -> None:
    there = uploads(arguments.store)
    if arguments.json:
        print_json("studies", {"uploads": [asdict(one) for one in there]})
        return
    for one in there:
        used = ", ".join(one.used_by) or "nothing uses it"
        print(
            f"{one.name}  {_day(one.when)}  {one.size_bytes:>12,}  {', '.join(one.files)}  {used}"
        )


def _day(when: float) -> str:
    return datetime.fromtimestamp(when).astimezone().strftime("%Y-%m-%d")


def add_audit(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `audit`."""
    parser = commands.add_parser("audit", help="list who did what, to which study or job, and when")
    parser.add_argument("--who", metavar="ADDRESS", help="only what this person did")
    parser.add_argument("--action", choices=tuple(Action), help="only this action")
    parser.add_argument("--last", type=int, metavar="N", help="only the last N lines")
    add_json_option(parser)
    add_store_option(parser)
    parser.set_defaults(run=_audit)


def _audit(arguments: argparse.Namespace) -> None:
    who = normal_address(arguments.who) if arguments.who else None
    found = [
        one
        for one in entries(arguments.store)
        if who in (None, one.who) and arguments.action in (None, one.action)
    ]
    if arguments.last is not None:
        found = found[-arguments.last :] if arguments.last > 0 else []
    if arguments.json:
        print_json("audit", {"entries": [asdict(one) for one in found]})
        return
    for one in found:
        print(_line(one))


def _line(one: Entry) -> str:
    who = one.who or "this machine"
    parts = [one.when, who, one.role, one.action, one.on or "-", one.result, one.why]
    return "  ".join(part for part in parts if part)
