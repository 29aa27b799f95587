"""A store with studies, a job, a log, an upload and a bundle of two people's and of nobody's."""

import numpy as np
import pytest
from people_at_work import spec
from synthetic import synthetic_study

from irs_core.actions import Acting
from irs_core.store import Library


@pytest.fixture(autouse=True)
def without_shipped(tmp_path, monkeypatch):
    (tmp_path / "shipped").mkdir()
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path / "shipped"))


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def by(root):
    """Somebody at work on the store."""
    return lambda person: Acting(root, person)


@pytest.fixture
def study(root):
    """Writes a finished study of a seed."""
    return lambda seed=0, **changes: synthetic_study(Library(root), spec(seed, **changes))


@pytest.fixture
def npz(tmp_path):
    """Bytes of a small data set, others for every number."""

    def make(number=0):
        path = tmp_path / f"{number}.npz"
        np.savez(path, images=np.full((2, 8, 8), number, np.uint8), labels=np.zeros(2, int))
        return path.read_bytes()

    return make
