"""Models behind a server: the same certificates as here, and every fault in one sentence."""

import threading

import numpy as np
import pytest
import torch
from model_server import Served, serving

from irs_core.api import certify, load
from irs_core.backends.served import ServedPredictor
from irs_core.cost import measure_speed
from irs_core.errors import (
    ApproximationError,
    CheckpointError,
    IrsError,
    ModelOutputError,
    ServerError,
    SpecError,
)
from irs_core.models import load_model, served
from irs_core.models.objects import _ADOPTED
from irs_core.models.served import Connection
from irs_core.run.named import named_compressions, named_model
from irs_core.run.study import run_study
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.store import Library

QUICK = {"sigma": 0.5, "n": 200, "n0": 20, "n_p": [50]}
DATA = DataSpec(max=4)
_CONNECT = Connection.__init__


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(Connection, "__init__", _with())


def _with(timeout=5.0):
    def init(self, url):
        _CONNECT(self, url, timeout, attempts=3, pause=0.001)

    return init


@pytest.fixture(scope="module")
def network():
    return load_model(ModelSpec("shipped:digits-0.50")).module


@pytest.fixture
def model(network):
    def answer(images):
        with torch.no_grad():
            return network(torch.from_numpy(images)).numpy()

    with serving(Served(answer)) as one:
        yield one


def test_its_certificates_are_those_of_the_same_model_here(model, tmp_path):
    there = certify(load(model.url, max=4), [model.url], store=tmp_path, **QUICK)
    here = certify(load("shipped:digits-0.50", max=4), store=tmp_path, **QUICK)
    (name,) = (one.name for one in there.record.compressed)
    for one in ("base", name):
        np.testing.assert_array_equal(
            there.certificates(one).predicted, here.certificates().predicted
        )
    np.testing.assert_allclose(there.certificates().radius, here.certificates().radius)
    assert there.record.base.execution == "server open-inference-v2"
    assert name.startswith(f"{model.url}#")
    assert there.record.base.title == "original (on a server)"


def test_a_server_for_a_fixed_number_of_images(model, tmp_path):
    model.shape = (8, 1, 8, 8)
    certify(load(model.url, max=2), store=tmp_path, **QUICK)
    assert set(model.asked) == {8}


def test_normalisation_before_it(model, network):
    spec = named_model(ModelSpec(model.url, mean=(0.5,), std=(2.0,)), DATA)
    plain = load_model(named_model(ModelSpec(model.url), DATA))
    assert load_model(spec).digest != plain.digest


def test_a_server_that_is_silent_for_too_long(model, monkeypatch):
    asked = load(model.url, max=2)
    release = threading.Event()

    def silent(content):
        release.wait(10)
        return content

    monkeypatch.setattr(Connection, "__init__", _with(timeout=0.05))
    model.faults = [silent] * 3
    try:
        with pytest.raises(ServerError, match="timed out"):
            load(model.url, max=2).check(0.5)
    finally:
        release.set()
    assert asked.digest


def test_a_busy_server_is_asked_again(model, tmp_path):
    asked = load(model.url, max=2)
    model.faults = [503, 429, None, 500]
    certify(asked, store=tmp_path, **QUICK)
    assert not model.faults


def test_what_was_computed_survives_a_server_that_goes(model, tmp_path):
    asked = load(model.url, max=4)
    study = certify(asked, store=tmp_path / "whole", **QUICK)
    spec, library = study.record.spec, Library(tmp_path / "half")
    calls = []

    def goes(progress):
        calls.append(progress.done)
        if progress.done >= 80:
            model.faults = [500] * 100

    with pytest.raises(ServerError, match=r"no answer in 3 attempts \(status 500: fault 500\)"):
        run_study(spec, library, on_progress=goes)
    model.faults, before = [], len(model.asked)
    again = run_study(spec, library)
    assert again.digests == study.record.digests
    resumed = len(model.asked) - before
    assert 0 < resumed < before


def test_a_model_that_is_replaced_while_it_is_asked(model, network, tmp_path):
    asked = load(model.url, max=2)
    answer = model.answer
    after = len(model.asked) + 60

    def replaced(images):
        if len(model.asked) > after:
            return answer(images)[:, ::-1]
        return answer(images)

    model.answer = replaced
    with pytest.raises(ServerError, match="has changed while it was asked: it scores the same"):
        certify(asked, store=tmp_path, **{**QUICK, "n": 5000})


def test_a_new_version_ends_the_run(model, tmp_path):
    asked = load(model.url, max=2)
    model.version = "2"
    with pytest.raises(ServerError, match="its description is another one"):
        certify(asked, store=tmp_path, **QUICK)
    assert load(model.url, max=2).digest != asked.digest


def _cut(content):
    content["outputs"][0]["data"].pop()
    return content


