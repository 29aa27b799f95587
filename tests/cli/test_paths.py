"""Files and studies named as people name them: from any folder, with ~, by first digits."""

import subprocess
from pathlib import Path

import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.cli.main import main
from irs_core.errors import SpecError, StoreError
from irs_core.spec.compressions import FileModel, Int8Static
from irs_core.spec.paths import expanded, settled
from irs_core.store import Library, default_root
from irs_core.store.naming import named

PROGRAM = Path(__file__).resolve().parents[2] / "irs"


@pytest.fixture
def library(tmp_path):
    return Library(tmp_path / "store", tmp_path / "none")


@pytest.fixture
def shown(library, tmp_path, monkeypatch):
    """A study in a store where nothing else is."""
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path / "none"))
    return synthetic_study(library)


def test_files_are_relative_to_the_caller(shown, tmp_path):
    place = tmp_path / "elsewhere"
    place.mkdir()
    # A module of this name would hide the real one.
    (place / "numpy.py").write_text("raise RuntimeError")
    (tmp_path / "linked").symlink_to(PROGRAM)
    for program, name in ((PROGRAM, "x.csv"), (tmp_path / "linked", "y.csv")):
        done = subprocess.run(
            [str(program), "report", shown.id[:6], name, "--store", "../store"],
            cwd=place,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert (place / name).is_file()


def test_the_home_folder_is_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("IRS_STORE", "~/x")
    assert default_root() == tmp_path / "x"
    assert expanded("~/a/b") == tmp_path / "a" / "b"
    assert expanded("~nobody-is-called-so/a") == Path("~nobody-is-called-so/a")


def test_options_expand_the_home_folder(shown, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    words = ["report", shown.id, "~/out.csv", "--store", "~/store"]
    assert main(words) == 0
    assert (tmp_path / "out.csv").is_file()


def test_a_settled_path_means_the_same_everywhere(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert settled("net.onnx") == str(tmp_path / "net.onnx")
    assert settled("~/net.onnx") == str(tmp_path / "net.onnx")
    assert settled("shipped:digits-0.50") == "shipped:digits-0.50"
    (tmp_path / "odd:name").write_bytes(b"")
    assert settled("odd:name") == str(tmp_path / "odd:name")


def test_queued_studies_have_full_paths(shown, tmp_path, monkeypatch, capsys):
    from irs_core.cli import certify
    from irs_core.jobs import JobQueue

    monkeypatch.setattr(certify, "ensure_worker", lambda root: True)
    monkeypatch.chdir(tmp_path)
    words = ["certify", "--model", "net.onnx", "--data", "npz", "--root", "a.npz", "--compress"]
    assert main([*words, "--queue", "--store", "store"]) == 0
    (job,) = JobQueue(tmp_path / "store").jobs()
    assert job.spec.model.weights == str(tmp_path / "net.onnx")
    assert job.spec.data.root == str(tmp_path / "a.npz")


@pytest.mark.parametrize("digits", [4, 6, 16])
@pytest.mark.parametrize(
    "words",
    [
        ["studies", "ID"],
        ["report", "ID", "OUT.csv"],
        ["export", "ID", "OUT.irs.zip"],
        ["verify", "ID"],
        ["decide", "ID"],
    ],
)
def test_first_digits_name_a_study(shown, library, tmp_path, words, digits):
    given = [
        one.replace("ID", shown.id[:digits]).replace("OUT", str(tmp_path / "out")) for one in words
    ]
    assert main([*given, "--store", str(library.root)]) in (0, 3)


def test_first_digits_of_several_studies_list_them(library, capsys):
    known = {"abc1": 1, "abd2": 2}
    assert (named("abc1", known), named("abd", known), named("x", known)) == (1, 2, None)
    assert named("ab", {"ab": 1, "abc": 2}) == 1
    assert named("", known) is None
    with pytest.raises(StoreError, match="2 studies begin with 'ab': abc1, abd2; give more digits"):
        named("ab", known)
    many = {f"a{number:02}": number for number in range(20)}
    with pytest.raises(StoreError, match="a07 and 12 more"):
        named("a", many)


def test_no_such_study_says_where_they_are_listed(library, capsys):
    assert main(["decide", "abcd", "--store", str(library.root)]) == 2
    assert "no study 'abcd' in the store; ./irs studies lists them" in capsys.readouterr().err


def test_one_file_under_two_names_is_told_by_its_names():
    same = [FileModel(f"/models/{one}.onnx", "0123456789abcdef") for one in ("a", "b")]
    with pytest.raises(SpecError, match=r"/models/a\.onnx and /models/b\.onnx are the same file"):
        synthetic_spec(compressions=tuple(same))
    with pytest.raises(SpecError, match="may appear once; got int8 twice"):
        synthetic_spec(compressions=(Int8Static(), Int8Static()))
    behind = FileModel("/models/a.onnx", "0123456789abcdef", normalize=True)
    assert len(synthetic_spec(compressions=(same[0], behind)).compressions) == 2
