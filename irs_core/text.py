"""Foreign text, made safe for each place that shows it.

Names, titles, classes, hardware, addresses and the messages that quote them come from people,
files and bundles. Inside the program they are plain text; whoever writes them into Markdown, HTML,
LaTeX, a spreadsheet, a figure, XML or a terminal passes them through the function of that place, so
that they are read there as the same text and never as markup, a link, a picture or a formula.
"""

import html as _html
import re
import unicodedata

# Letters that a name and an error's sentence may take.
NAME, SENTENCE = 200, 2000

_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Signs that are not seen, or that turn the order of the others round; halves and non-characters.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufeff\uffa0\ufff9-\uffff"
    "\U000e0000-\U000e0fff]"
)
# Joiners belong to some scripts and to emoji, where they stand between two such signs.
_JOINERS = re.compile("(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])")
_MOST_MARKS = 4
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#&~$])")
_BLOCK = re.compile(r"^(\s*\d*)(?:([-+.)])(?=\s|$)|([-=])(?=[-=]*\s*$))")
_DIRECTIVE = re.compile(r":(?=[A-Za-z])")
# Links, mentions and emoji are also found in text that was escaped; a word joiner parts them.
_FOUND_LATER = re.compile(
    r"(?<=:)(?=//|[\w+-]+:|material/|streamlit)|(?<=[@#])(?=\w)|(?<=\bwww)(?=\.)", re.IGNORECASE
)
_JOINER = "\u2060"
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    # At the start of a row of a table these would belong to the end of the row before.
    **{sign: f"{{{sign}}}" for sign in "[]*"},
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
_PLOTLY = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "{": "&#123;", "$": "&#36;"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = r"[-+]?[\d.,]*(e[-+]?\d+)?[%×]?"
_NUMBERS = re.compile(rf"{_NUMBER}( to {_NUMBER})?|[-+](inf|nan)", re.IGNORECASE)
_COMMAND = re.compile(r"##(?=\[)")


def plain(words: object, most: int | None = None) -> str:
    """A text on one line without signs that are not seen; text without such stays as it is.

    Args:
        most: Letters that it may have; None for any number.
    """
    found = str(words)
    if found.isascii() and found.isprintable():
        return _cut(found, most)
    found = _JOINERS.sub("", _UNSEEN.sub("", _BREAKS.sub(" ", found)))
    return _cut(_without_heaps(found), most)


def _cut(words: str, most: int | None) -> str:
    return words if most is None or len(words) <= most else f"{words[: most - 1]}…"


def _without_heaps(words: str) -> str:
    """Without more accents on one letter than a language has: they cover the lines around."""
    kept, heap = [], 0
    for sign in words:
        heap = heap + 1 if unicodedata.category(sign) in ("Mn", "Me") else 0
        if heap <= _MOST_MARKS:
            kept.append(sign)
    return "".join(kept)


def markdown(words: object) -> str:
    """A text that Markdown shows as it is, as CommonMark, GitHub and Streamlit read it.

    Streamlit adds colours, icons, emoji and LaTeX to Markdown, GitHub mentions and issues.
    """
    found = _FOUND_LATER.sub(_JOINER, plain(words))
    found = _DIRECTIVE.sub(r"\:", _MARKDOWN.sub(r"\\\1", found))
    return _BLOCK.sub(lambda at: f"{at[1]}\\{at[2] or at[3]}", found)


def html(words: object) -> str:
    """A text for the content and for quoted attributes of HTML."""
    return _html.escape(plain(words))


def latex(words: object) -> str:
    """A text for LaTeX outside of formulas, also in the first cell of a row."""
    return "".join(_LATEX.get(sign, sign) for sign in plain(words))


def plotly(words: object) -> str:
    """A text for titles, names, labels and hovers of Plotly.

    Plotly reads tags and links in all of them, `%{...}` in hovers and formulas between dollars.
    """
    return "".join(_PLOTLY.get(sign, sign) for sign in plain(words))


def csv_cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula; all that is no text stays as it is.

    Texts that begin as a formula does get an apostrophe before them, but for those that are
    numbers and intervals.
    """
    if not isinstance(value, str):
        return value
    begins = value.lstrip(" \u00a0").startswith(_FORMULA)
    return f"'{value}" if begins and not _NUMBERS.fullmatch(value.strip()) else value


def file_name(words: object) -> str:
    """A name for a download: letters, digits and a few signs that no system minds."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", str(words)).strip("-.")[:80]


def xml(words: object) -> str:
    """A text of signs that XML 1.0 knows; markup is escaped by what writes the tree."""
    return plain(words)


def terminal(words: str, *, starts: bool = True, kept: str = "") -> str:
    """A text for a terminal or the log of a CI service, which obey some texts.

    Controls and what turns the order of signs round are written as escapes, and commands of a
    workflow (`::error::`, `##[error]`) no longer look like some. Tabs and ends of lines stay.

    Args:
        starts: Whether it stands at the start of a line.
        kept: Further controls that stay.
    """
    if not (words.isascii() and words.isprintable()):
        words = "".join(one if one in f"\n\t{kept}" else _written_out(one) for one in words)
    words = _COMMAND.sub(r"#\\#", words)
    at = r"(?:^|(?<=[\r\n]))" if starts else r"(?<=[\r\n])"
    return re.sub(rf"{at}(\s*)(?=::)", r"\1\\", words)


def _written_out(sign: str) -> str:
    hidden = _BREAKS.match(sign) or _UNSEEN.match(sign)
    return sign.encode("unicode_escape").decode() if hidden else sign
