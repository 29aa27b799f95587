"""The contract of a compression, for everything that is registered: nothing here names one."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from synthetic import synthetic_spec

from irs_core import approx
from irs_core.analysis.colours import PALETTE, model_colours
from irs_core.data import load_dataset
from irs_core.graphs import file_compression
from irs_core.models import load_model
from irs_core.run.options import RunOptions
from irs_core.run.prepare import Prepared, prepare
from irs_core.spec.compression_kinds import KINDS, Kind, parse_compression, register_kind
from irs_core.spec.compressions import Compression, FileModel
from irs_core.spec.study import DataSpec

EXAMPLES = [kind.example for kind in KINDS.values()]
DATA = DataSpec(max=6, holdout=2)


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A graph file of digits, small and wrong, as somebody might deploy it."""
    path = tmp_path_factory.mktemp("file") / "net.onnx"
    weights = np.random.default_rng(0).normal(size=(64, 10)).astype(np.float32)
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Flatten", ["x"], ["flat"]),
            onnx.helper.make_node("MatMul", ["flat", "w"], ["y"]),
        ],
        "net",
        [onnx.helper.make_tensor_value_info("x", 1, ["N", 1, 8, 8])],
        [onnx.helper.make_tensor_value_info("y", 1, ["N", 10])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    made.ir_version = 10
    Path(path).write_bytes(made.SerializeToString())
    return f"file:{path}"


@lru_cache
def _prepared(text: str) -> tuple[Prepared, Prepared, Compression]:
    compression = file_compression(text) or parse_compression(text)
    spec = synthetic_spec(data=DATA, compressions=(compression,))
    base, dataset = load_model(spec.model), load_dataset(spec.data)
    before = {name: value.clone() for name, value in base.module.state_dict().items()}
    original, compressed = prepare(spec, base, dataset, RunOptions())
    after = base.module.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    return original, compressed, compression


@pytest.fixture(params=[*EXAMPLES, "file"])
def made(request: pytest.FixtureRequest, deployed: str) -> tuple[Prepared, Prepared, Compression]:
    return _prepared(deployed if request.param == "file" else request.param)


def test_text_and_description_are_inverse(made: tuple[Prepared, Prepared, Compression]) -> None:
    _, compressed, compression = made
    assert parse_compression(str(compression)) == compression
    assert compressed.name == str(compression)
    assert compressed.title == compression.title != ""


def test_it_is_another_classifier_and_says_what_was_done(
    made: tuple[Prepared, Prepared, Compression],
) -> None:
    original, compressed, _ = made
    assert compressed.digest != original.digest
    assert len(compressed.note) > 20
    assert compressed.note.endswith(".")
    assert compressed.size_bytes > 0
    assert compressed.nonzero > 0


def test_it_answers_a_class_for_each_image_the_same_twice_and_alone(
    made: tuple[Prepared, Prepared, Compression],
) -> None:
    _, compressed, compression = made
    dataset = load_dataset(DATA)
    images = dataset.images(np.arange(len(dataset)))
    answers = compressed.predictor(images)
    assert answers.shape == (len(dataset),)
    assert ((answers >= 0) & (answers < 10)).all()
    np.testing.assert_array_equal(compressed.predictor(images), answers)
    alone = [int(compressed.predictor(images[at : at + 1])[0]) for at in range(len(images))]
    assert alone == answers.tolist()
    if not isinstance(compression, FileModel):
        labels = dataset.labels
        assert (answers == labels).mean() >= 0.5


def test_its_digest_is_a_function_of_model_and_description() -> None:
    for text in EXAMPLES:
        compression = parse_compression(text)
        spec = synthetic_spec(data=DATA, compressions=(compression,))
        base, dataset = load_model(spec.model), load_dataset(spec.data)
        _, again = prepare(spec, base, dataset, RunOptions())
        assert again.digest == _prepared(text)[1].digest, text
    digests = {_prepared(text)[1].digest for text in EXAMPLES}
    assert len(digests) == len(EXAMPLES)


def test_it_is_applied_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    handlers = dict(approx.registry._HANDLERS)
    for kind, (apply, report) in handlers.items():

        def counted(model, config, apply=apply):
            calls.append(config)
            return apply(model, config)

        monkeypatch.setitem(approx.registry._HANDLERS, kind, (counted, report))
    texts = [t for t in EXAMPLES if type(parse_compression(t)) in handlers]
    spec = synthetic_spec(data=DATA, compressions=tuple(map(parse_compression, texts)))
    base, dataset = load_model(spec.model), load_dataset(spec.data)
    for one in prepare(spec, base, dataset, RunOptions()):
        one.pack()
    assert sorted(map(str, calls)) == sorted(texts)


def test_every_kind_is_explained_and_has_a_hue_of_its_own() -> None:
    for kind in KINDS.values():
        assert kind.title
        assert kind.sentence.endswith("."), kind.name
        assert kind.hue < len(PALETTE), f"{kind.name} needs a colour of the palette"
        if kind.number is not None:
            assert kind.number.default in kind.number.choices
            for choice in kind.number.choices:
                assert str(parse_compression(f"{kind.name}:{choice}")).startswith(kind.name)


def test_a_hue_is_given_once() -> None:
    taken = next(iter(KINDS.values()))
    with pytest.raises(ValueError, match="of its own"):
        register_kind(replace(taken, name="other"))
    with pytest.raises(ValueError, match="of its own"):
        register_kind(Kind(taken.name, "", "", 99, taken.make))


def test_twelve_models_have_twelve_colours() -> None:
    names = [f"file:/models/{number}.onnx#{'0' * 16}" for number in range(6)]
    names += ["prune:0.1", "prune:0.1001", "int8", "fp16", "lowrank:0.9", "integer:4"]
    colours = model_colours(names)
    assert len(set(colours.values())) == 13
