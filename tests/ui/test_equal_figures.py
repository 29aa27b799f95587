"""Figures of two models at equal draws hold the numbers that they say."""

from dataclasses import replace

import numpy as np
import pytest

from irs_core.analysis.equal_draws import EqualDraws
from irs_core.certify import Certificates, certify_rs_hits
from ui.explore import equal_figures
from ui.explore.equal import kinds_note, radii_note
from ui.shared import theme

LABELS = np.array([0, 0, 0, 1])
COLOUR = theme.PALETTE[1]


def certified(hits: list[int], n: int) -> Certificates:
    return certify_rs_hits([0, 0, 0, 0], hits, n0=10, n=n, alpha=0.01, sigma=0.5)


@pytest.fixture
def found() -> EqualDraws:
    return EqualDraws(
        n=1000,
        n_p=100,
        labels=LABELS,
        base=certified([1000, 900, 400, 1000], 1000),
        original=certified([100, 90, 40, 100], 100),
        model=certified([100, 80, 40, 100], 100),
        votes=np.array([1.0, 0.9, 0.4, 1.0]),
    )


def test_certified_accuracy_has_a_band_and_a_line_for_each(found: EqualDraws) -> None:
    band, original, _, model = equal_figures.accuracy(found, "int8", COLOUR).data
    # Two of four inputs are right and certified.
    assert original.y[0] == model.y[0] == 50
    assert original.line.color == theme.NEUTRAL
    assert model.line.color == COLOUR
    assert min(band.y) <= min(original.y)
    assert max(band.y) >= max(original.y)


def test_inputs_without_a_radius_stand_left_of_zero(found: EqualDraws) -> None:
    original, model = equal_figures.radii(found, "int8", COLOUR).data
    assert original.x[0] < 0 < original.x[2]
    assert original.y[0] == model.y[0] == 50
    assert sum(original.y[::2]) == pytest.approx(100)


def test_bounds_below_one_half_are_not_drawn(found: EqualDraws) -> None:
    original, _ = equal_figures.bounds(found, "int8", COLOUR).data
    # Three of four bounds are above one half.
    assert sum(original.y[::2]) == pytest.approx(75)


def test_kinds_show_gains_up_and_losses_down(found: EqualDraws) -> None:
    gain, loss, both = equal_figures.kinds(found, "int8", COLOUR).data
    change = found.compressed[1] - found.equal[1]
    assert [name.split("<br>")[0] for name in gain.x] == ["wrong", "hard", "middle", "easy"]
    assert loss.y == pytest.approx((0, change, 0, 0))
    assert sum(gain.y) == 0
    assert both.y == pytest.approx((0, change, 0, 0))


def test_notes_name_the_draws_that_tell_hard_inputs_from_easy_ones(found: EqualDraws) -> None:
    assert "on its other draws, which are not compared here" in kinds_note(found)
    assert "on the draws that are compared here" in kinds_note(replace(found, n=found.n_p))


def test_notes_say_where_intervals_are_too_narrow(found: EqualDraws) -> None:
    shared = replace(found, shared_noise=True)
    for note in (kinds_note, radii_note):
        assert "too narrow since inputs share draws of the noise" in note(shared)
        assert "too narrow" not in note(found)
    assert "the cost has none" in radii_note(shared)
