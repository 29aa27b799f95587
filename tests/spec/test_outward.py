"""What is shown never says more than the value."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from irs_core.spec import outward

finite = st.floats(-1e6, 1e6, allow_nan=False)


@given(finite, st.integers(0, 6))
def test_texts_hold_and_are_close(value, digits):
    low, high = outward.down(value, digits), outward.up(value, digits)
    assert float(low) <= value <= float(high)
    assert float(high) - float(low) <= 1.0001 * 10.0**-digits
    assert len(low.partition(".")[2]) == digits


@given(st.floats(1e-9, 1 - 1e-9))
def test_significant_digits_hold(value):
    assert float(outward.significant(value, 3, "up")) >= value
    assert float(outward.significant(value, 3, "down")) <= value


@given(st.floats(0, 0.5))
def test_confidence_is_never_above_what_is_left(failure):
    assert float(outward.confidence(failure).removesuffix("%")) <= 100 * (1 - failure) + 1e-12


@given(st.floats(-1e300, 1e300, allow_nan=False), st.integers(0, 12))
def test_texts_hold_for_the_binary_number(value, digits):
    exact = Fraction(value)
    low, high = (Fraction(one(value, digits)) for one in (outward.down, outward.up))
    assert low <= exact <= high
    assert high - low in {0, Fraction(1, 10**digits)}


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        # Shortest decimals that lie above and below the number that they read back as.
        (0.58, "0.57", "0.58"),
        (0.07, "0.07", "0.08"),
        (0.01, "0.01", "0.02"),
        (2.675, "2.67", "2.68"),
        (0.5, "0.50", "0.50"),
        (-0.58, "-0.58", "-0.57"),
    ],
)
def test_the_shortest_decimal_is_not_the_number(value, low, high):
    assert (outward.down(value, 2), outward.up(value, 2)) == (low, high)


@given(st.integers(1, 100_000), st.data())
def test_shares_of_inputs_are_rounded_as_fractions(inputs, data):
    right = data.draw(st.integers(0, inputs))
    exact = Fraction(100 * right, inputs)
    for shown in (
        outward.percent(right / inputs, 1, "counted"),
        outward.text(100 * right / inputs, 1, "counted"),
    ):
        assert 0 <= exact - Fraction(shown) < Fraction(1, 10)
    assert outward.percent(0.58, 1, "counted") == "58.0"
    assert outward.percent(0.58, 1, "down") == "57.9"


@given(st.floats(0, 1), st.integers(0, 4))
def test_bounds_in_percent_hold(value, digits):
    exact = 100 * Fraction(value)
    low, high = (Fraction(outward.percent(value, digits, one)) for one in ("down", "up"))
    assert low <= exact <= high
    assert high - low in {0, Fraction(1, 10**digits)}


@given(st.floats(1, 1e9), st.integers(1, 6), st.sampled_from(["down", "up"]))
def test_digits_before_the_point_are_rounded_outward_too(value, digits, side):
    shown = Fraction(outward.significant(value, digits, side))
    assert shown <= Fraction(value) if side == "down" else shown >= Fraction(value)


def test_by_hand():
    assert outward.down(1.12665) == "1.126"
    assert outward.up(0.00688) == "0.007"
    assert outward.down(-0.0001) == "-0.001"
    assert outward.up(-0.0001) == "0.000"
    assert outward.confidence(0.002) == "99.8%"
    assert outward.confidence(0.001) == "99.9%"
    assert outward.confidence(1e-9) == "99.9999%"
    assert outward.failure(0.1 + 0.2) == "0.3"
    assert outward.failure(0.0020000004) == "0.00200001"
    assert outward.down(math.nan) == "n/a"


def test_columns_are_rounded_by_what_they_hold():
    names = ["ACR", "mean zeta", "95% low", "95% high", "ACR low", "n_p", "best ACR, RS", "CA(0.5)"]
    assert [outward.direction(name) for name in names] == [
        *("down", "up", "down", "up", "down", "nearest", "down", "counted")
    ]


@given(st.lists(finite, min_size=1), st.sampled_from(["down", "up"]))
def test_numbers_for_a_browser_print_as_the_text(values, side):
    shown = outward.rounded(np.array(values), 3, side)
    for one, value in zip(shown, values, strict=True):
        assert f"{one:.3f}".replace("-0.000", "0.000") == outward.text(value, 3, side)


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinite_values_have_a_sign_of_their_own(value):
    assert outward.down(value).endswith("∞")
