import logging

import numpy as np
import pytest
import torch
from torch import nn

from irs_core.approx.int8_static import quantise
from irs_core.backends import choose
from irs_core.backends.base import batch_for, fixed_batches
from irs_core.backends.choose import make_predictor
from irs_core.errors import ApproximationError, ModelOutputError, SpecError
from irs_core.models import build, load_model
from irs_core.spec.study import ModelSpec

DIGITS = {"classes": 10, "input_shape": (1, 8, 8)}
BACKENDS = ["torch", "openvino"]


@pytest.fixture(scope="module")
def module():
    return load_model(ModelSpec("shipped:digits-0.50")).module


@pytest.fixture(scope="module")
def noisy():
    from irs_core.data import load_dataset
    from irs_core.spec.study import DataSpec

    images = load_dataset(DataSpec(max=40)).images(slice(None)).repeat(50, axis=0)
    noise = np.random.default_rng(0).standard_normal(images.shape, np.float32)
    return images + 0.5 * noise


@pytest.fixture(scope="module")
def scores(module, noisy):
    with torch.no_grad():
        return module(torch.from_numpy(noisy)).numpy()


@pytest.mark.parametrize("backend", BACKENDS)
def test_predictions_are_the_models_but_for_near_ties(module, noisy, scores, backend):
    found = make_predictor(module, backend=backend, device="cpu", **DIGITS)(noisy)
    differ = found != scores.argmax(axis=1)
    ordered = np.sort(scores[differ], axis=1)
    assert differ.mean() < 1e-3
    assert (ordered[:, -1] - ordered[:, -2] < 1e-4).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_prediction_does_not_depend_on_how_many_are_asked_for(module, noisy, backend):
    predictor = make_predictor(module, backend=backend, device="cpu", **DIGITS)
    whole = predictor(noisy)
    parts = [predictor(noisy[start : start + 37]) for start in range(0, len(noisy), 37)]
    assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("threads", [1, 2])
def test_threads_do_not_change_predictions(module, noisy, monkeypatch, backend, threads):
    before = torch.get_num_threads()
    reference = make_predictor(module, backend=backend, device="cpu", **DIGITS)(noisy)
    try:
        torch.set_num_threads(threads)
        monkeypatch.setenv("IRS_THREADS", str(threads))
        found = make_predictor(module, backend=backend, device="cpu", **DIGITS)(noisy)
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(found, reference)


class _Nan(nn.Module):
    def forward(self, images):
        return images.flatten(1)[:, :10] * float("nan")


class _Wrong(nn.Module):
    def forward(self, images):
        return images.flatten(1)[:, :7]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("broken", "rule"), [(_Nan(), "NaN or infinite"), (_Wrong(), r"shape \(\d+, 10\); got")]
)
def test_broken_outputs_are_refused(noisy, backend, broken, rule):
    with pytest.raises(ModelOutputError, match=rule):
        make_predictor(broken, backend=backend, device="cpu", **DIGITS)(noisy)


class _Odd(nn.Module):
    """Has an operation that OpenVINO does not know."""

    def forward(self, images):
        flat = images.flatten(1)
        return torch.special.bessel_j0(flat[:, :10]) + flat[:, :10]


def test_a_model_that_openvino_cannot_run_falls_back_with_one_warning(noisy, caplog):
    with caplog.at_level(logging.WARNING, logger="irs_core"):
        predictor = make_predictor(_Odd(), device="cpu", **DIGITS)
    assert predictor.execution == "torch cpu fp32"
    warnings = [r.getMessage() for r in caplog.records if r.name.startswith("irs_core")]
    assert len(warnings) == 1
    assert "OpenVINO cannot convert the model" in warnings[0]
    expected = _Odd()(torch.from_numpy(noisy)).argmax(1).numpy()
    assert np.array_equal(predictor(noisy), expected)


def test_a_backend_asked_for_by_name_is_not_replaced():
    with pytest.raises(ApproximationError, match="OpenVINO cannot convert"):
        make_predictor(_Odd(), backend="openvino", device="cpu", **DIGITS)


def test_without_openvino_everything_still_works(module, noisy, monkeypatch):
    monkeypatch.setattr(choose, "openvino_missing", lambda: "No module named 'openvino'")
    predictor = make_predictor(module, device="cpu", **DIGITS)
    assert predictor.execution == "torch cpu fp32"
    assert predictor(noisy).shape == (len(noisy),)
    with pytest.raises(ApproximationError, match="OpenVINO is not installed"):
        make_predictor(module, backend="openvino", device="cpu", **DIGITS)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"backend": "abacus"}, "backend must be one of auto, torch"),
        ({"device": "abacus"}, "device must be auto"),
        ({"device": "meta"}, "device must be auto"),
    ],
)
def test_unknown_names_are_refused(module, options, rule):
    with pytest.raises(SpecError, match=rule):
        make_predictor(module, **{"device": "cpu", **options}, **DIGITS)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_a_missing_device_is_said(module):
    with pytest.raises(SpecError, match="no CUDA device"):
        make_predictor(module, device="cuda", **DIGITS)


