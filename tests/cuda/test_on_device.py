"""What a device computes, on the CPU unless IRS_TEST_DEVICE names another (scripts/on_gpu)."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from irs_core.backends.device import check_device, hardware_of
from irs_core.backends.torch_backend import TorchPredictor
from irs_core.errors import SpecError
from irs_core.integer.carrier import Carrier
from irs_core.integer.files import read_network
from irs_core.integer.reference import reference_scores
from irs_core.models import build
from irs_core.run.kept_keys import weights_path
from irs_core.sampling.counter_noise import CounterNoise, counter_key
from irs_core.sampling.device_noise import DeviceNoise, key_tensor
from irs_core.sampling.sampler import Request, sample
from irs_core.spec.study import NoiseSpec

DEVICE = os.environ.get("IRS_TEST_DEVICE", "cpu")
SHAPE = (3, 32, 32)
NOISE = NoiseSpec(0.5, 3, "rounded", generator="philox")


def predictor(batch=64):
    network = build("cifar_resnet20", 10, in_channels=3, seed=1)
    return TorchPredictor(network, classes=10, input_shape=SHAPE, device=DEVICE, batch=batch)


@pytest.mark.parametrize("sigma", [0.12, 0.5, 1.0])
def test_noise_is_that_of_the_host_bit_for_bit(sigma):
    spec, numbers = replace(NOISE, sigma=sigma), np.array([0, 3, 499, 500, 9_999_999])
    keys = key_tensor([counter_key(spec, "estimate", 4)] * len(numbers), DEVICE)
    made = DeviceNoise(spec, SHAPE, 255, DEVICE).draws(keys, torch.from_numpy(numbers).to(DEVICE))
    host = CounterNoise(spec, "estimate", 4, SHAPE, 255).draws(numbers)
    np.testing.assert_array_equal(made.cpu().numpy(), host)


def test_the_loop_answers_as_the_host_feeds_it():
    images = np.random.default_rng(0).integers(0, 256, (3, *SHAPE), np.uint8)
    found = []
    for fused in (False, True):
        one = predictor()
        one.fused = fused
        request = Request(one, np.ones(3, np.bool_))
        options = {"noise": NOISE, "stream": "estimate", "chunk": 0, "start": 0, "stop": 100}
        found.append(sample(images, [0, 1, 2], [request], **options)[0].classes)
    # Kernels are the same and inputs are equal bit for bit.
    np.testing.assert_array_equal(found[0], found[1])


def test_another_order_in_a_batch_changes_no_score():
    images = np.random.default_rng(0).random((64, *SHAPE), np.float32)
    order = np.random.default_rng(1).permutation(64)
    one = predictor()
    assert np.array_equal(one.scores(images)[order], one.scores(images[order]))


def test_thirty_two_bits_are_thirty_two_bits():
    predictor()
    left = torch.full((64, 64), 1 + 2.0**-12, device=DEVICE)
    assert float((left @ torch.eye(64, device=DEVICE))[0, 0]) == 1 + 2.0**-12


def test_scores_of_integer_networks_are_those_of_the_reference():
    path = weights_path("shipped:cifar10-resnet20-0.50-integer")
    network = read_network(path)
    images = np.random.default_rng(0).integers(-300, 600, (16, *SHAPE), np.int16)
    with torch.inference_mode():
        carrier = Carrier(network).eval().to(DEVICE)
        found = carrier(torch.from_numpy(images.astype(np.float32)).to(DEVICE)).cpu().numpy()
    expected = reference_scores(network, images).astype(np.float32)
    np.testing.assert_array_equal(found, expected)


def test_a_device_that_is_not_there_is_a_sentence():
    with pytest.raises(SpecError, match="was asked for, but this machine has"):
        check_device("cuda:63")


def test_what_decides_about_kernels_is_part_of_the_execution():
    one = predictor()
    if DEVICE == "cpu":
        assert one.execution == "torch cpu fp32"
        return
    card = hardware_of([], [one.device]).partition(";")[0].replace(" ", "-")
    assert one.execution.startswith(f"torch cuda fp32 {card} torch-")
    assert one.execution.endswith("batch-64")
    assert one.with_batch(8).execution.endswith("batch-8")
