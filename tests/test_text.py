"""Foreign text is read as the same text everywhere, whatever stands in it."""

import html
import re

import pytest
from foreign import BEGINNINGS, HOST, hostile

from irs_core import text

EVERY = [hostile("name", at) for at in range(len(BEGINNINGS))]
JOINER = "\u2060"


def seen(markdown: str) -> str:
    """What CommonMark shows of a paragraph without markup."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown).replace(JOINER, "")


@pytest.mark.parametrize("words", [*EVERY, "great_white_shark", "C# 5*3", "a:b", "prune 10%"])
def test_markdown_shows_the_text_itself(words: str) -> None:
    assert seen(text.markdown(words)) == words


@pytest.mark.parametrize("words", EVERY)
def test_no_sign_that_markdown_obeys_is_left(words: str) -> None:
    left = re.sub(r"\\.", "·", text.markdown(words))
    assert not re.search(r"[\[\]<>$`*|]", left)
    assert not re.search(r"https?://|www\.|:\w+:|:material/|\w@\w|#\d|:[a-z]", left)


@pytest.mark.parametrize("words", EVERY)
def test_a_parser_of_markdown_finds_nothing_but_text(words: str) -> None:
    parser = pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable("table")
    for line in (text.markdown(words), f"**{text.markdown(words)}** keeps", f"- {words[:0]}x"):
        kinds = {one.type for block in parser.parse(line) for one in block.children or ()}
        assert kinds <= {"text", "text_special", "strong_open", "strong_close"}


@pytest.mark.parametrize(
    ("words", "shown"),
    [("- x", r"\- x"), ("1. x", r"1\. x"), ("---", r"\---"), ("-0.5", "-0.5"), ("1.5 x", "1.5 x")],
)
def test_a_line_begins_no_list(words: str, shown: str) -> None:
    assert text.markdown(words) == shown


@pytest.mark.parametrize("words", EVERY)
def test_html_shows_the_text_itself(words: str) -> None:
    found = text.html(words)
    assert not set("<>\"'") & set(found)
    assert html.unescape(found) == words


@pytest.mark.parametrize("words", EVERY)
def test_plotly_finds_no_tag_no_place_and_no_formula(words: str) -> None:
    found = text.plotly(words)
    assert not set("<>{$") & set(found)
    assert html.unescape(found) == words


def test_latex_escapes_what_ends_the_row_before_as_well() -> None:
    found = text.latex(r"[1cm] * \input{x} 50% a_b $x$ ~^ #&<>")
    assert found == (
        r"{[}1cm{]} {*} \textbackslash{}input\{x\} 50\% a\_b \$x\$ "
        r"\textasciitilde{}\textasciicircum{} \#\&\textless{}\textgreater{}"
    )


@pytest.mark.parametrize(
    "cell", ["=1+1", "+cmd|x", "-2+3", "@SUM(1)", "\t=1", "\r=1", " =1", "＝1", "-a", "- b to c"]
)
def test_no_cell_begins_as_a_formula(cell: str) -> None:
    assert text.csv_cell(cell) == f"'{cell}"


@pytest.mark.parametrize(
    "cell", [-0.5, -3, None, True, "-0.5", "-1e-05", "+3.2%", "-0.1 to 0.2", "-", "-inf", "a=b", ""]
)
def test_numbers_stay_numbers(cell: object) -> None:
    assert text.csv_cell(cell) is cell


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("a\nb\x00c\u2028d", "a b c d"),
        ("\u202eabc\u2066\u200b\ufeff", "abc"),
        ("a\u200db", "ab"),
        ("👩\u200d🔬 می\u200cخواهم", "👩\u200d🔬 می\u200cخواهم"),
        ("a" + "\u0301" * 50, "a" + "\u0301" * 4),
        ("two  spaces ", "two  spaces "),
        ("\udc80x\uffff", "x"),
    ],
)
def test_plain_text_has_no_controls_and_nothing_unseen(words: str, kept: str) -> None:
    assert text.plain(words) == kept
    assert text.plain(kept) == kept


def test_a_name_is_cut_where_it_is_too_long() -> None:
    assert text.plain("x" * 201, text.NAME) == "x" * 199 + "…"
    assert text.plain("x" * 200, text.NAME) == "x" * 200
    assert text.plain("x" * 9999) == "x" * 9999


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("a\x1b[31mb\r\x07", "a\\x1b[31mb\\r\\x07"),
        ("::error::x\n  ::set-output::y", "\\::error::x\n  \\::set-output::y"),
        ("a ##[error]b std::cout ::x", "a #\\#[error]b std::cout ::x"),
        ("\u202eabc", "\\u202eabc"),
        ("σ = 1\tγ\n", "σ = 1\tγ\n"),
    ],
)
def test_a_terminal_gets_no_orders(words: str, shown: str) -> None:
    assert text.terminal(words) == shown


def test_downloads_have_names_without_signs_of_a_path() -> None:
    assert text.file_name(f"why-1-file:/../{HOST} <x>") == f"why-1-file-..-{HOST}-x"
