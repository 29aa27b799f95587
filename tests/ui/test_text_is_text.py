"""No line of the dashboard hands foreign text to Markdown as it is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from contracts import PROJECT

# Calls whose texts the browser reads as Markdown, and the arguments that it does not.
SINKS = {
    *("markdown", "caption", "info", "warning", "error", "success", "title", "header", "subheader"),
    *("metric", "expander", "popover", "button", "download_button", "page_link", "progress"),
    *("toggle", "selectbox", "multiselect", "segmented_control", "radio", "image", "toast"),
    *("text_input", "number_input", "slider", "select_slider", "badge", "tabs", "write", "status"),
}
NOT_READ = {"alt", "key", "icon", "args", "query_params", "file_name", "data", "options", "value"}
# What studies, files and people bring, by the names that the program has for it.
FOREIGN = {
    *("title", "titles", "sentence", "description", "hardware", "banner", "notice", "classes"),
    *("error", "execution", "note", "weights", "stage", "condition", "model", "study", "origin"),
}
# Texts of the program that have such names.
OWN = ("COMPRESSIONS[", "STEPS[", "method.title", "job.study")
# Made as Markdown by a function of the program, or a number.
MADE = {
    ("gamma_sweep.py", "sentence"),
    ("job_cards.py", "sentence"),
    ("figures.py", "note"),
    ("navigation.py", "title"),
    ("catalogue.py", "facts.classes"),
    ("slides.py", "slide.sentence"),
    ("slides.py", "title"),
}
FILES = sorted(
    path for folder in ("ui", "pages") for path in (PROJECT / folder).rglob("*.py") if path.stem
)


def _name(node: ast.expr) -> str:
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _parts(node: ast.expr) -> Iterator[ast.expr]:
    """What a text is put together from."""
    if isinstance(node, ast.JoinedStr):
        for one in node.values:
            if isinstance(one, ast.FormattedValue):
                yield from _parts(one.value)
    elif isinstance(node, ast.BinOp):
        yield from _parts(node.left)
        yield from _parts(node.right)
    elif isinstance(node, ast.IfExp):
        yield from _parts(node.body)
        yield from _parts(node.orelse)
    else:
        yield node


def _escaped(tree: ast.AST) -> set[str]:
    """Variables that hold what `markdown` gave."""
    return {
        _name(node.targets[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and _name(node.value.func) == "markdown"
    }


def bare(source: str) -> list[str]:
    """Foreign texts that a source hands to Markdown unescaped."""
    tree = ast.parse(source)
    known = _escaped(tree)
    found = []
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
            continue
        if call.func.attr not in SINKS:
            continue
        read = [*call.args[:1], *(one.value for one in call.keywords if one.arg not in NOT_READ)]
        for part in (part for one in read for part in _parts(one)):
            said = ast.unparse(part)
            if _name(part) in FOREIGN - known and not any(own in said for own in OWN):
                found.append(f"line {call.lineno}: {said}")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_foreign_text_is_escaped_where_it_becomes_markdown(path: Path) -> None:
    found = bare(path.read_text())
    assert [one for one in found if (path.name, one.split(": ")[1]) not in MADE] == []


@pytest.mark.parametrize(
    "line",
    [
        "st.markdown(f'**{study.title}**')",
        "st.caption(together.sentence)",
        "left.metric('True class', help=f'of {data.classes[3]}')",
        "st.error('no: ' + error)",
        "st.expander(titles[name] if name else '')",
    ],
)
def test_each_way_of_forgetting_it_is_seen(line: str) -> None:
    assert bare(line)


@pytest.mark.parametrize(
    "line",
    [
        "st.markdown(f'**{markdown(study.title)}**')",
        "title = markdown(one.title)\nst.caption(f'{title} is shown')",
        "st.image(pixels, alt=f'{study.title}')",
        "st.selectbox('Study', names, format_func=titles.__getitem__)",
    ],
)
def test_what_is_escaped_or_not_read_passes(line: str) -> None:
    assert bare(line) == []