def _fewer(content):
    output = content["outputs"][0]
    output["data"], output["shape"] = output["data"][:-1], [1, output["shape"][1] - 1]
    return content


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (400, r"refuses \(status 400: fault 400\)"),
        (302, r"refuses \(status 302"),
        (_cut, "as many numbers as its shape says"),
        (lambda _: {"outputs": []}, "without an output 'scores'"),
        (lambda _: b"<html>", "something else than JSON"),
        (lambda _: b"[1]", "something else than JSON"),
        (lambda _: {"outputs": [{"name": "scores", "shape": [1, 10], "data": ["a"] * 10}]}, "as m"),
    ],
)
def test_answers_that_are_none(model, fault, sentence):
    asked = load(model.url, max=2, num_classes=10)
    model.faults = [fault]
    with pytest.raises(ServerError, match=sentence) as caught:
        asked.check(0.5)
    assert "\n" not in str(caught.value)


def test_scores_of_other_classes_than_described(model):
    model.answer = lambda images: np.zeros((len(images), 9), np.float32)
    with pytest.raises(ModelOutputError, match="9"):
        load(model.url, max=2, num_classes=10).check(0.5)


def test_scores_that_are_no_numbers(model):
    model.answer = lambda images: np.full((len(images), 10), np.nan, np.float32)
    with pytest.raises(ModelOutputError, match="NaN or infinite"):
        load(model.url, max=2).check(0.5)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"datatype": "UINT8"}, "takes UINT8"),
        ({"shape": (-1, 64)}, "one input"),
        ({"described": {"name": "digits"}}, "does not describe"),
        ({"described": {"inputs": 3, "outputs": []}}, "does not describe"),
    ],
)
def test_models_that_are_no_image_classifiers(model, change, sentence):
    for key, value in change.items():
        setattr(model, key, value)
    with pytest.raises(ServerError, match=sentence):
        load(model.url, max=2)


def test_images_of_another_shape(model):
    model.shape = (-1, 3, 32, 32)
    with pytest.raises(IrsError, match=r"\(3, 32, 32\)"):
        load(model.url, max=2, num_classes=10)


def test_an_unknown_model_and_a_server_that_is_not_there(model):
    with pytest.raises(ServerError, match="status 404: unknown"):
        load(model.url.replace("digits", "letters"), max=2)
    with pytest.raises(ServerError, match="no answer in 3 attempts"):
        load("http://127.0.0.1:9/v2/models/digits", max=2)


@pytest.mark.parametrize(
    "url",
    [
        "http://host/v1/models/a",
        "http://user:secret@host/v2/models/a",
        "http://host/v2/models/a?x=1",
        "http://host/v2/models/a b",
        "http://",
    ],
)
def test_other_addresses_are_refused(url):
    with pytest.raises(SpecError, match="a model behind a server is named"):
        named_model(ModelSpec(url), DATA)


@pytest.mark.parametrize("text", ["fp16", "int8", "prune:0.1", "lowrank:0.9", "integer"])
def test_it_cannot_be_compressed_from_here(model, tmp_path, text):
    with pytest.raises(ApproximationError, match="the original is run as it is"):
        certify(load(model.url, max=2), [text], store=tmp_path, **QUICK)


def test_a_stored_study_makes_nobody_ask_a_server(model, tmp_path, monkeypatch):
    study = certify(load(model.url, max=2), [model.url], store=tmp_path, **QUICK)
    before = len(model.asked)
    monkeypatch.setattr("irs_core.models.objects._ADOPTED", {})
    with pytest.raises(ServerError, match="IRS_MODEL_SERVERS lists"):
        run_study(study.record.spec, Library(tmp_path / "other"))
    assert len(model.asked) == before
    monkeypatch.setenv(served.SERVERS, model.url.partition("/v2")[0])
    again = run_study(study.record.spec, Library(tmp_path / "other"))
    assert again.digests == study.record.digests


def test_a_listed_server_with_another_model_is_refused(model, tmp_path, monkeypatch):
    spec = named_model(ModelSpec(model.url), DATA)
    monkeypatch.setattr("irs_core.models.objects._ADOPTED", {})
    monkeypatch.setenv(served.SERVERS, model.url.partition("/v2")[0])
    model.version = "2"
    with pytest.raises(ServerError, match="another model than the study's"):
        load_model(spec)


def test_a_compression_names_the_server_and_what_it_described(model):
    (compression,) = named_compressions([model.url], data=DATA, num_classes=10)
    assert compression.title == f"digits at {model.url.split('/')[2]}"
    assert named_compressions([str(compression)], data=DATA) == (compression,)
    with pytest.raises(CheckpointError, match="object of a notebook"):
        load_model(ModelSpec("object:none#0123456789abcdef", num_classes=10))
    assert str(compression) in _ADOPTED


def test_what_is_timed_is_the_request_alone(model):
    found = load_model(named_model(ModelSpec(model.url), DATA))
    predictor = ServedPredictor(found.module, classes=10, input_shape=(1, 8, 8), batch=2)
    images = np.zeros((2, 1, 8, 8), np.float32)
    before = len(model.asked)
    speed = measure_speed(predictor, images, runs=3, warm_up=1, least_seconds=0)
    # Four single images; a batch to warm up and one that is timed: no copy of the probe.
    assert model.asked[before:] == [1] * 4 + [2] * 2
    assert speed.runs == 3
    predictor(images)
    assert model.asked[before + 6 :] == [2, 2]
