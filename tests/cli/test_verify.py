"""The command `verify`, and what other commands say of damaged studies."""

import json

import pytest
from heard import listening
from old_store import without_digests
from synthetic import synthetic_study

from irs_core.analysis.kept_tally import open_tally, tally_path
from irs_core.cli.main import main
from irs_core.store import Library


@pytest.fixture
def library(tmp_path, monkeypatch):
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path / "none"))
    return Library(tmp_path / "store")


@pytest.fixture
def heard():
    with listening() as found:
        yield found


@pytest.fixture
def record(library):
    return synthetic_study(library)


def _run(library, *words):
    return main([*words, "--store", str(library.root)])


def _damage(library, record):
    path = library.study_path(record.id)
    path.write_text(path.read_text().replace('"n": 2000', '"n": 2001'))


def test_a_sound_store_is_ok(library, record, capsys):
    assert _run(library, "verify") == 0
    assert _run(library, "verify", "--all") == 0
    assert _run(library, "verify", record.id[:4]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"{record.id}  live      ok   synthetic"] * 3


def test_an_empty_store_says_so(library, capsys):
    assert _run(library, "verify") == 0
    assert capsys.readouterr().out == "no study in the store\n"


def test_a_damaged_manifest_is_one_line_with_what_to_do(library, record, capsys):
    _damage(library, record)
    assert _run(library, "verify", record.id) == 2
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{record.id}  live      BAD  the manifest does not match its own")
    assert "run the study again" in line


def test_damaged_studies_are_listed(library, record, capsys):
    _damage(library, record)
    assert _run(library, "studies") == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert f"1 study cannot be opened: {record.id}: " in said.err
    assert f"./irs verify {record.id} says what to do." in said.err
    assert _run(library, "studies", record.id) == 2
    assert "cannot be opened" in capsys.readouterr().err


def test_json_has_the_same(library, record, capsys):
    chunk = library.evidence_folder / record.base.evidence["select"] / "c" / "0" / "0"
    chunk.unlink()
    assert _run(library, "verify", "--json") == 2
    (found,) = json.loads(capsys.readouterr().out)["studies"]
    assert (found["id"], found["kind"], found["ok"]) == (record.id, "live", False)
    (problem,) = found["problems"]
    assert "base on select draws" in problem["what"]
    assert "run the study again" in problem["remedy"]


def test_damaged_counts_are_found_and_counted_again(library, record, capsys, heard):
    study = library.open(record.id)
    open_tally(study, library.root)
    path = tally_path(study, library.root)
    assert _run(library, "verify") == 0
    content = path.read_bytes()
    path.write_bytes(content[:-200] + bytes([content[-200] ^ 1]) + content[-199:])
    capsys.readouterr()
    assert _run(library, "verify") == 2
    assert "do not match their digest; delete" in capsys.readouterr().out
    assert _run(library, "studies", record.id) == 0
    assert "counted again" in heard.text
    assert _run(library, "verify") == 0


def test_an_old_study_is_said_and_sealed(library, record, capsys):
    without_digests(library.root)
    assert _run(library, "verify") == 0
    assert f"./irs verify --seal {record.id}" in capsys.readouterr().out
    assert _run(library, "studies") == 0
    assert "Written before manifests carried digests" in capsys.readouterr().err
    assert _run(library, "verify", "--seal", record.id[:8]) == 0
    assert capsys.readouterr().out == f"{record.id}  sealed\n"
    assert _run(library, "studies") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (["0123"], "no study '0123' in the store"),
        (["--seal"], "--seal needs the ID of a study"),
        (["0123", "--all"], "an ID or --all"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(library, record, capsys, words, rule):
    assert _run(library, "verify", *words) == 2
    assert rule in capsys.readouterr().err


def test_a_second_import_needs_a_word(library, record, tmp_path, capsys):
    first, second = tmp_path / "a.irs.zip", tmp_path / "b.irs.zip"
    assert _run(library, "export", record.id, str(first)) == 0
    synthetic_study(library, record.spec, seed=1)
    assert _run(library, "export", record.id, str(second)) == 0
    other = Library(tmp_path / "other")
    assert _run(other, "import", str(first)) == 0
    assert _run(other, "import", str(second)) == 2
    assert "./irs import --replace" in capsys.readouterr().err
    assert _run(other, "import", str(second), "--replace") == 0
