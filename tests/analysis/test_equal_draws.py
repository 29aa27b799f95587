"""Equal draws at any number: counts by hand, tables that agree, the ledger's word."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.beyond_mean import compared, hardness_table, radius_rows, radius_table
from irs_core.analysis.equal_draws import (
    at_draws,
    draw_steps,
    equal_draws,
    gains_of_draws,
    largest_radius,
    read_prefixes,
)
from irs_core.analysis.ledger import at_draws as ledger_at
from irs_core.analysis.ledger import study_ledger
from irs_core.analysis.tally import opened, tally_study
from irs_core.decide import share_difference
from irs_core.spec.settings import Settings
from irs_core.spec.study import NoiseSpec
from irs_core.stats import binomial_lower_bound, certified_radius
from irs_core.store import Library

SIZES = (20, 60, 170, 300)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("store"), tmp_path_factory.mktemp("none"))
    record = synthetic_study(library, synthetic_spec(n=1500, n_p=(60, 300)), skewed=True)
    study = library.open(record.id)
    return study, Analysis(tally_study(study), Settings.of(record.spec))


def test_a_slider_offers_the_studys_own_numbers_and_round_ones() -> None:
    steps = draw_steps((100, 270, 1000))
    assert set(steps) >= {20, 30, 50, 70, 100, 150, 200, 270, 300, 500, 700, 1000}
    assert list(steps) == sorted(set(steps))
    assert max(steps) == 1000
    assert draw_steps((10,)) == (10,)


def test_both_models_are_counted_on_the_same_first_draws(made, monkeypatch) -> None:
    study, analysis = made
    # Blocks are read one after the other and put together in order.
    monkeypatch.setattr("irs_core.analysis.equal_draws._BLOCK", 7)
    record = study.record
    found = at_draws(analysis, read_prefixes(study, analysis, "fp16", SIZES), 170)
    f = opened(study, record.base)["estimate"].read(1500)
    g = opened(study, record.compressed[0])["estimate"].read(170)
    level = analysis.settings.alpha + analysis.settings.alpha_zeta
    for place, row in enumerate(np.flatnonzero(analysis.rows)):
        candidate = analysis.tally.base.candidate[row]
        right = candidate == analysis.tally.labels[row]
        for radii, answers in ((found.equal, f[row][:170]), (found.compressed, g[row])):
            bound = binomial_lower_bound(sum(answers == candidate), 170, level)
            radius = certified_radius(bound, 0.5) if right else 0.0
            assert radii[place] == pytest.approx(max(0.0, float(radius)), rel=1e-9)
        # Hard is who is hard on draws that are not compared.
        assert found.votes[place] == pytest.approx(np.mean(f[row][170:] == candidate))


def test_at_the_studys_own_numbers_the_kept_counts_agree(made) -> None:
    study, analysis = made
    prefixes = read_prefixes(study, analysis, "fp16", SIZES)
    for budget, draws in enumerate((60, 300)):
        one, other = at_draws(analysis, prefixes, draws), equal_draws(analysis, "fp16", budget)
        np.testing.assert_array_equal(one.equal, other.equal)
        np.testing.assert_array_equal(one.compressed, other.compressed)


def test_missing_draws_are_no_comparison(tmp_path) -> None:
    library = Library(tmp_path, tmp_path / "none")
    record = synthetic_study(library, synthetic_spec(n=1500, n_p=(60, 600)))
    study = library.open(record.id)
    analysis = Analysis(tally_study(study), Settings.of(record.spec))
    folder = library.evidence_folder / record.compressed[0].evidence["estimate"]
    # Draws 500 and beyond are in the second chunk.
    (folder / "c" / "0" / "1").unlink()
    prefixes = read_prefixes(study, analysis, "fp16", (60, 500, 600))
    assert at_draws(analysis, prefixes, 500) is not None
    assert at_draws(analysis, prefixes, 600) is None


def test_certified_accuracy_at_radii_has_exact_intervals(made) -> None:
    _, analysis = made
    found = equal_draws(analysis, "fp16")
    (row,) = radius_rows(found, [0.4])
    has, keeps = found.equal > 0.4, found.compressed > 0.4
    exact = binomtest(int(has.sum()), 40).proportion_ci(0.95, "exact")
    assert (row["original low"], row["original high"]) == pytest.approx(tuple(exact), rel=1e-6)
    assert (row["lost"], row["gained"]) == ((has & ~keeps).sum(), (keeps & ~has).sum())
    assert row["cost of compression"] == pytest.approx(row["original"] - row["compressed"])
    low, high = row["cost of compression low"], row["cost of compression high"]
    assert low < row["cost of compression"] < high


def test_the_interval_of_a_cost_is_on_the_side_of_the_loss(made) -> None:
    _, analysis = made
    worse = replace(equal_draws(analysis, "fp16"), model=analysis.base, base=analysis.base)
    # The other way round, the model with more draws has gained.
    (row,) = radius_rows(worse, [0.5])
    assert row["gained"] > row["lost"]
    exact = share_difference(row["lost"], row["gained"], 40)
    assert (row["cost of compression low"], row["cost of compression high"]) == exact


def test_kinds_of_inputs_part_them_all(made) -> None:
    study, analysis = made
    found = equal_draws(analysis, "fp16")
    kinds = gains_of_draws(found)
    assert sum(one.inputs for one in kinds) == 40
    change = sum(one.inputs * (one.mean_gain - one.mean_loss) for one in kinds) / 40
    assert change == pytest.approx((found.compressed - found.equal).mean())
    frame = hardness_table(study.record, analysis)
    assert len(frame) == 2 * len(kinds)
    assert set(radius_table(study.record, analysis)["radius"]) == {0.25, 0.5, 0.75}


def test_all_of_it_is_plain_json(made) -> None:
    _, analysis = made
    found = compared(analysis, "fp16", (0.5,))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["n"], found["n_p"]) == (1500, 300)
    assert [one["name"] for one in found["gaps"]] == ["ACR", "CA(0.5)"]


def test_differences_under_shared_noise_have_no_interval(tmp_path) -> None:
    library = Library(tmp_path, tmp_path / "none")
    spec = synthetic_spec(n=1500, n_p=(60, 300), noise=NoiseSpec(0.5, seed=7, group=4))
    record = synthetic_study(library, spec, skewed=True)
    analysis = Analysis(tally_study(library.open(record.id)), Settings.of(spec))
    found = compared(analysis, "fp16", (0.5,))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert "cost of compression" in found["radii"][0]
    assert "cost of compression low" not in found["radii"][0]
    for gap, most in zip(found["gaps"], (largest_radius(analysis), 1.0), strict=True):
        cost = gap["compression"]
        assert (cost["sure_low"], cost["sure_high"], cost["beta"]) == (-most, most, 0.0)


def test_numbers_that_are_not_the_studys_own_are_exploring(made) -> None:
    spec = made[0].record.spec
    ledger = study_ledger(spec)
    assert ledger_at(ledger, spec, 300) == ledger
    moved = ledger_at(ledger, spec, 170)
    assert not moved.holds
    assert "exploring: not proven at 170 draws of each model" in moved.sentence
