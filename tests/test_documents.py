"""The documents say what the code does."""

import doctest
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

from irs_core.cli.main import main
from irs_core.spec.compression_kinds import known_compressions
from scripts.api_reference import NAMES, TARGET, reference

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_the_examples_in_the_readme_run(code, tmp_path, monkeypatch):
    monkeypatch.setenv("IRS_STORE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert "assert" in code
    exec(compile(code, "README.md", "exec"), {})


@pytest.mark.parametrize(
    ("name", "least"),
    [("", 5), (".models", 1), (".studies", 6), (".deciding", 2), (".figures", 2), (".tuning", 2)],
)
def test_the_examples_of_the_notebook_interface(name, least, tmp_path, monkeypatch):
    monkeypatch.setenv("IRS_STORE", str(tmp_path))
    failed, tried = doctest.testmod(import_module(f"irs_core.api{name}"))
    assert tried >= least
    assert failed == 0


def test_the_reference_of_public_names_is_up_to_date():
    assert TARGET.read_text(encoding="utf-8") == reference(), "run scripts/api_reference.py"


@pytest.mark.parametrize("module", NAMES)
def test_every_public_name_says_what_it_takes_and_gives(module):
    for name in NAMES[module]:
        thing = getattr(import_module(module), name)
        said = thing.__doc__ or ""
        wanted = ("Args:",) if inspect.isclass(thing) else ("Args:", "Returns:")
        assert [one for one in wanted if one not in said] == [], name


def test_the_readme_explains_every_compression():
    named = set(re.findall(r"`([a-z0-9-]+)(?::[A-Z]*)?`", README))
    assert {name.partition(":")[0] for name in known_compressions()} <= named


@pytest.mark.parametrize("command", re.findall(r"^    \./irs (\w+) ", README, re.MULTILINE))
def test_every_command_in_the_readme_exists(command, capsys):
    if command in ("app", "test"):
        assert f"    {command})" in (ROOT / "irs").read_text()
    else:
        with pytest.raises(SystemExit, match="0"):
            main([command, "--help"])
        assert command in capsys.readouterr().out


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "docs/compatibility.md",
        "docs/licenses.md",
        "docs/operations.md",
    ],
)
def test_links_between_documents_lead_somewhere(name):
    text = (ROOT / name).read_text()
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert ((ROOT / name).parent / target).exists(), target


def test_every_picture_is_small_and_shown_by_a_document():
    shown = {
        found
        for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
        for found in re.findall(r"images/([\w.-]+\.png)", page.read_text())
    }
    pictures = list((ROOT / "docs" / "images").iterdir())
    assert {one.name for one in pictures} == shown
    assert max(one.stat().st_size for one in pictures) < 250_000


def test_every_glossary_name_is_a_row_of_four():
    rows = [
        line for line in (ROOT / "GLOSSARY.md").read_text().splitlines() if line.startswith("|")
    ]
    assert len(rows) > 10
    assert {row.count("|") for row in rows} == {5}


STATED = sorted(
    {
        found
        for page in (ROOT / "docs" / "methods").glob("*.md")
        for found in re.findall(r"`([\w/]+\.py)::(\w+)`", page.read_text())
    }
)


@pytest.mark.parametrize(("path", "name"), STATED)
def test_every_test_behind_a_statement_exists(path, name):
    assert f"\ndef {name}(" in (ROOT / "tests" / path).read_text()


ROWS = [
    row
    for row in (ROOT / "docs" / "compatibility.md").read_text().splitlines()
    if row.startswith("| ") and not row.startswith("| artefact")
]


@pytest.mark.parametrize("row", ROWS, ids=[row[2:30] for row in ROWS])
def test_every_row_of_what_can_be_certified_names_its_test(row):
    (path, name), *_ = re.findall(r"`([\w/]+\.py)::(\w+)`", row)
    assert f"\ndef {name}(" in (ROOT / "tests" / path).read_text()
    assert row.count(" | ") == 5


def test_every_section_of_the_statements_names_its_tests():
    sections = (ROOT / "docs" / "methods" / "statements.md").read_text().split("\n## ")[1:]
    assert len(sections) >= 7
    assert [one.splitlines()[0] for one in sections if ".py::" not in one] == []


def test_the_steps_of_the_workflow_run(tmp_path, monkeypatch):
    text = (ROOT / "docs" / "how-to" / "continuous-integration.md").read_text()
    workflow = text.partition("```yaml")[2].partition("```")[0]
    steps = re.findall(r"run: (?:>-\n)?((?:\s*irs .*\n(?:\s+--.*\n)?)+)", workflow)
    commands = [step.split()[1:] for step in steps]
    assert [command[0] for command in commands] == ["import", "gate"]
    bundle = ROOT / commands[0][1]
    monkeypatch.chdir(tmp_path)
    commands[0][1] = str(bundle)
    assert [main(command) for command in commands] == [0, 0]
    assert "int8: holds" in (tmp_path / "summary.md").read_text()
    assert (tmp_path / "gate.xml").exists()
