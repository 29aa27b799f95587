"""Certified accuracy against radius and its envelope."""

from dataclasses import replace

import numpy as np
import pytest

from irs_core.certify import Certificates, certificates_from_bounds
from ui.explore import radii


def certificates(p_lower: list[float], sigma: float = 0.5) -> Certificates:
    count = len(p_lower)
    return certificates_from_bounds(
        np.zeros(count, np.int64),
        np.array(p_lower),
        n_samples=np.full(count, 10, np.int64),
        branch=np.zeros(count, np.uint8),
        zeta_upper=np.full(count, np.nan),
        sigma=sigma,
        method="rs",
        claimed_failure=0.001,
        provable_failure=0.001,
    )


LABELS = np.array([0, 0, 1, 0])
GRID = np.linspace(0, 1, 11)


def curve(study: str, p_lower: list[float], sigma: float = 0.5) -> radii.RadiusCurve:
    found = certificates(p_lower, sigma)
    return radii.curve("fp16", "fp16", study, "gaussian", found, LABELS, GRID)


def test_envelope_is_the_best_study_at_each_radius() -> None:
    small = curve("σ = 0.25", [0.99, 0.99, 0.99, 0.99], 0.25)
    large = curve("σ = 1", [0.8, 0.4, 0.9, 0.8], 1.0)
    (envelope,) = radii.envelopes([small, large])
    assert envelope.study == radii.ENVELOPE
    assert np.array_equal(envelope.shares, np.maximum(small.shares, large.shares))
    assert envelope.at([0.0]).tolist() == [0.75]
    assert not np.array_equal(envelope.shares, small.shares)
    assert not np.array_equal(envelope.shares, large.shares)


def test_studies_on_other_inputs_have_no_envelope() -> None:
    other = replace(curve("b", [0.9] * 4, 0.25), labels=np.array([1, 1, 1, 1]))
    assert radii.envelopes([curve("a", [0.9] * 4), other]) == []


def test_envelope_mixes_neither_models_nor_kinds_of_noise() -> None:
    one, other = curve("a", [0.9] * 4), curve("b", [0.9] * 4, 0.25)
    assert radii.envelopes([one, other])
    assert radii.envelopes([one, replace(other, title="integers only")]) == []
    assert radii.envelopes([one, replace(other, noise="rounded")]) == []


def test_one_sigma_has_no_envelope() -> None:
    assert radii.envelopes([curve("a", [0.9] * 4), curve("b", [0.8] * 4)]) == []


def test_figure_has_a_line_per_curve_and_a_mark_per_radius() -> None:
    one = curve("a", [0.9, 0.8, 0.9, 0.3])
    figure = radii.against_radius([one], [0.25, 0.5])
    (trace,) = figure.data
    assert trace.y[0] == pytest.approx(50)
    assert [shape.x0 for shape in figure.layout.shapes] == [0.25, 0.5]
    table = radii.at_radii([one], [0.0, 0.5])
    assert table["CA(0)"].tolist() == [50.0]
    assert table["inputs"].tolist() == [4]


def test_hovers_never_show_more_than_is_certified() -> None:
    one = replace(curve("a", [0.9] * 4), radii=np.array([0.1236]), shares=np.array([0.58799]))
    (trace,) = radii.against_radius([one]).data
    assert [tuple(each) for each in trace.customdata] == [("0.123", "58.7")]
    assert "%{x" not in trace.hovertemplate
    assert "%{y" not in trace.hovertemplate
