import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irs_core.decide import Requirement
from irs_core.decide.rounding import (
    chosen_percent,
    down,
    exact,
    less,
    percent_down,
    percent_up,
    sure,
    up,
)
from irs_core.errors import SpecError


def test_defaults() -> None:
    one = Requirement(0.5)
    assert (one.tolerance, one.max_loss, one.confidence) == (0.0, 0.01, 0.99)
    assert one.beta == 0.01
    assert one.reach == 0.5


def test_json_and_text_round_trip() -> None:
    one = Requirement(
        0.5,
        tolerance=0.05,
        max_loss=None,
        confidence=0.95,
        min_certified=0.4,
        max_latency_ms=3.5,
        max_bytes=270_000,
    )
    assert Requirement.from_json(json.loads(json.dumps(one.to_json()))) == one
    assert Requirement.from_text(one.text) == one
    assert Requirement.from_text("radius=0.5, max-loss=1%") == Requirement(0.5)


def test_words_say_every_limit() -> None:
    words = Requirement(0.5, 0.05, min_accuracy=0.6, max_relative_latency=0.5).words
    assert words == (
        "withstands at least 0.45 wherever the original withstands 0.50, with at most 1% "
        "exceptions; "
        "is right without noise on at least 60%; takes at most 0.5 times the original's time"
    )


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"radius": 0.0}, "radius must be positive; got 0.0"),
        ({"radius": float("nan")}, "radius must be a finite number"),
        ({"radius": True}, "radius must be a finite number"),
        ({"radius": 0.5, "tolerance": 0.6}, "tolerance must be between 0 and the radius"),
        ({"radius": 0.5, "tolerance": None}, "tolerance must be a finite number"),
        ({"radius": 0.5, "max_loss": 1.0}, "max_loss is a share"),
        ({"radius": 0.5, "max_loss": 0.0}, "max_loss is a share"),
        ({"radius": 0.5, "confidence": 1.0}, "confidence must be"),
        ({"radius": 0.5, "confidence": 0.5}, "confidence must be"),
        ({"radius": 0.5, "min_accuracy": 70}, "min_accuracy is a share"),
        ({"radius": 0.5, "max_bytes": 1.5}, "max_bytes must be an integer"),
        ({"radius": 0.5, "max_latency_ms": -1}, "max_latency_ms must be positive"),
        ({"radius": 0.5, "max_loss": None}, "nothing is required"),
        ({"radius": 0.5, "delta": 0.1}, "no 'delta'"),
        ({}, "needs a radius"),
    ],
)
def test_what_breaks_a_rule_is_refused(values: dict[str, object], rule: str) -> None:
    with pytest.raises(SpecError, match=rule):
        Requirement.from_json(values)


@pytest.mark.parametrize(
    "text", ["radius", "radius=0.5, radius=0.6", "radius=half", "radius=0.5, max-bytes=1e3"]
)
def test_texts_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(SpecError):
        Requirement.from_text(text)


@given(st.floats(-1e6, 1e6), st.integers(0, 6))
def test_printed_bounds_are_never_better_than_they_are(value: float, places: int) -> None:
    assert Decimal(down(value, places)) <= Decimal(repr(value)) <= Decimal(up(value, places))
    assert Decimal(up(value, places)) - Decimal(down(value, places)) <= Decimal(1).scaleb(-places)


@given(st.floats(1e-9, 0.999))
def test_printed_confidence_is_never_above_its_own(failure: float) -> None:
    shown = sure(failure)
    assert Decimal(shown[:-1]) <= 100 - Decimal(repr(failure)) * 100
    assert shown != "100%"


def test_examples_of_rounding() -> None:
    assert (percent_up(0.00917), percent_down(0.00917)) == ("0.92%", "0.91%")
    # As a binary number, 0.01 is a little more than a hundredth, and 0.58 less than 58 of them.
    assert (percent_up(0.01), percent_down(0.58)) == ("1.01%", "57.99%")
    assert (percent_down(0.01), percent_up(0.58)) == ("1%", "58%")
    assert (chosen_percent(0.01), chosen_percent(0.125)) == ("1%", "12.5%")
    assert (sure(0.0025), sure(0.01), sure(0.0001)) == ("99.7%", "99%", "99.99%")
    assert (exact(0.5), exact(0.125), exact(2)) == ("0.50", "0.125", "2.00")
    assert less(0.3, 0.1) == 0.2
    assert percent_down(-0.0) == "0%"
