"""Classifiers that are objects: modules and callables, as originals and as compressed models."""

import numpy as np
import pytest
import torch
from torch import nn

from irs_core.api import adopt, certify, decide, load
from irs_core.errors import ApproximationError, CheckpointError, ModelOutputError, SpecError
from irs_core.models import load_model, objects
from irs_core.run.options import RunOptions
from irs_core.spec.study import ModelSpec

QUICK = {"sigma": 0.5, "n": 200, "n0": 20, "n_p": [50]}


class Net(nn.Module):
    """The shipped network in a class that the product does not know."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = load_model(ModelSpec("shipped:digits-0.50")).module

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.inner(images)


def scores(images: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return Net()(torch.from_numpy(images)).numpy()


def test_a_module_of_ones_own_is_certified_like_its_file(tmp_path):
    own = certify(load(model=Net(), max=4), ["fp16"], store=tmp_path, **QUICK)
    file = certify(load("shipped:digits-0.50", max=4), ["fp16"], store=tmp_path, **QUICK)
    for name in ("base", "fp16"):
        mine, theirs = own.certificates(name), file.certificates(name)
        np.testing.assert_array_equal(mine.predicted, theirs.predicted)
        np.testing.assert_allclose(mine.radius, theirs.radius)
    assert own.record.base.digest != file.record.base.digest


def test_a_callable_gives_scores_or_classes(tmp_path):
    def classes(images: np.ndarray) -> np.ndarray:
        return scores(images).argmax(axis=1)

    model = load(model=scores, name="served", max=4)
    student = adopt(classes, name="student", num_classes=10)
    result = certify(model, [student], store=tmp_path, **QUICK)
    assert result.record.compressed[0].title == "student"
    np.testing.assert_array_equal(
        result.certificates(student).predicted, result.certificates().predicted
    )
    assert result.record.base.execution.startswith("torch")


@pytest.mark.parametrize("text", ["fp16", "int8", "prune:0.1", "lowrank:0.9"])
def test_a_callable_has_nothing_to_compress(tmp_path, text):
    with pytest.raises(ApproximationError, match="the original is run as it is"):
        certify(load(model=scores, name="served", max=2), [text], store=tmp_path, **QUICK)


def test_what_it_answers_is_in_the_digest():
    first, second = Net(), Net()
    assert adopt(first, name="net") == adopt(second, name="net")
    with torch.no_grad():
        next(second.parameters()).add_(1)
    assert adopt(first, name="net") != adopt(second, name="net")
    assert adopt(scores, name="a") != adopt(scores, name="b")


def test_an_object_that_is_gone_is_a_sentence(monkeypatch):
    text = adopt(Net(), name="gone")
    monkeypatch.setattr(objects, "_ADOPTED", {})
    with pytest.raises(CheckpointError, match="not at hand here; load the same object"):
        load_model(ModelSpec(text, num_classes=10))


def test_an_object_stays_in_its_process(tmp_path):
    model = load(model=Net(), max=2)
    with pytest.raises(ApproximationError, match="engine local"):
        certify(model, [], store=tmp_path, options=RunOptions(engine="local:2"), **QUICK)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "one of them"),
        ({"weights": "x", "model": scores}, "one of them"),
        ({"model": scores}, "needs a name"),
        ({"model": scores, "name": "a b"}, "got 'a b'"),
    ],
)
def test_what_cannot_be_named_is_refused(arguments, said):
    with pytest.raises(SpecError, match=said):
        load(**arguments)


def test_answers_of_another_shape_are_refused():
    with pytest.raises(ModelOutputError, match="scores"):
        load(model=lambda images: images, name="image", max=2)


def test_a_decision_in_a_notebook(tmp_path):
    result = certify(load("shipped:digits-0.50", max=4), ["fp16"], store=tmp_path, **QUICK)
    assert decide(result, "fp16").requirement.radius == 0.5
    found = decide(result, "fp16", radius=0.2, max_loss=0.05)
    assert found.verdict == "undecided"
    assert "fp16 weights" in found.sentence