@pytest.fixture(scope="module")
def resnet():
    return build("cifar_resnet20", 10, seed=3).eval()


@pytest.fixture(scope="module")
def cifar_like():
    return np.random.default_rng(1).standard_normal((200, 3, 32, 32), np.float32)


def test_int8_really_runs_every_layer_in_int8(resnet, cifar_like):
    from irs_core.backends.openvino_predictor import OpenVinoPredictor

    shape = {"classes": 10, "input_shape": (3, 32, 32)}
    made = quantise(resnet, calibration=cifar_like, **shape)
    int8 = OpenVinoPredictor(made.model, arithmetic="int8", **shape).layer_precisions()
    plain = make_predictor(resnet, backend="openvino", device="cpu", **shape).layer_precisions()
    layers = [m for m in resnet.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(made.layers) == len(int8) == len(plain) == len(layers)
    assert set(int8.values()) == {"int8"}
    assert set(plain.values()) == {"f32"}


@pytest.fixture(scope="module")
def sensitive():
    """A network of which int8 changes a percent of the answers."""
    return load_model(ModelSpec("shipped:digits-1.00")).module


def test_kept_layers_are_not_in_int8_and_the_limit_holds(sensitive, noisy):
    from irs_core.backends.openvino_predictor import OpenVinoPredictor

    whole = quantise(sensitive, calibration=noisy, **DIGITS)
    limit = 0.01
    mixed = quantise(sensitive, calibration=noisy, max_disagreement=limit, **DIGITS)
    precisions = OpenVinoPredictor(mixed.model, arithmetic="int8", **DIGITS).layer_precisions()
    # Judged on one part of the images and reported on another: close to the limit, not below.
    assert mixed.disagreement < whole.disagreement
    assert mixed.disagreement < 2 * limit
    assert 0 < len(mixed.kept) < 7
    layers = {n for n, m in sensitive.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)}
    assert {*mixed.kept, *mixed.layers} == layers
    assert list(precisions.values()).count("int8") == len(mixed.layers) == 7 - len(mixed.kept)


def test_quantising_twice_gives_the_same_network(module, noisy):
    first, second = (quantise(module, calibration=noisy, **DIGITS) for _ in range(2))
    assert first.digest == second.digest


def test_a_limit_that_cannot_be_met_is_said(noisy):
    # Classes whose weights differ by less than a step of 8 bits.
    rng = np.random.default_rng(0)
    weight = rng.standard_normal(64) + 1e-3 * rng.standard_normal((10, 64))
    alone = nn.Sequential(nn.Flatten(), nn.Linear(64, 10, bias=False))
    alone[1].weight.data.copy_(torch.from_numpy(weight))
    with pytest.raises(ApproximationError, match="even one int8 layer changes"):
        quantise(alone, calibration=noisy, max_disagreement=1e-9, **DIGITS)


@pytest.mark.parametrize(("pixels", "size"), [(64, 50), (3072, 50), (150_528, 1), (10**9, 1)])
def test_batches_shrink_with_the_image(pixels, size):
    assert batch_for(pixels) == size


def test_fixed_batches_pad_the_last_one():
    batches = list(fixed_batches(np.arange(5, dtype=np.float32)[:, None], 2))
    assert [place for place, _ in batches] == [slice(0, 2), slice(2, 4), slice(4, 5)]
    assert [part.ravel().tolist() for _, part in batches] == [[0, 1], [2, 3], [4, 4]]


def test_running_a_model_leaves_it_where_it_was(module, noisy):
    from irs_core.backends.torch_backend import TorchPredictor

    predictor = TorchPredictor(module, device="cpu", **DIGITS)
    predictor._module.to("meta")
    assert {parameter.device.type for parameter in module.parameters()} == {"cpu"}


class _Branches(nn.Module):
    """Traces without an error, and is then another function."""

    def forward(self, images):
        scores = images.flatten(1)[:, :10]
        return -scores if bool(images.sum() > 100) else scores


def test_a_conversion_that_is_another_function_is_not_used(noisy, caplog):
    with caplog.at_level(logging.WARNING, logger="irs_core"):
        predictor = make_predictor(_Branches(), device="cpu", **DIGITS)
    assert predictor.execution == "torch cpu fp32"
    assert "differently from the model" in caplog.text


class _Standardised(nn.Module):
    """Has no answer for an image without contrast, such as zero padding."""

    def forward(self, images):
        flat = images.flatten(1)
        return ((flat - flat.mean(1, True)) / flat.std(1, keepdim=True))[:, :10]


@pytest.mark.parametrize("backend", BACKENDS)
def test_padding_cannot_upset_a_model(noisy, backend):
    predictor = make_predictor(_Standardised(), backend=backend, device="cpu", **DIGITS)
    assert predictor(noisy[:3]).shape == (3,)
