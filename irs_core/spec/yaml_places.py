"""YAML as texts with their places: nothing is guessed, nothing repeated, nothing constructed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from irs_core.errors import SpecError, first_line

MAX_DEPTH = 4
_NULLS = {"", "~", "null", "Null", "NULL"}


@dataclass(frozen=True)
class Place:
    """Where something stands in a file; lines and columns count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def error(self, sentence: str) -> SpecError:
        """A broken rule with its place."""
        return SpecError(f"{self.file}, line {self.line}, column {self.column}: {sentence}")


@dataclass(frozen=True)
class Text:
    """A single value.

    Args:
        quoted: Whether it stands in quotes, so that it is a text whatever it looks like.
    """

    value: str
    quoted: bool
    place: Place

    @property
    def null(self) -> bool:
        """Whether it says that there is none."""
        return not self.quoted and self.value in _NULLS

    def __str__(self) -> str:
        return "nothing" if self.null else f"{self.value!r:.80}"


@dataclass(frozen=True)
class Row:
    """A list."""

    values: tuple["Node", ...]
    place: Place

    def __str__(self) -> str:
        return "a list"


@dataclass(frozen=True)
class Tree:
    """Keys, each once, with their places and values."""

    items: Mapping[str, tuple[Place, "Node"]]
    place: Place

    def __str__(self) -> str:
        return "a block of keys"


Node = Text | Row | Tree


def read_tree(raw: bytes, name: str) -> Tree:
    """The keys of a YAML document.

    Aliases, tags and several documents are refused: they have no use here, and a few lines of
    aliases can stand for gigabytes.

    Raises:
        SpecError: It is no such document; with line and column.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(f"{name}: a study file is UTF-8 text; byte {error.start} is not") from None
    try:
        _check_events(text, name)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = _place(mark, name) if mark else Place(name)
        tab = "'\\t'" in str(error.problem) or _tab_at(text, place.line)
        hint = "; indent with spaces, not with tabs" if tab else ""
        raise place.error(f"not YAML: {error.problem}{hint}") from None
    except yaml.YAMLError as error:
        raise Place(name).error(f"not YAML: {first_line(error)}") from None
    if node is None:
        raise Place(name).error(
            "the file is empty; a study needs keys, as docs/study-file.md shows"
        )
    found = _node(node, name)
    if not isinstance(found, Tree):
        raise found.place.error(f"a study file has keys at the top; got {found}")
    return found


def _tab_at(text: str, line: int) -> bool:
    lines = text.splitlines()
    return line <= len(lines) and bool(re.match(r" *\t", lines[line - 1]))


def _check_events(text: str, name: str) -> None:
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        place = _place(event.start_mark, name)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise place.error(
                "anchors and aliases (&, *) are refused; repeat the value, or quote it"
            )
        if getattr(event, "tag", None):
            raise place.error(f"tags are refused; got {event.tag!r:.60}")
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            raise place.error("a file holds one study; a second document begins here")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise place.error(f"at most {MAX_DEPTH} levels of keys and lists are used")


def _place(mark: yaml.Mark, name: str) -> Place:
    return Place(name, mark.line + 1, mark.column + 1)


def _node(node: yaml.Node, name: str) -> Node:
    place = _place(node.start_mark, name)
    if isinstance(node, yaml.ScalarNode):
        return Text(node.value, node.style is not None, place)
    if isinstance(node, yaml.SequenceNode):
        return Row(tuple(_node(one, name) for one in node.value), place)
    items: dict[str, tuple[Place, Node]] = {}
    for key, value in node.value:
        at = _place(key.start_mark, name)
        if not isinstance(key, yaml.ScalarNode):
            raise at.error("a key must be a word")
        if key.value in items:
            first = items[key.value][0].line
            raise at.error(f"the key {key.value!r:.60} stands here again, first in line {first}")
        items[key.value] = (at, _node(value, name))
    return Tree(items, place)
