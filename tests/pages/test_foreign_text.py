"""Every page on a study whose texts attack: none becomes markup, and no headline changes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from app_pages import open_page
from foreign import HOST, REST, foreign_study, harmless, hostile

from irs_core.jobs import JobQueue
from irs_core.store import Library
from irs_core.text import markdown, plotly
from ui.shared.page_list import PAGES

# Fields that the browser shows as plain text or not at all; all others are Markdown.
PLAIN = {
    ("Selectbox", "options"),
    ("MultiSelect", "options"),
    ("MultiSelect", "raw_values"),
    ("TextInput", "value"),
    ("TextInput", "default"),
    ("Code", "code_text"),
    ("Dataframe", "alt"),
    ("PlotlyChart", "alt"),
    # Names of files and what is copied as text.
    ("BidiComponent", "json"),
}
_IDENTITY = ("id", "key", "block_id")


def nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in getattr(node, "children", {}).values():
        yield from nodes(child)


def strings(message: Any) -> Iterator[tuple[str, str, str]]:
    """Every text of a protocol message, with its message and field."""
    for field, value in message.ListFields():
        for one in value if field.is_repeated else [value]:
            if field.type == field.TYPE_STRING:
                yield message.DESCRIPTOR.name, field.name, one
            elif field.type == field.TYPE_MESSAGE and not isinstance(one, str):
                yield from strings(one)


def shown(at: Any) -> Iterator[tuple[str, str, str]]:
    for root in (at.main, at.sidebar):
        for node in nodes(root):
            if getattr(node, "proto", None) is not None:
                yield from strings(node.proto)


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from leaves(one)


def pieces(words: str) -> int:
    """How often the attack stands in a text in any form."""
    return len(re.findall("VERIFIED", words))


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("page", PAGES)
def test_no_text_of_a_study_becomes_markup(store: Path, page: str, named: bool) -> None:
    record = foreign_study(Library(store), hostile, named=named)
    JobQueue(store).add(record.spec)
    at = open_page(page)
    assert not at.exception
    seen = 0
    for kind, field, words in shown(at):
        if (kind, field) in PLAIN or field in _IDENTITY:
            continue
        if (kind, field) == ("PlotlyChart", "spec"):
            for one in leaves(json.loads(words)):
                assert one.count(plotly(REST)) == pieces(one), one
            continue
        assert words.count(markdown(REST)) == pieces(words), (kind, field, words)
        assert not re.search(rf"(//|@|www\.){HOST}", words.replace(markdown(REST), ""))
        seen += pieces(words)
    assert seen or page not in ("decide", "overview", "inputs", "zeta_table", "jobs")


def headlines(at: Any) -> list[str]:
    """Titles and headings, with the names of models that they quote as the harmless study's."""
    found = [one.value for one in (*at.title, *at.header)]
    for number in range(3):
        name = f"model{number}"
        quoted = markdown(harmless(name, number))
        found = [one.replace(markdown(hostile(name, number)), quoted) for one in found]
    return found


@pytest.mark.parametrize("page", PAGES)
def test_headlines_are_those_of_a_harmless_study(
    store: Path, page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign_study(Library(store), hostile)
    found = headlines(open_page(page))
    monkeypatch.setenv("IRS_STORE", str(tmp_path / "other"))
    foreign_study(Library(tmp_path / "other"), harmless)
    assert found
    assert found == headlines(open_page(page))


@pytest.mark.parametrize("page", PAGES)
def test_nothing_in_the_address_becomes_markup(store: Path, page: str) -> None:
    foreign_study(Library(store), harmless)
    names = ("study", "model", "models", "gamma", "alpha", "radii", "tour", "page", "form_name")
    at = open_page(page, **dict.fromkeys((*names, "form_weights", "form_root"), REST))
    assert not at.exception
    for kind, field, words in shown(at):
        if (kind, field) not in PLAIN and field not in _IDENTITY:
            assert words.count(markdown(REST)) == pieces(words), (kind, field, words)


def test_what_the_address_asks_for_is_quoted_as_text(store: Path) -> None:
    foreign_study(Library(store), harmless)
    at = open_page("overview", study=REST)
    assert any(HOST in one.value for one in at.warning)
