import numpy as np
import pytest
import torch
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.accuracy import clean_accuracy, vote_accuracy
from irs_core.data import load_dataset
from irs_core.errors import StoreError
from irs_core.models import load_model
from irs_core.run.study import run_study
from irs_core.spec.study import DataSpec
from irs_core.store import BASE, Library, StudyRecord


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    spec = synthetic_spec(data=DataSpec(max=20, holdout=8), n=300, n_p=(50,), n0=20)
    library = Library(tmp_path_factory.mktemp("clean"))
    return library, run_study(spec, library)


def test_clean_predictions_are_those_of_the_model(finished):
    _, record = finished
    data, model = load_dataset(record.spec.data), load_model(record.spec.model)
    with torch.no_grad():
        expected = model.module(torch.from_numpy(data.images(slice(None)))).argmax(1).numpy()
    assert np.array_equal(record.base.clean, expected)
    right = (expected == data.labels)[data.reported]
    accuracy = clean_accuracy(record, BASE)
    assert accuracy.value == right.mean()
    assert accuracy.low <= accuracy.value <= accuracy.high


def test_votes_are_counted_over_all_draws(finished):
    library, record = finished
    study = library.open(record.id)
    for model, stream in ((record.base, "estimate"), (record.compressed[0], "scratch-estimate")):
        draws = study.evidence(model.evidence[stream]).read(300 if model is record.base else 50)
        votes = np.array([np.bincount(row, minlength=10).argmax() for row in draws])
        right = votes == np.asarray(record.data.labels)
        reported = np.asarray(record.data.reported)
        assert vote_accuracy(study, model.name).value == right[reported].mean()


def test_a_study_without_clean_predictions_has_no_clean_accuracy(tmp_path):
    record = synthetic_study(Library(tmp_path))
    assert np.isnan(clean_accuracy(record, BASE).value)


@pytest.mark.parametrize("clean", [[1, 2], "12", [-1] * 28, [0.5] * 28, [70_000] * 28])
def test_clean_predictions_that_do_not_fit_are_refused(finished, clean):
    described = finished[1].to_dict()
    described["models"] = [dict(model, clean=clean) for model in described["models"]]
    with pytest.raises(StoreError, match="clean predictions"):
        StudyRecord.from_dict(described)
