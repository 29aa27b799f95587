"""Speedups under the published accountings against a slow literal transcription of their rules."""

import math
from collections import Counter
from dataclasses import astuple, replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import beta, norm
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.results import Interval
from irs_core.analysis.speedup import PerInput
from irs_core.analysis.tally import opened, tally_study
from irs_core.metrics import area_speedups
from irs_core.papers import ACCOUNTINGS, Published, Row, is_near, meaning
from irs_core.papers.accounting import (
    FAIR,
    GAMMA,
    PUBLISHED,
    RELEASED,
    account,
    as_published,
    mean_of_ratios,
    mean_ratios,
    released_code,
)
from irs_core.spec.settings import Settings
from irs_core.store import Library

N, N_P, SIGMA, NAME = 2000, (100, 200, 400), 0.5, "prune:0.1"
THRESHOLD = 0.8


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("accounting"))
    record = synthetic_study(library, synthetic_spec(n=N, n_p=N_P, gamma=THRESHOLD), skewed=True)
    return library.open(record.id)


@pytest.fixture(scope="module")
def analysis(study):
    return Analysis(tally_study(study), Settings.of(study.record.spec))


@pytest.fixture(scope="module")
def images(study, analysis):
    """Of each reported image its label and the draws of both classifiers, as plain lists."""
    models = {model.name: opened(study, model) for model in study.record.models}
    base, compressed = models["base"], models[NAME]
    read = {
        "f select": base["select"].read(100),
        "f": base["estimate"].read(N),
        "paired": compressed["estimate"].read(N_P[-1]),
        "select": compressed["scratch-select"].read(100),
        "fresh": compressed["scratch-estimate"].read(N_P[-1]),
    }
    return [
        {
            "label": study.record.data.labels[row],
            **{key: one[row].tolist() for key, one in read.items()},
        }
        for row in np.flatnonzero(analysis.rows)
    ]


def top(classes):
    counts = Counter(classes)
    return min(counts, key=lambda one: (-counts[one], one))


def lower(k, n, alpha):
    return 0.0 if k == 0 else float(beta.ppf(alpha, k, n - k + 1))


def upper(k, n, alpha):
    return 1.0 if k == n else float(beta.isf(alpha, k + 1, n - k))


def radius(p):
    return SIGMA * float(norm.ppf(p)) if p > 0.5 else 0.0


def from_scratch(image, n_p, n0):
    """Radius and draws: stop where the class of n0 draws is not the label."""
    if top(image["select"][:n0]) != image["label"]:
        return 0.0, n0
    hits = image["fresh"][:n_p].count(image["label"])
    return radius(lower(hits, n_p, 0.002)), n0 + n_p


