"""Mixed candidates as classifiers of a study: what runs in int8, what it takes."""

import numpy as np
import pytest
from synthetic import synthetic_spec

from irs_core.data import load_dataset
from irs_core.errors import ApproximationError
from irs_core.models import load_model
from irs_core.run.options import RunOptions
from irs_core.run.prepare import Prepared, prepare
from irs_core.sampling.payload import ModelPayload
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import DataSpec

DATA = DataSpec(max=6, holdout=2)


def _prepared(text: str) -> Prepared:
    spec = synthetic_spec(data=DATA, compressions=(parse_compression(text),))
    base, dataset = load_model(spec.model), load_dataset(spec.data)
    _, made = prepare(spec, base, dataset, RunOptions())
    return made


@pytest.fixture(scope="module")
def made() -> Prepared:
    return _prepared("mixed:int8,conv1=fp32,layer2.0.conv2=int4")


def test_exactly_the_int8_layers_compute_in_integers(made: Prepared) -> None:
    precisions = list(made.predictor.layer_precisions().values())
    assert precisions.count("int8") == len(precisions) - 2
    assert made.predictor.execution == "openvino cpu int8"


def test_it_answers_as_the_original_mostly_and_repeats(made: Prepared) -> None:
    dataset = load_dataset(DATA)
    images = dataset.images(np.arange(len(dataset)))
    answers = made.predictor(images)
    assert (answers == dataset.labels).mean() >= 0.7
    np.testing.assert_array_equal(made.predictor(images), answers)
    again = _prepared(made.name)
    assert again.digest == made.digest
    np.testing.assert_array_equal(again.predictor(images), answers)


def test_it_travels_to_another_process(made: Prepared) -> None:
    payload: ModelPayload = made.pack()
    dataset = load_dataset(DATA)
    images = dataset.images(np.arange(len(dataset)))
    np.testing.assert_array_equal(payload.predictor()(images), made.predictor(images))


def test_its_note_and_size_say_what_is_emulated(made: Prepared) -> None:
    assert "5 int8" in made.note
    assert "int4 is emulated" in made.note
    assert made.note.endswith(".")
    size = made.size()
    assert size.emulated
    assert {one.name: one.bits for one in size.layers}["layer2.0.conv2"] == 4
    assert made.size_bytes == size.packed_bytes


def test_weights_alone_need_no_quantiser() -> None:
    made = _prepared("mixed:fp32,fc=bf16,layer1.0.conv1=channels:0.5")
    assert "fp32" in made.predictor.execution
    assert made.nonzero < load_model(synthetic_spec().model).parameters


def test_a_layer_that_is_not_there_is_refused() -> None:
    with pytest.raises(ApproximationError, match="no convolution"):
        _prepared("mixed:int8,nowhere=fp32")
