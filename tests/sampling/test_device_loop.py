"""The loop on a device, exercised on the CPU: the answers of the loop on the host, bit for bit."""

import numpy as np
import pytest
import torch
from torch import nn

from irs_core.backends.torch_backend import (
    TorchPredictor,
    cuda_batch_for,
    out_of_memory,
)
from irs_core.errors import ModelOutputError
from irs_core.sampling import device_loop
from irs_core.sampling.device_loop import DeviceLoop, captured
from irs_core.sampling.sampler import Request, sample
from irs_core.spec.study import NoiseSpec

NOISE = NoiseSpec(0.5, 3, "rounded", generator="philox")
SHAPE = (2, 5, 5)
IMAGES = np.random.default_rng(0).integers(0, 256, (4, *SHAPE), np.uint8)


def network(classes=7):
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(2, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, classes))


def predictor(fused, module=None, batch=16, classes=7):
    made = TorchPredictor(
        module or network(classes), classes=classes, input_shape=SHAPE, batch=batch
    )
    made.fused = fused
    return made


def run(*predictors, masks=None, images=IMAGES, noise=NOISE):
    masks = masks or [None] * len(predictors)
    requests = [
        Request(one, np.array([True, True, False, True]), mask)
        for one, mask in zip(predictors, masks, strict=True)
    ]
    return sample(
        images, [5, 5, 6, 7], requests, noise=noise, stream="estimate", chunk=1, start=30, stop=90
    )


@pytest.mark.parametrize("batch", [1, 16, 50, 1000])
@pytest.mark.parametrize("classes", [7, 300])
def test_the_device_answers_as_the_host(batch, classes):
    host = run(predictor(False, batch=batch, classes=classes))[0].classes
    device = run(predictor(True, batch=batch, classes=classes))[0].classes
    np.testing.assert_array_equal(device, host)
    assert len(np.unique(host[host >= 0])) > 1
    assert (host[2] == -1).all()


def test_scores_are_those_of_the_host_bit_for_bit():
    seen = []

    class Watched(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = network()

        def forward(self, inputs):
            seen.append(inputs.clone())
            return self.inner(inputs)

    run(predictor(False, Watched(), batch=15))
    host = torch.cat(seen)
    seen.clear()
    run(predictor(True, Watched(), batch=15))
    # Both order draws by input, and 180 draws fill twelve batches.
    assert torch.equal(torch.cat(seen), host)
    assert seen[0].is_contiguous(memory_format=torch.channels_last)


def test_chosen_draws_and_a_second_classifier_on_the_host():
    mask = np.zeros((4, 60), np.bool_)
    mask[0, ::7], mask[3, 50:] = True, True
    whole = run(predictor(False))[0].classes
    chosen, other = run(predictor(True), predictor(False), masks=[mask, None])
    np.testing.assert_array_equal(chosen.classes, np.where(mask, whole, -1))
    np.testing.assert_array_equal(other.classes, whole)
    assert chosen.seconds > 0


def test_nothing_asked_for_is_nothing_run():
    found = run(predictor(True), masks=[np.zeros((4, 60), np.bool_)])[0]
    assert (found.classes == -1).all()


def test_sequential_noise_stays_on_the_host():
    before = NoiseSpec(0.5, 3, "rounded")
    host, device = run(predictor(False), predictor(True), noise=before)
    np.testing.assert_array_equal(host.classes, device.classes)


def test_the_loop_is_made_once_and_takes_other_images(monkeypatch):
    one, made = predictor(True), []
    real = DeviceLoop.__init__
    monkeypatch.setattr(
        DeviceLoop, "__init__", lambda *args, **more: (made.append(1), real(*args, **more))[1]
    )
    run(one)
    np.testing.assert_array_equal(
        run(one, images=255 - IMAGES)[0].classes,
        run(predictor(False), images=255 - IMAGES)[0].classes,
    )
    assert len(made) == 1


def test_scores_that_are_not_finite_are_refused():
    class Broken(nn.Module):
        def forward(self, inputs):
            return inputs.flatten(1)[:, :7] / 0

    with pytest.raises(ModelOutputError, match="NaN or infinite"):
        run(predictor(True, Broken()))


def test_where_no_graph_can_be_captured_the_kernels_run_one_by_one(monkeypatch):
    run_one = lambda a, b, c: (a + b[:, 0] + c, (a == a).all())  # noqa: E731
    examples = (torch.zeros(3, dtype=torch.int64), torch.zeros((3, 2), dtype=torch.int64))
    examples = (*examples, torch.zeros(3, dtype=torch.int64))
    monkeypatch.setattr(
        device_loop, "_graph", lambda *_: (_ for _ in ()).throw(RuntimeError("no capture"))
    )
    assert captured(run_one, examples) is run_one


def test_a_captured_graph_is_replayed_on_its_own_memory(monkeypatch):
    """The parts of CUDA that a capture needs, played by ones that run at replay."""
    ran = []

    class Graph:
        def replay(self):
            ran.append("replay")
            with torch.inference_mode():
                for own, value in zip(outputs, body(*static), strict=True):
                    own.copy_(value)

    class Context:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    class Stream(Context):
        def wait_stream(self, _):
            return None

    def body(rows, keys, numbers):
        nonlocal static
        static = (rows, keys, numbers)
        found = rows + keys[:, 0] + numbers, torch.isfinite(numbers.float()).all()
        outputs[:] = outputs or list(found)
        return tuple(outputs) if not ran else found

    static, outputs = None, []
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda _: Context())
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", lambda _: Context())
    zeros = torch.zeros(3, dtype=torch.int64)
    replayed = captured(body, (zeros, torch.zeros((3, 2), dtype=torch.int64), zeros))
    for shift in (1, 5):
        values = torch.arange(3) + shift
        classes, finite = replayed(values, torch.ones((3, 2), dtype=torch.int64), values)
        assert classes.tolist() == (2 * values + 1).tolist()
        assert bool(finite)
    assert ran == ["replay", "replay"]


def test_batches_of_a_gpu_are_thousands_of_small_images():
    assert [cuda_batch_for(pixels) for pixels in (64, 3072, 3 * 224 * 224)] == [2048, 2048, 128]


def test_too_large_a_batch_names_the_option(monkeypatch):
    class Full(nn.Module):
        def forward(self, inputs):
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(ModelOutputError, match=r"batch of 16 draws does not fit.*--batch 8"):
        run(predictor(False, Full()))
    with pytest.raises(ModelOutputError, match=r"--batch 8"):
        run(predictor(True, Full()))
    assert "--batch 1," in str(out_of_memory(1))
