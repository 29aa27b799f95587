"""CIRS with the joint bound on a stored study: what is certified, and what is said about it."""

from dataclasses import replace

import numpy as np
import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.tally import tally_study
from irs_core.analysis.why import plan_table, why_table
from irs_core.certify import Branch
from irs_core.methods.cirs import counts_of
from irs_core.methods.kit.cirs_promise import levels_of
from irs_core.spec.settings import Settings
from irs_core.stats import binomial_lower_bound, binomial_upper_bound
from irs_core.store import Library

NAME = "fp16"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("joint"))
    record = synthetic_study(library, synthetic_spec(bound="joint"))
    study = library.open(record.id)
    return record, Analysis(tally_study(study), Settings.of(record.spec))


def _literal(hits: int, n: int, left: int, m: int, levels) -> float:
    """The least product over all bands and tails, one at a time."""
    least = 1.0
    for band, row in enumerate(levels.levels):
        for tail, level in zip(levels.tails, row, strict=True):
            p = max(float(binomial_lower_bound(hits, n, float(tail))), levels.edges[band])
            if p < levels.edges[band + 1] and level < 1:
                least = min(least, p * (1 - float(binomial_upper_bound(left, m, float(level)))))
    return least


@pytest.mark.parametrize("budget", [0, 2])
def test_certificates_are_those_of_a_literal_recount(made, budget):
    record, analysis = made
    counts = counts_of(analysis.tally.compressed[NAME])
    at = len(counts.plans) - len(record.spec.n_p) + budget
    plan, rows = counts.plans[at], np.flatnonzero(analysis.rows)
    levels = levels_of(record.spec.n, record.spec.alpha + record.spec.alpha_zeta, plan.supposed)
    got = analysis.certify(NAME, "cirs", budget)
    assert (got.branch == Branch.INCREMENTAL).any()
    for row, where in enumerate(rows):
        if got.branch[row] != Branch.INCREMENTAL:
            continue
        hits, m = int(analysis.tally.base.hits[where]), int(plan.draws[where])
        left = int(counts.leavers[where, at])
        expected = _literal(hits, record.spec.n, left, m, levels)
        assert got.p_lower[row] == pytest.approx(expected, rel=1e-9)
    assert got.provable_failure == pytest.approx(record.spec.alpha + record.spec.alpha_zeta)


def test_another_alpha_keeps_the_plan_and_changes_the_levels(made):
    record, analysis = made
    strict = replace(Settings.of(record.spec), alpha=1e-6, alpha_zeta=1e-6)
    other = Analysis(analysis.tally, strict)
    usual, fewer = (one.certify(NAME, "cirs", 2) for one in (analysis, other))
    assert fewer.claimed_failure == pytest.approx(2e-6)
    np.testing.assert_array_equal(fewer.n_samples, usual.n_samples)
    some = usual.p_lower > 0
    assert (fewer.p_lower[some] < usual.p_lower[some]).all()


def test_the_joint_bound_reaches_more_than_the_split(made, tmp_path):
    _, analysis = made
    library = Library(tmp_path)
    record = synthetic_study(library, synthetic_spec())
    split = Analysis(tally_study(library.open(record.id)), Settings.of(record.spec))
    for new, old in zip(
        analysis.compare(NAME).points("cirs"), split.compare(NAME).points("cirs"), strict=True
    ):
        assert new.acr.value >= old.acr.value


def test_what_is_said_about_an_input_holds_together(made):
    record, analysis = made
    table = why_table(record, analysis, NAME, 2)
    some = table[table["branch"] == "incremental"]
    assert some["why"].str.contains("together with the number of hits this leaves P >=").all()
    # Both bounds hold whenever the certificate does, and give no more than it.
    assert (some["p_A bound"] * (1 - some["leave bound"]) <= some["bound"]).all()
    assert len(plan_table(record, analysis, NAME)) == len(table)
