"""Each way in which a classifier is no fixed function of one image, on each backend."""

import numpy as np
import pytest
import torch
from graph_files import export_onnx, linear_graph, noisy
from onnx import TensorProto, helper
from torch import nn

from irs_core.backends.choose import make_predictor
from irs_core.data import load_dataset
from irs_core.errors import ApproximationError, ModelOutputError
from irs_core.graphs import read_graph
from irs_core.models import GraphModule
from irs_core.models.objects import CallableModule
from irs_core.sampling.fixed_function import (
    IMAGES,
    held_fixed,
    is_one_by_one,
    measure,
    trial_images,
)
from irs_core.spec.study import DataSpec, NoiseSpec

SHAPE = (1, 8, 8)
BACKENDS = ("openvino", "onnxruntime")
node = helper.make_node


@pytest.fixture(scope="module")
def images():
    return noisy(SHAPE, IMAGES)


def predictor(path, backend, batch=None):
    module = GraphModule(read_graph(path))
    return make_predictor(module, classes=10, input_shape=SHAPE, backend=backend, batch=batch)


SEES_OTHERS = {
    "mean over the batch": [
        node("ReduceMean", ["x", "rows"], ["m"], keepdims=1),
        node("Sub", ["x", "m"], ["z"]),
    ],
    "greatest of all": [node("ReduceMax", ["x"], ["m"]), node("Sub", ["x", "m"], ["z"])],
    "softmax over the batch": [node("Softmax", ["x"], ["z"], axis=0)],
    "the best of the batch": [
        node("TopK", ["x", "first"], ["t", "i"], axis=0),
        node("Sub", ["x", "t"], ["z"]),
    ],
    "dynamic quantisation": [
        node("DynamicQuantizeLinear", ["x"], ["q", "s", "p"]),
        node("DequantizeLinear", ["q", "s", "p"], ["z"]),
    ],
    "sum so far": [node("CumSum", ["x", "zeroth"], ["z"])],
}
BATCH_NORM = [
    node(
        "BatchNormalization",
        ["x", "scale", "bias", "bias", "scale"],
        ["z", "mean", "var"],
        training_mode=1,
    )
]
RANDOM = {
    "normal": [node("RandomNormalLike", ["x"], ["r"]), node("Add", ["x", "r"], ["z"])],
    "uniform": [node("RandomUniformLike", ["x"], ["r"]), node("Add", ["x", "r"], ["z"])],
    "faint": [
        node("RandomNormalLike", ["x"], ["r"], scale=1e-3),
        node("Add", ["x", "r"], ["z"]),
    ],
    "bernoulli": [
        node("Sigmoid", ["x"], ["s"]),
        node("Bernoulli", ["s"], ["r"]),
        node("Mul", ["x", "r"], ["z"]),
    ],
    "multinomial": [
        node("Flatten", ["x"], ["f"]),
        node("Multinomial", ["f"], ["r"], sample_size=64),
        node("Cast", ["r"], ["z"], to=TensorProto.FLOAT),
    ],
    "dropout": [node("Dropout", ["x", "half", "yes"], ["z"])],
}
HIDES_NAN = {
    "root": [node("Sqrt", ["x"], ["a"]), node("Relu", ["a"], ["z"])],
    "logarithm": [node("Log", ["x"], ["a"]), node("Relu", ["a"], ["z"])],
    "power": [node("Pow", ["x", "half"], ["a"]), node("Relu", ["a"], ["z"])],
    "clipped": [node("Sqrt", ["x"], ["a"]), node("Clip", ["a", "zero", "one"], ["z"])],
    "maximum": [node("Sqrt", ["x"], ["a"]), node("Max", ["a", "zero"], ["z"])],
    "minimum": [node("Sqrt", ["x"], ["a"]), node("Min", ["a", "one"], ["z"])],
    "pooled": [
        node("Sqrt", ["x"], ["a"]),
        node("MaxPool", ["a"], ["z"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    ],
    "compared": [
        node("Sqrt", ["x"], ["a"]),
        node("Greater", ["a", "zero"], ["b"]),
        node("Where", ["b", "a", "zero"], ["z"]),
    ],
}
HARMLESS = {
    "each image on its own": [node("InstanceNormalization", ["x", "scale", "bias"], ["z"])],
    "softmax over pixels": [node("Softmax", ["x"], ["z"], axis=3)],
    "its own greatest": [node("ReduceMax", ["x", "pixels"], ["m"]), node("Sub", ["x", "m"], ["z"])],
    "NaN replaced on purpose": [
        node("Sqrt", ["x"], ["a"]),
        node("IsNaN", ["a"], ["b"]),
        node("Where", ["b", "zero", "a"], ["z"]),
    ],
    "by its own greatest": [
        node("ReduceMax", ["x", "pixels"], ["m"]),
        node("Div", ["x", "m"], ["z"]),
    ],
    "root of what is positive": [node("Relu", ["x"], ["a"]), node("Sqrt", ["a"], ["z"])],
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", SEES_OTHERS)
def test_what_sees_other_images_runs_one_by_one(tmp_path, images, name, backend):
    path = linear_graph(tmp_path / "g.onnx", *SEES_OTHERS[name])
    answers = []
    for batch in (1, 200):
        plain = predictor(path, backend, batch)
        run, found = held_fixed("g", plain, images)
        assert found.one_by_one
        assert run.batch == 1
        assert run.execution == f"{plain.execution} one by one" != plain.execution
        answers.append(run(images))
    assert np.array_equal(*answers)
    alone = predictor(path, backend, 1)
    assert np.array_equal(answers[0], [alone(images[at : at + 1])[0] for at in range(IMAGES)])


@pytest.mark.parametrize("backend", BACKENDS)
def test_statistics_of_the_batch_are_refused_or_run_one_by_one(tmp_path, images, backend):
    path = linear_graph(tmp_path / "g.onnx", *BATCH_NORM)
    try:
        run, _ = held_fixed("g", predictor(path, backend), images)
    except (ApproximationError, ModelOutputError):
        return
    assert is_one_by_one(run.execution)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", RANDOM)
def test_chance_is_refused(tmp_path, images, name, backend):
    path = linear_graph(tmp_path / "g.onnx", *RANDOM[name])
    with pytest.raises((ModelOutputError, ApproximationError)) as refusal:
        held_fixed("g", predictor(path, backend), images)
    if refusal.type is ModelOutputError:
        assert "differ between two runs on the same images" in str(refusal.value)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", HIDES_NAN)
def test_nan_is_refused_wherever_it_hides(tmp_path, images, name, backend):
    path = linear_graph(tmp_path / "g.onnx", *HIDES_NAN[name])
    with pytest.raises(ModelOutputError, match="NaN"):
        held_fixed("g", predictor(path, backend), images)


def test_nan_is_seen_where_there_is_no_second_backend(tmp_path, images, monkeypatch):
    path = linear_graph(tmp_path / "g.onnx", *HIDES_NAN["root"])
    run = predictor(path, "openvino")
    monkeypatch.setattr(type(run), "second", lambda _: None)
    assert np.isfinite(run.scores(images)).all()
    with pytest.raises(ModelOutputError, match="NaN arises inside g on 16 of 16"):
        held_fixed("g", run, images)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", HARMLESS)
def test_a_fixed_function_stays_as_it_is(tmp_path, images, name, backend):
    plain = predictor(linear_graph(tmp_path / "g.onnx", *HARMLESS[name]), backend)
    run, found = held_fixed("g", plain, images)
    assert run is plain
    assert found.fixed
    assert {1, 3, 7} < set(found.batches)
    assert found.second in ("openvino cpu fp32", "onnxruntime cpu fp32")
    assert found.second != plain.execution
    assert found.backends_differ == 0


def test_a_file_for_four_images_that_sees_them_is_refused(tmp_path, images):
    path = linear_graph(tmp_path / "g.onnx", *SEES_OTHERS["mean over the batch"], batch=4)
    with pytest.raises(ModelOutputError, match="made for 4 images"):
        held_fixed("g", predictor(path, "onnxruntime"), images)


def test_near_ties_are_counted_apart(tmp_path, images):
    class Tie(nn.Module):
        def forward(self, images):
            best = images.flatten(1)[:, :1].abs() + 1
            return torch.cat([best, best * (1 + 1e-6), images.flatten(1)[:, :8] - 9], dim=1)

    path = export_onnx(Tie(), SHAPE, tmp_path / "tie.onnx")
    found = measure(predictor(path, "onnxruntime"), images)
    assert found.near_ties == IMAGES
    assert found.fixed
    assert "near-ties that rounding may decide: 16" in found.sentence


class Net(nn.Module):
    def __init__(self, before):
        super().__init__()
        torch.manual_seed(0)
        self.before, self.fc = before, nn.Linear(64, 10)

    def forward(self, images):
        return self.fc(self.before(images).flatten(1))


def module_predictor(module, backend):
    return make_predictor(module.eval(), classes=10, input_shape=SHAPE, backend=backend)


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, images):
        return self.function(images)


@pytest.mark.parametrize("backend", ["torch", "openvino"])
@pytest.mark.parametrize(
    "before",
    [Function(lambda x: x - x.mean(0)), nn.BatchNorm2d(1, track_running_stats=False)],
    ids=["mean", "batch norm"],
)
def test_modules_that_see_other_images_run_one_by_one(images, before, backend):
    run, found = held_fixed("m", module_predictor(Net(before), backend), images)
    assert found.one_by_one
    assert is_one_by_one(run.execution)


@pytest.mark.parametrize("backend", ["torch", "auto"])
def test_dropout_that_never_ends_is_refused(images, backend):
    net = Net(Function(lambda x: nn.functional.dropout(x, 0.3, training=True)))
    with pytest.raises(ModelOutputError, match="two runs"):
        held_fixed("m", module_predictor(net, backend), images)


@pytest.mark.parametrize("backend", ["torch", "auto"])
def test_modules_with_nan_are_refused(images, backend):
    net = Net(Function(lambda x: torch.relu(torch.sqrt(x))))
    with pytest.raises(ModelOutputError, match="NaN"):
        held_fixed("m", module_predictor(net, backend), images)


def test_a_callable_that_counts_its_calls_is_refused(images):
    calls = []

    def answer(batch):
        calls.append(1)
        return np.full(len(batch), len(calls) % 10)

    run = make_predictor(CallableModule(answer, 10), classes=10, input_shape=SHAPE)
    with pytest.raises(ModelOutputError, match="two runs"):
        held_fixed("c", run, images)


def test_a_callable_that_knows_its_place_runs_one_by_one(images):
    run = make_predictor(
        CallableModule(lambda batch: np.arange(len(batch)) % 10, 10), classes=10, input_shape=SHAPE
    )
    single, found = held_fixed("c", run, images)
    assert found.one_by_one
    assert (single(images) == 0).all()


def test_trial_images_are_noisy_and_always_the_same():
    dataset, noise = load_dataset(DataSpec(max=3)), NoiseSpec(0.5, seed=3)
    found = trial_images(dataset, noise, steps=False)
    assert found.shape == (IMAGES, *SHAPE)
    assert len(np.unique(found.reshape(IMAGES, -1), axis=0)) == IMAGES
    assert np.array_equal(found, trial_images(dataset, noise, steps=False))
    assert found.min() < 0


class Scripted:
    """A predictor whose scores are a function of image, batch size, place in the call and call."""

    def __init__(self, twist, *, execution="torch cpu fp32", batch=50, calls=None, other=None):
        self.twist, self.execution, self.batch = twist, execution, batch
        self.calls, self.other = [] if calls is None else calls, other

    def scores(self, images):
        self.calls.append(len(images))
        scores = images.reshape(len(images), -1)[:, :10].astype(np.float64)
        place = np.arange(len(images))
        twist = self.twist(self.batch, place, len(self.calls))
        return (scores + np.outer(np.broadcast_to(twist, len(images)), np.arange(10))).astype("f4")

    def __call__(self, images):
        return self.scores(images).argmax(axis=1)

    def with_batch(self, batch):
        return Scripted(self.twist, execution=self.execution, batch=batch, calls=self.calls)

    def second(self):
        return self.other

    def nan_inside(self, images):
        return 0


def test_two_runs_are_compared(images):
    found = measure(Scripted(lambda batch, place, call: 1e-3 * call), images)
    assert (found.random, found.batch_dependent, found.fixed) == (IMAGES, 0, False)


def test_batch_sizes_are_compared(images):
    found = measure(Scripted(lambda batch, place, call: 0.1 * (batch == 3)), images)
    assert (found.random, found.batch_dependent, found.fixed) == (0, IMAGES, False)


def test_orders_are_compared(images):
    found = measure(Scripted(lambda batch, place, call: 0.1 * place), images)
    assert found.random == 0
    assert found.batch_dependent > IMAGES // 2


def test_one_by_one_is_measured_as_well(images):
    run = Scripted(lambda batch, place, call: 0.1 * place)
    with pytest.raises(ModelOutputError, match="two runs"):
        held_fixed("s", run, images)


def test_rounding_is_allowed_for_by_arithmetic(images):
    def rounded(batch, place, call):
        return 1e-3 * (batch == 3)

    assert measure(Scripted(rounded), images).batch_dependent > 0
    assert measure(Scripted(rounded, execution="torch cpu bf16"), images).fixed


def test_other_scores_on_a_second_backend_are_said(images):
    run = Scripted(lambda *_: 0.0, other=Scripted(lambda *_: 1.0, execution="other cpu fp32"))
    same, found = held_fixed("s", run, images)
    assert same is run
    assert found.backends_differ == IMAGES
    assert "on other cpu fp32: 16 differ" in found.sentence
