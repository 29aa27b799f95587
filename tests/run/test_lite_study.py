"""LiteRT files as originals and compressed models, where the runtime is installed."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert")

from graph_files import noisy
from lite_file import linear_file
from synthetic import synthetic_spec

from irs_core.backends.choose import make_predictor
from irs_core.errors import CheckpointError
from irs_core.graphs import file_compression
from irs_core.models import load_model
from irs_core.run.options import RunOptions
from irs_core.run.study import run_study
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.store import Library

OPEN = RunOptions(programs=True)
IMAGES = noisy((1, 8, 8), 40)


@pytest.fixture
def linear():
    rng = np.random.default_rng(0)
    return rng.standard_normal((64, 10)).astype(np.float32), rng.standard_normal(10)


@pytest.fixture
def path(tmp_path, linear):
    (tmp_path / "net.tflite").write_bytes(linear_file(*linear))
    return tmp_path / "net.tflite"


def test_it_scores_as_its_numbers_say(path, linear):
    model = load_model(ModelSpec(str(path), mean=(0.5,), std=(2.0,)), programs=True)
    assert (model.input_shape, model.num_classes) == ((1, 8, 8), 10)
    predictor = make_predictor(model.module, classes=10, input_shape=(1, 8, 8))
    weights, bias = linear
    expected = ((IMAGES - 0.5) / 2).reshape(40, 64) @ weights + bias
    for batch in (1, 7, 50):
        np.testing.assert_allclose(
            predictor.with_batch(batch).scores(IMAGES), expected, rtol=1e-4, atol=1e-4
        )


def test_a_study_of_such_files(path, tmp_path):
    spec = synthetic_spec(
        model=ModelSpec(str(path)),
        data=DataSpec(max=4),
        compressions=(file_compression(f"file:{path}"),),
        n0=20,
        n=200,
        n_p=(50,),
    )
    record = run_study(spec, Library(tmp_path / "store"), options=OPEN)
    assert record.base.execution == "litert cpu fp32"
    assert record.base.title == "original (LiteRT)"
    assert record.compressed[0].clean == record.base.clean
    with pytest.raises(CheckpointError, match="read only where somebody names it"):
        run_study(replace(spec, n=300), Library(tmp_path / "store"))


def test_a_damaged_file_is_refused(path):
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CheckpointError, match=r"LiteRT cannot read net\.tflite"):
        load_model(ModelSpec(str(path)), programs=True)
