import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from irs_core.approx.fold import fold, run_folded
from irs_core.approx.integer_form import coarsened, integer_form
from irs_core.backends.integer_backend import IntegerPredictor, extreme_images
from irs_core.backends.integer_openvino import openvino_integers
from irs_core.backends.integer_ort import OrtIntegers, check_vnni
from irs_core.backends.torch_backend import TorchPredictor
from irs_core.data import load_dataset
from irs_core.errors import ApproximationError, CheckpointError
from irs_core.integer import ConvTerm, IntegerNetwork, Layer, SkipTerm, layer_bounds
from irs_core.integer import reference as reference_module
from irs_core.integer.carrier import EXACT_IN_FLOAT32, Carrier
from irs_core.integer.files import from_bytes, to_bytes
from irs_core.integer.network import SUM_LIMIT, multiplier_and_shift
from irs_core.integer.reference import reference_scores, requantise
from irs_core.models import build
from irs_core.sampling.noise import noise_blocks, noisy
from irs_core.spec.compressions import IntegerOnly
from irs_core.spec.study import DataSpec, NoiseSpec


def carried(network, steps):
    with torch.inference_mode():
        return Carrier(network)(torch.from_numpy(steps.astype(np.float32))).numpy()


def noisy_digits(sigma):
    """200 noisy test images in whole grid steps."""
    noise = NoiseSpec(sigma, seed=1, kind="rounded")
    pixels = load_dataset(DataSpec(max=10)).pixels
    return np.concatenate(
        [
            noisy(image, values, 16, steps=True)
            for group, image in enumerate(pixels)
            for values in noise_blocks(
                noise, "estimate", group, 0, shape=(1, 8, 8), scale=16, stop=20
            )
        ]
    )


def round_half_away(value: Fraction) -> int:
    whole = int(abs(value) + Fraction(1, 2))
    return whole if value >= 0 else -whole