def incremental(image, n_p):
    """Radius and draws from f's cache, which says ABSTAIN where the bound is below one half."""
    candidate = top(image["f select"])
    p_a = lower(image["f"].count(candidate), N, 0.001)
    if candidate != image["label"] or p_a < 0.5:
        return 0.0, 0
    if p_a >= THRESHOLD:
        return from_scratch(image, n_p, n_p // 10)
    differ = sum(a != b for a, b in zip(image["f"], image["paired"][:n_p], strict=False))
    return radius(p_a - upper(differ, n_p, 0.001)), n_p


def curve(images, certify):
    points = {}
    for n_p in N_P:
        made = [certify(image, n_p) for image in images]
        points[sum(r for r, _ in made) / len(made)] = sum(d for _, d in made) / len(made)
    return points


def cost_at(points, acr):
    places = sorted(points)
    for left, right in pairwise(places):
        if left <= acr <= right:
            share = (acr - left) / (right - left)
            return points[left] + (points[right] - points[left]) * share
    raise AssertionError(f"{acr} is outside of {places}")


def average_speedup(baseline, method):
    low, high = max(min(baseline), min(method)), min(max(baseline), max(method))
    # The ends themselves may be rounded out of the range.
    acrs = [low + (high - low) * step / 99 for step in range(99)] + [high]
    return sum(cost_at(baseline, acr) / cost_at(method, acr) for acr in acrs) / 100


def test_the_study_has_every_case(analysis, images):
    wrong = analysis.cache.candidate != analysis.labels
    abstains = analysis.cache.p_lower < 0.5
    assert 0.2 < wrong.mean() < 0.8
    assert (abstains & ~wrong).mean() > 0.05
    direct = (analysis.cache.p_lower >= THRESHOLD) & ~wrong
    assert 0.05 < direct.mean() < 0.7
    assert any(top(one["select"][:1]) != top(one["select"]) for one in images)


def test_released_code_is_its_literal_transcription(study, analysis, images):
    baseline = curve(images, lambda image, n_p: from_scratch(image, n_p, n_p // 100))
    irs = curve(images, incremental)
    found = released_code(analysis, study, NAME)
    for one, points in zip(found, (baseline, irs), strict=True):
        assert one.radii.mean(axis=0) == pytest.approx(list(points), abs=1e-9)
        assert one.draws.mean(axis=0) == pytest.approx(list(points.values()))
    speedup = mean_of_ratios(*found)
    assert speedup.value == pytest.approx(average_speedup(baseline, irs), rel=1e-9)


def test_as_published_lets_irs_alone_skip_wrong_images(study, analysis, images):
    def scratch(image, n_p):
        candidate = top(image["select"])
        bound = lower(image["fresh"][:n_p].count(candidate), n_p, 0.002)
        return radius(bound) if candidate == image["label"] else 0.0, n_p

    def from_cache(image, n_p):
        candidate = top(image["f select"])
        p_a = lower(image["f"].count(candidate), N, 0.001)
        if candidate != image["label"]:
            return 0.0, 0
        if p_a >= THRESHOLD:
            hits = image["fresh"][:n_p].count(candidate)
            return radius(lower(hits, n_p, 0.002)), n_p + n_p // 10
        differ = sum(a != b for a, b in zip(image["f"], image["paired"][:n_p], strict=False))
        return radius(p_a - upper(differ, n_p, 0.001)), n_p

    expected = average_speedup(curve(images, scratch), curve(images, from_cache))
    assert mean_of_ratios(*as_published(analysis, NAME)).value == pytest.approx(expected, rel=1e-9)


def test_three_accountings_with_the_papers_gamma_for_the_papers_two(study, analysis):
    found = account(analysis, study, NAME)
    assert list(found) == [one.name for one in ACCOUNTINGS]
    paper = Analysis(analysis.tally, replace(analysis.settings, gamma=GAMMA))
    expected = {
        PUBLISHED: mean_of_ratios(*as_published(paper, NAME)),
        RELEASED: mean_of_ratios(*released_code(paper, study, NAME)),
        FAIR: analysis.compare(NAME).speedup("irs", "draws"),
    }
    for one, interval in expected.items():
        assert astuple(found[one.name]) == pytest.approx(astuple(interval), nan_ok=True)


def test_every_acr_weighs_the_same():
    """Twice as cheap at the cheap end, equal at the dear end: ratios 2 to 1, areas far less."""
    acr = np.array([[0.0, 1.0]])
    baseline, method = np.array([[2.0, 100.0]]), np.array([[1.0, 100.0]])
    steps = np.linspace(0, 1, 100)
    expected = np.mean((2 + 98 * steps) / (1 + 99 * steps))
    assert mean_ratios(acr, baseline, acr, method)[0] == pytest.approx(expected, rel=1e-12)
    assert area_speedups(acr, baseline, acr, method)[0] == pytest.approx(102 / 101)
    assert expected > 1.03


def test_points_are_sorted_by_acr_without_an_envelope():
    acr, cost = np.array([[0.5, 0.0, 1.0]]), np.array([[9.0, 1.0, 4.0]])
    flat = np.array([[0.0, 1.0]]), np.array([[1.0, 1.0]])
    grid = np.linspace(0, 1, 100)
    expected = np.mean([1 + 16 * x if x <= 0.5 else 9 - 10 * (x - 0.5) for x in grid])
    assert mean_ratios(acr, cost, *flat)[0] == pytest.approx(expected)


def test_images_that_are_all_alike_leave_no_uncertainty():
    radii, unknown = np.tile([0.1, 0.2], (5, 1)), np.full((5, 2), np.nan)
    slow, fast = (PerInput((1, 2), radii, unknown, np.full((5, 2), one)) for one in (4.0, 2.0))
    found = mean_of_ratios(slow, fast)
    assert [found.low, found.value, found.high] == pytest.approx([2.0, 2.0, 2.0])


def test_curves_that_share_no_acr_have_no_speedup():
    cost = np.array([[1.0, 2.0]])
    low, high = np.array([[0.0, 0.1]]), np.array([[0.2, 0.3]])
    assert np.isnan(mean_ratios(low, cost, high, cost)).all()
    nothing = PerInput((1,), np.zeros((3, 1)), np.zeros((3, 1)), np.zeros((3, 1)))
    assert np.isnan(mean_of_ratios(nothing, nothing).value)


def _row(published, **values):
    found = {
        name.replace("_", " "): Interval(value, value, value) for name, value in values.items()
    }
    return Row(Published(published, 0.01, {}), None, "", 0, "", accountings=found)


def test_near_is_within_a_quarter_of_the_published_number():
    row = _row(2.0, as_published=2.5, released_code=1.49, fair=1.5)
    assert [is_near(row, one) for one in ACCOUNTINGS] == [True, False, True]
    assert not is_near(_row(2.0), FAIR)


def test_the_meaning_counts_cells_and_says_how_much_moves():
    rows = [
        _row(2.0, as_published=2.0, released_code=1.0, fair=1.6),
        _row(1.0, as_published=1.0, released_code=1.0, fair=1.0),
        _row(1.0),
    ]
    text = meaning(rows)
    assert "2 under “as published”, 1 under “released code”, 2 under “fair”, of 2 each" in text
    assert "factor of 1.25" in text
    assert meaning([_row(1.0)]) == ""


def test_the_meaning_of_curves_that_share_no_acr_names_no_number():
    known = _row(2.0, as_published=2.0, released_code=1.0, fair=1.6)
    unknown = _row(1.0, as_published=math.nan, released_code=math.nan, fair=math.nan)
    assert "factor of 1.25" in meaning([unknown, known])
    alone = meaning([unknown])
    assert "nan" not in alone
    assert "Compare speedups under one accounting only" in alone
