"""One study and its bundle, made once."""

import shutil

import pytest
from synthetic import synthetic_study

from irs_core.store import Library


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The folder of a library with one study, its record, and its bundle; not to be changed."""
    folder = tmp_path_factory.mktemp("made")
    library = Library(folder / "library", folder / "none")
    record = synthetic_study(library)
    library.export(record.id, folder / "study.irs.zip")
    return library.root, record, (folder / "study.irs.zip").read_bytes()


@pytest.fixture
def record(made):
    """The study."""
    return made[1]


@pytest.fixture
def path(made, tmp_path):
    """A copy of its bundle."""
    path = tmp_path / "study.irs.zip"
    path.write_bytes(made[2])
    return path


@pytest.fixture
def library(made, tmp_path):
    """A copy of the library."""
    shutil.copytree(made[0], tmp_path / "a")
    return Library(tmp_path / "a", tmp_path / "none")
