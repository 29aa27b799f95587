"""Every file that the program writes about a study whose texts attack holds them as text."""

import csv
import html
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from foreign import HOST, REST, foreign_study, hostile

from irs_core.cli.main import main
from irs_core.report import TABLES
from irs_core.store import Library, StudyRecord
from irs_core.text import latex, markdown, plotly

# Loads something, leads somewhere or runs.
ACTIVE = {"img", "a", "iframe", "object", "embed", "link", "base", "form", "audio", "video"}
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def record(store: Path) -> StudyRecord:
    return foreign_study(Library(store), hostile)


@pytest.fixture(scope="module")
def study(record: StudyRecord) -> str:
    return record.id


@pytest.fixture(scope="module")
def model(record: StudyRecord) -> str:
    return record.compressed[0].name


class Tags(HTMLParser):
    """The tags and attributes of a document, and the texts between them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def written(store: Path, path: Path, *arguments: str) -> str:
    assert main([*arguments, "--store", str(store)]) in (0, 1, 3)
    return path.read_bytes().decode()


def check_markdown(words: str) -> None:
    """The attack stands there escaped, as often as it stands there at all."""
    assert words.count(markdown(REST)) == words.count("VERIFIED") > 0


def check_html(words: str) -> None:
    tags = Tags()
    tags.feed(words)
    names = {name for name, _ in tags.tags}
    assert not ACTIVE & names
    assert not any(
        key in ("src", "href") or key.startswith("on") for _, at in tags.tags for key in at
    )
    assert "default-src 'none'" in words


@pytest.mark.parametrize("table", TABLES)
def test_csv_begins_no_cell_as_a_formula(
    store: Path, study: str, tmp_path: Path, table: str
) -> None:
    path = tmp_path / "t.csv"
    rows = list(
        csv.reader(io.StringIO(written(store, path, "report", study, str(path), "--table", table)))
    )
    for cell in (cell for row in rows for cell in row):
        assert not cell.startswith(FORMULA) or re.fullmatch(r"-?[\d.e-]+", cell), cell


@pytest.mark.parametrize("table", TABLES)
def test_tables_in_markdown_and_latex_show_the_text(
    store: Path, study: str, tmp_path: Path, table: str
) -> None:
    for suffix, escaped in (("md", markdown), ("tex", latex)):
        path = tmp_path / f"t.{suffix}"
        words = written(store, path, "report", study, str(path), "--table", table)
        assert words.count(escaped(REST)) == words.count("VERIFIED")
    assert not re.search(r"\\(href|input|write|include)", words)


def test_the_report_loads_nothing_and_its_figures_show_the_text(
    store: Path, study: str, tmp_path: Path
) -> None:
    path = tmp_path / "r.html"
    words = written(store, path, "report", study, str(path))
    head, _, body = words.partition("</head>")
    check_html(re.sub(r"<script>.*?</script>", "", words, flags=re.DOTALL))
    assert "<h1>" in body
    figures = re.findall(r"<script>\{const f=(.*?);Plotly", body, flags=re.DOTALL)
    assert figures
    for figure in figures:
        shown = json.dumps(json.loads(figure), ensure_ascii=False)
        said = json.dumps(plotly(REST), ensure_ascii=False)[1:-1]
        assert shown.count(said) == shown.count("VERIFIED") > 0
        assert "<" not in figure
    assert html.escape(REST)[:80] in body
    assert head.count("<script>") == 1


def test_the_page_that_prints_loads_nothing(
    store: Path, study: str, model: str, tmp_path: Path
) -> None:
    path = tmp_path / "d.html"
    arguments = ("decide", study, "--model", model, "--html", str(path))
    check_html(written(store, path, *arguments))


def test_the_card_shows_the_text_in_both_of_its_languages(
    store: Path, study: str, tmp_path: Path
) -> None:
    path = tmp_path / "c.md"
    words = written(store, path, "report", study, str(path), "--format", "card")
    _, metadata, body = words.split("---\n", 2)
    check_markdown(body)
    names = [one["name"] for one in yaml.safe_load(metadata)["model-index"]]
    assert REST in names[1]


def test_the_gate_writes_text_for_its_service(
    store: Path, study: str, model: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    junit, summary = tmp_path / "j.xml", tmp_path / "s.md"
    arguments = ("gate", study, "--model", model, "--junit", str(junit), "--summary", str(summary))
    words = written(store, summary, *arguments)
    check_markdown(words)
    assert words.startswith("## ")
    assert words.count("\n## ") == 0
    suite = ElementTree.fromstring(junit.read_text())
    assert REST in suite.attrib["name"]
    assert {one.tag for one in suite.iter()} <= {
        *("testsuite", "testcase", "failure", "error", "system-out")
    }


def test_no_line_of_a_command_is_an_order(
    store: Path, study: str, capfd: pytest.CaptureFixture[str]
) -> None:
    for arguments in (("studies",), ("studies", study), ("decide", study), ("studies", "--json")):
        assert main([*arguments, "--store", str(store)]) == 0
    said = capfd.readouterr()
    lines = (said.out + said.err).splitlines()
    assert any(HOST in line for line in lines)
    assert not any(line.lstrip().startswith("::") or "##[" in line for line in lines)
    assert "\x1b" not in said.out + said.err