@pytest.mark.parametrize("divisor", [1, 3, 5, 7, 9, 101, 255, 257, 1023, 2047, 4093, 4095])
def test_multiplier_and_shift_divide_exactly(divisor):
    half = divisor // 2
    near = [k * divisor + half + d for k in (0, 1, 2, 127, 254, 255) for d in (-1, 0, 1, 2)]
    ends = [SUM_LIMIT, SUM_LIMIT - 1, SUM_LIMIT - divisor // 2, 0, 1]
    sums = np.array([s for one in (*near, *ends) for s in (one, -one)], np.int64)
    multiplier, _ = multiplier_and_shift(np.array([divisor], np.int32))
    assert 2**30 <= multiplier[0] < 2**31
    found = requantise(sums.reshape(-1, 1), np.array([divisor], np.int32))[:, 0]
    assert found.tolist() == [round_half_away(Fraction(int(s), divisor)) for s in sums]
    # No tie, so another rule gives the same.
    assert found.tolist() == [round(Fraction(int(s), divisor)) for s in sums]


def test_even_divisors_are_refused():
    """With one, kernels that round half to even would differ from the reference."""
    layer = Layer((), np.zeros(1, np.int32), np.array([2], np.int32), 0, 255)
    assert round(Fraction(1, 2)) != round_half_away(Fraction(1, 2))
    skip = SkipTerm(0, np.ones(1, np.int32))
    with pytest.raises(ApproximationError, match="odd"):
        IntegerNetwork((replace(layer, terms=(skip,)),), 255, (1, 2, 2))


def test_kernels_equal_the_reference_on_noisy_images(network, steps):
    expected = reference_scores(network, steps)
    assert np.array_equal(carried(network, steps), expected)
    for backend in ("auto", "openvino", "torch"):
        predictor = IntegerPredictor(network, backend=backend)
        assert np.array_equal(predictor(steps), expected.argmax(axis=1))


@pytest.fixture(params=[OrtIntegers, openvino_integers])
def eight_bit(request):
    """What makes 8-bit kernels; skipped where this CPU has none."""
    try:
        check_vnni()
    except ApproximationError as error:
        pytest.skip(str(error))
    return request.param


@pytest.mark.parametrize("sigma", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("bits", [8, 4])
def test_8_bit_kernels_give_the_same_scores(network, eight_bit, sigma, bits):
    made = coarsened(network, bits)
    chosen = np.concatenate([noisy_digits(sigma), extreme_images(made)])
    scores = eight_bit(made).scores(chosen.astype(np.float32))
    assert np.array_equal(scores, reference_scores(made, chosen))


def test_a_batch_changes_no_score(network, eight_bit):
    chosen = np.concatenate([noisy_digits(0.5)[:60], extreme_images(network)])
    expected = reference_scores(network, chosen)
    for batch in (1, 7, 68):
        scores = eight_bit(network, batch=batch).scores(chosen.astype(np.float32))
        assert np.array_equal(scores, expected), batch


def test_8_bit_kernels_that_may_saturate_are_not_used(network, eight_bit, monkeypatch):
    monkeypatch.setattr("irs_core.backends.integer_ort.exact_8_bit_sums", lambda: False)
    with pytest.raises(ApproximationError, match="VNNI"):
        eight_bit(network)
    assert IntegerPredictor(network).kernels in ("openvino cpu fp32", "torch cpu fp32")


@pytest.mark.usefixtures("eight_bit")
@pytest.mark.parametrize(
    ("backend", "kernels"),
    [
        ("auto", "openvino cpu int8"),
        ("openvino", "openvino cpu int8"),
        ("onnxruntime", "onnxruntime cpu int8"),
        ("torch", "torch cpu fp32"),
    ],
)
def test_which_kernels_carry_the_integers(network, backend, kernels):
    predictor = IntegerPredictor(network, backend=backend)
    assert predictor.kernels == kernels
    # The key of evidence does not name them, since they give the same answers.
    assert predictor.execution == "integer int8"


def one_higher(predictor, row):
    """The same kernels, with one score of one image off by one."""
    scores = predictor.scores

    def wrong(inputs):
        found = scores(inputs)
        found[row, 0] += 1
        return found

    predictor.scores = wrong
    return predictor


@pytest.mark.usefixtures("eight_bit")
@pytest.mark.parametrize("row", [0, 5, -1], ids=["black", "checkerboard", "noise"])
def test_kernels_with_another_score_are_not_used(network, steps, monkeypatch, caplog, row):
    monkeypatch.setattr(
        "irs_core.backends.integer_backend.openvino_integers",
        lambda *args, **kw: one_higher(openvino_integers(*args, **kw), row),
    )
    with caplog.at_level("WARNING", "irs_core"):
        predictor = IntegerPredictor(network)
    assert predictor.kernels == "onnxruntime cpu int8"
    assert np.array_equal(predictor.scores(steps[:60]), reference_scores(network, steps[:60]))
    (record,) = caplog.records
    assert "openvino cpu int8 do not give" in record.message
    assert "(1 of 20 images differ)" in record.message


@pytest.mark.usefixtures("eight_bit")
def test_kernels_that_differ_at_another_batch_size_are_not_used(network, monkeypatch):
    predictor = IntegerPredictor(network)
    made = type(predictor._run).with_batch
    monkeypatch.setattr(
        type(predictor._run), "with_batch", lambda run, size: one_higher(made(run, size), 3)
    )
    with pytest.raises(ApproximationError, match="1 of 20 images differ"):
        predictor.with_batch(7)


def test_16_bit_floats_between_the_integers_are_refused(network, monkeypatch):
    """Without the hint OpenVINO takes them, where the CPU has them."""
    pytest.importorskip("openvino")
    from irs_core.backends.openvino_predictor import HINTS, check_arithmetic

    try:
        check_vnni()
        check_arithmetic("bf16")
    except ApproximationError as error:
        pytest.skip(str(error))
    monkeypatch.setitem(HINTS, "int8", "bf16")
    assert IntegerPredictor(network).kernels == "onnxruntime cpu int8"


def test_no_kernels_at_all_is_an_error(network, monkeypatch):
    monkeypatch.setattr(
        TorchPredictor, "scores", lambda run, inputs: np.zeros((len(inputs), 10), np.float32)
    )
    with pytest.raises(ApproximationError, match="torch cpu fp32 do not give"):
        IntegerPredictor(network, backend="torch")


@pytest.mark.parametrize("bits", [2, 4, 7, 8])
def test_extremes_with_any_number_of_bits(network, bits):
    made = coarsened(network, bits)
    extremes = extreme_images(made)
    assert np.array_equal(carried(made, extremes), reference_scores(made, extremes))
    weights = np.concatenate([a.ravel() for n, a in made.arrays() if n.endswith("weight")])
    assert (weights.astype(int) % 2 ** (8 - bits) == 0).all()


def saturated(channels=64):
    """All weights at the end of their range: sums beyond what 32-bit floats hold exactly."""
    ones = np.ones(channels, np.int32)
    generator = np.random.default_rng(0)

    def conv(source, inputs):
        weight = generator.choice([-127, 127], (channels, inputs, 3, 3)).astype(np.int8)
        weight[: channels // 2] = 127
        return Layer((ConvTerm(source, weight, 1, 1),), 12345 * ones, 4095 * ones, 0, 255)

    entry = Layer((SkipTerm(0, 64 * ones[:1]),), 0 * ones[:1], 65 * ones[:1], -127, 127)
    scores = generator.choice([-127, 127], (10, channels, 1, 1)).astype(np.int8)
    last = Layer((ConvTerm(3, scores),), ones[:10], ones[:10], -SUM_LIMIT, SUM_LIMIT)
    return IntegerNetwork((entry, conv(1, 1), conv(2, channels), last), 255, (1, 4, 4))


def test_saturating_weights():
    network = saturated()
    assert max(layer_bounds(network)) > EXACT_IN_FLOAT32
    assert Carrier(network).wide
    images = extreme_images(network)
    expected = reference_scores(network, images)
    assert np.array_equal(
        carried(network, images).reshape(len(images), -1), expected.reshape(len(images), -1)
    )


def test_the_bound_is_reached():
    """No smaller bound would do: an image with every input at the end of its range attains it."""
    weight = np.full((1, 1, 2, 2), -127, np.int8)
    low = np.zeros(1, np.int32)
    layer = Layer((ConvTerm(0, weight),), low, low + 1, -SUM_LIMIT, SUM_LIMIT)
    network = IntegerNetwork((layer,), 255, (1, 2, 2))
    images = np.full((1, 1, 2, 2), -(1 << 15), np.int64)
    assert reference_scores(network, images).item() == layer_bounds(network)[0]


def test_sums_that_leave_32_bits_are_refused():
    ones = np.ones(1, np.int32)
    huge = Layer((SkipTerm(0, ones << 20),), ones, ones, -SUM_LIMIT, SUM_LIMIT)
    with pytest.raises(ApproximationError, match="may reach"):
        IntegerNetwork((huge,), 255, (1, 1, 1))


def float_values(call, file):
    """Floats among all local variables and results, at every line that runs in a file."""
    seen, floats = [], []

    def look(frame, event, result):
        values = [*frame.f_locals.values(), *([result] if event == "return" else [])]
        values += [one for value in values if isinstance(value, list | tuple) for one in value]
        for value in values:
            if isinstance(value, np.ndarray | np.generic):
                seen.append(value.dtype)
                if value.dtype.kind not in "iub":
                    floats.append((frame.f_code.co_name, frame.f_lineno, value.dtype))
            elif isinstance(value, float):
                floats.append((frame.f_code.co_name, frame.f_lineno, float))
        return look

    previous = sys.gettrace()
    sys.settrace(lambda frame, *_: look if frame.f_code.co_filename == file else None)
    try:
        call()
    finally:
        sys.settrace(previous)
    return len(seen), floats


def test_no_float_between_pixels_and_scores(network, steps):
    seen, floats = float_values(
        lambda: reference_scores(network, steps[:3]), reference_module.__file__
    )
    assert seen > 100
    assert floats == []


def test_the_tracer_sees_floats():
    def halves():
        values = np.arange(3) / 2
        return values.astype(np.int64)

    assert {name for name, _, _ in float_values(halves, __file__)[1]} == {"halves"}


def test_folding_changes_nothing_but_rounding(digits):
    images = torch.from_numpy(np.random.default_rng(0).random((20, 1, 8, 8), np.float32))
    with torch.no_grad():
        expected, found = digits(images), run_folded(fold(digits), images)[-1].flatten(1)
    assert torch.allclose(found, expected, atol=1e-4)


def test_it_answers_like_the_float_network(network, digits, steps):
    with torch.no_grad():
        answers = digits(torch.from_numpy(steps / np.float32(16))).argmax(1).numpy()
    agreement = (reference_scores(network, steps).argmax(1) == answers).mean()
    assert agreement > 0.98


@pytest.mark.parametrize("arch", ["cifar_resnet8", "cifar_resnet20"])
def test_residual_networks_with_normalisation(arch):
    from irs_core.models.loaded import with_normalisation
    from irs_core.models.registry import CIFAR_MEAN, CIFAR_STD

    module = with_normalisation(build(arch, 10), CIFAR_MEAN, CIFAR_STD).eval()
    generator = np.random.default_rng(0)
    pixels = generator.integers(-100, 356, (24, 3, 32, 32)).astype(np.int16)
    images = pixels / np.float32(255)
    made = integer_form(
        module, IntegerOnly(), calibration=images, scale=255, input_shape=(3, 32, 32)
    )
    expected = reference_scores(made, pixels[:6])
    assert np.array_equal(carried(made, pixels[:6]), expected)
    with torch.no_grad():
        scores = module(torch.from_numpy(images[:6])).numpy()
    correlation = np.corrcoef(scores.ravel(), expected.ravel())[0, 1]
    assert correlation > 0.99
    IntegerPredictor(made)


def test_float_pixels_are_rounded_to_the_grid(network, steps):
    predictor = IntegerPredictor(network, backend="torch")
    shifted = (steps[:50] + np.float32(0.4)) / np.float32(16)
    assert np.array_equal(predictor(shifted.astype(np.float32)), predictor(steps[:50]))


def test_other_networks_are_refused(calibration):
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    with pytest.raises(ApproximationError, match="residual networks"):
        integer_form(
            module, IntegerOnly(), calibration=calibration, scale=16, input_shape=(1, 8, 8)
        )


def test_files_keep_every_bit(network):
    again = from_bytes(to_bytes(network))
    assert again.digest == network.digest
    assert again.scale == 16


@pytest.mark.parametrize(
    "forge",
    [
        lambda b: b[:100],
        lambda b: b.replace(b"arch", b"axch").replace(b"structure", b"structurf"),
        lambda b: b.replace(b'\\"stride\\": 1', b'\\"stride\\": 0'),
        lambda b: b.replace(b'\\"source\\": 1', b'\\"source\\": 9', 1),
        lambda b: b.replace(b'\\"kind\\": \\"conv\\"', b'\\"kind\\": \\"skip\\"', 1),
        lambda b: b.replace(b'\\"input_shape\\": [1', b'\\"input_shape\\": [3'),
        lambda b: b.replace(b'\\"scale\\": 16', b'\\"scale\\":  0'),
        lambda b: b.replace(b'\\"kind\\": \\"pool\\"', b'\\"kind\\": \\"skip\\"'),
    ],
    ids=["cut", "no structure", "stride", "order", "kind", "channels", "scale", "maps"],
)
def test_forged_files_are_refused(network, forge):
    content = to_bytes(network)
    forged = forge(content)
    assert forged != content
    with pytest.raises(CheckpointError, match="integer network"):
        from_bytes(forged)
