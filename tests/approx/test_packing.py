"""Bits of weights, read from their values."""

import numpy as np
import pytest
import torch
from torch import nn

from irs_core.approx.integer_form import integer_form
from irs_core.approx.packing import layer_bits, module_size, network_size, value_bits
from irs_core.data import load_dataset
from irs_core.models import load_model
from irs_core.spec.compressions import IntegerOnly
from irs_core.spec.cost import LayerBits, Size
from irs_core.spec.study import DataSpec, ModelSpec

RNG = np.random.default_rng(5)
REAL = RNG.standard_normal((16, 27)).astype(np.float32)


def on_grid(bits: int, scales: np.ndarray) -> np.ndarray:
    top = 2 ** (bits - 1) - 1
    whole = RNG.integers(-top, top + 1, (16, 27))
    whole[:, 0], whole[:, 1] = top, 1
    return (whole * scales).astype(np.float32)


@pytest.mark.parametrize("bits", range(2, 9))
def test_integers_times_a_scale_take_their_bits(bits):
    per_channel = RNG.uniform(1e-3, 1, (16, 1))
    assert value_bits(on_grid(bits, per_channel)) == bits
    assert value_bits(on_grid(bits, np.float64(0.0371))) == bits


def test_a_lower_end_of_minus_eight_fits_in_four_bits():
    weights = on_grid(4, np.float64(0.25))
    weights[0, 2] = -8 * 0.25
    assert value_bits(weights) == 4
    weights[0, 2] = 8 * 0.25
    assert value_bits(weights) == 5


def test_other_numbers_take_what_holds_them():
    assert value_bits(REAL) == 32
    assert value_bits(REAL.astype(np.float16).astype(np.float32)) == 16
    assert value_bits(torch.from_numpy(REAL).bfloat16().float().numpy()) == 16
    assert value_bits(np.ones((2, 2), np.float32)) == 16


def test_one_channel_off_the_grid_is_enough():
    weights = on_grid(4, np.float64(0.25))
    weights[7] = REAL[7]
    assert value_bits(weights) == 32


def test_zeros_are_left_out_where_that_is_smaller():
    weights = REAL.copy()
    weights[:12] = 0
    found = layer_bits("conv", weights, 32)
    assert found == LayerBits("conv", 432, (32 * 108 + 432) / 432, 32)
    assert layer_bits("conv", REAL, 32).bits == 32


def test_a_fake_quantised_network_is_emulated():
    layer = nn.Conv2d(3, 16, 3, bias=False)
    layer.weight.data = torch.from_numpy(on_grid(4, RNG.uniform(0.1, 1, (16, 1)))).reshape(
        16, 3, 3, 3
    )
    found = module_size(nn.Sequential(layer))
    # 432 weights of 4 bits, and 16 scales of 32.
    assert (found.packed_bytes, found.held_bytes) == (432 // 2 + 16 * 4, 432 * 4)
    assert found.emulated
    assert found.words == "280 bytes packed (emulated: 1,728 where it ran)"


def test_a_plain_network_is_not():
    found = module_size(nn.Linear(30, 5))
    assert found == Size(620, 620, (LayerBits("", 150, 32, 32),))
    assert found.words == "620 bytes"


@pytest.mark.parametrize("bits", [8, 4])
def test_an_integer_network_packs_its_weights(bits):
    images = load_dataset(DataSpec(split="train", max=50)).images(slice(None))
    module = load_model(ModelSpec("shipped:digits-0.50")).module
    network = integer_form(
        module, IntegerOnly(bits), calibration=images, scale=16, input_shape=(1, 8, 8)
    )
    found = network_size(network)
    weights = sum(one.weights for one in found.layers)
    assert {one.bits for one in found.layers} == {bits}
    assert found.held_bytes == network.size_bytes
    assert found.packed_bytes == network.size_bytes - weights * (8 - bits) // 8
    assert found.emulated == (bits < 8)
