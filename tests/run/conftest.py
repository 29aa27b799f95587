"""What units of work are compared with, made once."""

import pytest
from units import SPEC

from irs_core.data import load_dataset
from irs_core.models import load_model
from irs_core.run.options import RunOptions
from irs_core.run.prepare import prepare
from irs_core.run.study import run_study
from irs_core.store import Library


@pytest.fixture(scope="session")
def local(tmp_path_factory):
    """The study, run by this process alone."""
    return run_study(SPEC, Library(tmp_path_factory.mktemp("local")), options=RunOptions())


@pytest.fixture(scope="session")
def payload():
    """Its original, as workers get it."""
    base, dataset = load_model(SPEC.model), load_dataset(SPEC.data)
    return next(iter(prepare(SPEC, base, dataset, RunOptions()))).pack()
