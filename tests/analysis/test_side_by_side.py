"""Two models side by side, against slow transcriptions that go input by input."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis import side_by_side as sides
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.equal_draws import at_draws, read_prefixes
from irs_core.analysis.tally import opened, tally_study
from irs_core.decide import bounded_mean_interval
from irs_core.spec.settings import Settings
from irs_core.spec.study import NoiseSpec
from irs_core.stats import binomial_lower_bound, certified_radius
from irs_core.store import Library

DRAWS = 170
RADII = (0.0, 0.3, 0.6)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("store"), tmp_path_factory.mktemp("none"))
    record = synthetic_study(library, synthetic_spec(n=1500, n_p=(60, 300)), skewed=True)
    study = library.open(record.id)
    return study, Analysis(tally_study(study), Settings.of(record.spec))


@pytest.fixture(scope="module")
def found(made):
    study, analysis = made
    models = tuple(
        at_draws(analysis, read_prefixes(study, analysis, name, (DRAWS,)), DRAWS)
        for name in ("fp16", "prune:0.1")
    )
    return sides.side_by_side((analysis, analysis), models)


@pytest.fixture(scope="module")
def apart(found):
    """Two models that differ on many inputs."""
    return replace(found, second=np.roll(found.second, 3))


def slow_radius(answers, candidate: int, label: int, level: float) -> float:
    hits = sum(int(one) == candidate for one in answers)
    bound = float(binomial_lower_bound(hits, len(answers), level))
    return max(0.0, float(certified_radius(bound, 0.5))) if candidate == label else 0.0


def test_both_models_are_certified_from_their_first_draws(made, found) -> None:
    study, analysis = made
    level = analysis.settings.alpha + analysis.settings.alpha_zeta
    stored = [opened(study, one)["estimate"].read(DRAWS) for one in study.record.compressed]
    for place, row in enumerate(np.flatnonzero(analysis.rows)):
        of = int(analysis.tally.base.candidate[row]), int(analysis.tally.labels[row])
        pair = [slow_radius(one[row], *of, level) for one in stored]
        assert (found.first[place], found.second[place]) == pytest.approx(tuple(pair), rel=1e-9)
    assert found.draws == DRAWS
    assert found.most >= max(found.first.max(), found.second.max())


def test_the_original_can_be_a_side(made) -> None:
    study, analysis = made
    prefixes = read_prefixes(study, analysis, "base", (DRAWS,))
    original = at_draws(analysis, prefixes, DRAWS)
    np.testing.assert_array_equal(original.compressed, original.equal)


def test_differences_are_those_of_a_slow_recount(apart) -> None:
    frame = sides.difference_table(apart, RADII)
    pairs = list(zip(apart.first.tolist(), apart.second.tolist(), strict=True))
    assert frame["quantity"].tolist() == ["ACR", "CA(0)", "CA(0.3)", "CA(0.6)"]
    assert frame["first less second"][0] == pytest.approx(sum(a - b for a, b in pairs) / 40)
    for at, radius in enumerate(RADII, 1):
        row = frame.iloc[at]
        has = [(a > radius, b > radius) for a, b in pairs]
        assert row["first"] == pytest.approx(sum(a for a, _ in has) / 40)
        assert row["second"] == pytest.approx(sum(b for _, b in has) / 40)
        assert row["only first"] == sum(a and not b for a, b in has)
        assert row["only second"] == sum(b and not a for a, b in has)
        assert row["first less second"] == pytest.approx(
            (row["only first"] - row["only second"]) / 40
        )
    sure = bounded_mean_interval(
        apart.first - apart.second, low=-apart.most, high=apart.most, beta=0.05
    )
    assert tuple(frame[["sure low", "sure high"]].iloc[0]) == pytest.approx(sure)
    assert (frame["low"] <= frame["first less second"]).all()
    assert (frame["first less second"] <= frame["high"]).all()


def test_exchanging_the_sides_turns_every_sign(apart) -> None:
    turned = replace(apart, first=apart.second, second=apart.first)
    one, other = (sides.difference_table(each, RADII) for each in (apart, turned))
    np.testing.assert_allclose(one["first less second"], -other["first less second"])
    np.testing.assert_allclose(one["sure low"], -other["sure high"])
    assert one["only first"][1:].tolist() == other["only second"][1:].tolist()


def test_inputs_that_changed_sides_are_listed_largest_change_first(made, apart) -> None:
    study, analysis = made
    radius = 0.3
    frame = sides.changed_table(study.record, apart, radius)
    expected = {}
    for place, row in enumerate(np.flatnonzero(analysis.rows)):
        pair = apart.first[place] > radius, apart.second[place] > radius
        if pair[0] != pair[1]:
            expected[study.record.data.indices[row]] = "first" if pair[0] else "second"
    assert {"first", "second"} == set(expected.values())
    assert dict(zip(frame["input"], frame["certified by"], strict=True)) == expected
    assert (np.diff((frame["first"] - frame["second"]).abs()) <= 0).all()
    labels = [study.record.data.labels[one] for one in frame["input"]]
    assert frame["true class"].tolist() == [str(one) for one in labels]


def test_a_radius_exactly_reached_is_not_certified_there(found) -> None:
    radius = float(found.first.max())
    assert not any(one.any() for one in sides.changed(replace(found, second=found.first), radius))
    only_first, _ = sides.changed(replace(found, second=np.zeros(40)), radius)
    assert not only_first.any()


def test_bands_are_exact_intervals(found) -> None:
    frame = sides.curve_table(found)
    row = frame.iloc[40]
    count = sum(one > row["radius"] for one in found.first.tolist())
    exact = binomtest(count, 40).proportion_ci(0.95, "exact")
    assert row["first"] == count / 40
    assert (row["first low"], row["first high"]) == pytest.approx(tuple(exact), rel=1e-6)
    assert frame["second"].iloc[-1] == 0


def test_studies_on_other_inputs_or_noise_are_not_compared(made) -> None:
    record = made[0].record

    def other(**changes):
        return replace(record, data=replace(record.data, **changes))

    assert sides.why_not(record, record) == ""
    renamed = replace(record, spec=replace(record.spec, name="other", n_p=(50,)))
    assert sides.why_not(record, renamed) == ""
    assert "they report other inputs (40 inputs of" in sides.why_not(record, other(digest="e" * 64))
    fewer = tuple(at < 30 for at in range(60))
    assert "against 30 inputs of" in sides.why_not(record, other(reported=fewer))
    labels = (*record.data.labels[1:], 0)
    assert "not the true classes" in sides.why_not(record, other(labels=labels))
    noise = replace(record, spec=replace(record.spec, noise=NoiseSpec(0.25, seed=9)))
    said = "they draw other noise (sigma 0.5 against 0.25, seed 7 against 9)."
    assert sides.why_not(record, noise).endswith(said)


def test_common_numbers_of_draws_are_those_that_both_have(made) -> None:
    record = made[0].record
    other = replace(record, spec=replace(record.spec, n_p=(20, 110)))
    steps = sides.common_steps(record, other)
    assert steps == sides.common_steps(other, record)
    assert {20, 60, 110} <= set(steps)
    assert max(steps) == 110
