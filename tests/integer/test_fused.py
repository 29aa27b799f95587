"""Divisions in 32-bit floats, part by part: when they round as the reference does."""

import numpy as np
import pytest

from irs_core.backends.integer_openvino import openvino_integers
from irs_core.backends.integer_ort import check_vnni
from irs_core.errors import ApproximationError
from irs_core.integer import ConvTerm, IntegerNetwork, Layer, SkipTerm
from irs_core.integer.fused import rounding_error
from irs_core.integer.network import SUM_LIMIT
from irs_core.models import load_model
from irs_core.spec.study import ModelSpec

ONE = np.ones(1, np.int32)


def layers(divisor, bias, *, gain=None):
    """A network of one input: an entry, one convolution (and a shortcut), the score."""
    entry = Layer((SkipTerm(0, ONE),), 0 * ONE, ONE, -127, 127)
    weight = np.full((1, 1, 1, 1), 100, np.int8)
    terms = (ConvTerm(1, weight),) + (() if gain is None else (SkipTerm(1, gain * ONE),))
    divides = Layer(terms, bias * ONE, divisor * ONE, 0, 255)
    last = Layer((ConvTerm(2, weight),), 0 * ONE, ONE, -SUM_LIMIT, SUM_LIMIT)
    return IntegerNetwork((entry, divides, last), 255, (1, 1, 1))


def test_the_bound_by_hand():
    # Sums within [-3, 3 * 256] count: beside a bias of 500 the products are in [-503, 268].
    assert rounding_error(layers(3, 500)) == (3 * (503 + 500) + 3 * 256) / 2**24
    # Products and bias are one integer beside the shortcut, which is at most 2 * 127.
    with_shortcut = layers(3, 500, gain=2)
    assert rounding_error(with_shortcut) == (3 * (768 + 254 + 254) + 3 * 256) / 2**24


@pytest.mark.parametrize("sigma", ["0.25", "0.50", "1.00"])
def test_shipped_networks_round_alike(sigma):
    model = load_model(ModelSpec(f"shipped:cifar10-resnet20-{sigma}-integer"))
    assert 0.3 < rounding_error(model.module.network) < 0.5


def test_within_the_bound_float_divisions_round_alike():
    """Every sum that counts, with sums and bias divided apart."""
    divisor, bias = 4095, 1_100_000
    one = Layer((SkipTerm(0, 64 * ONE),), bias * ONE, divisor * ONE, 0, 255)
    score = Layer((SkipTerm(1, ONE),), 0 * ONE, ONE, -SUM_LIMIT, SUM_LIMIT)
    assert 0.4 < rounding_error(IntegerNetwork((one, score), 255, (1, 1, 1))) < 0.5
    sums = np.arange(-divisor, 256 * divisor + 1)
    reciprocal = np.float32(1) / np.float32(divisor)
    products = (sums - bias).astype(np.float32) * reciprocal
    found = np.rint(products + np.float32(bias) * reciprocal)
    assert np.array_equal(found, (2 * sums + divisor) // (2 * divisor))


def test_networks_that_might_round_otherwise_are_refused():
    try:
        check_vnni()
    except ApproximationError as error:
        pytest.skip(str(error))
    network = layers(4095, 3_000_000)
    assert rounding_error(network) > 0.5
    with pytest.raises(ApproximationError, match="less than half"):
        openvino_integers(network)
