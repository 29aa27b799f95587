"""Studies that are asked for two-sided radii draw what these need, and no more."""

from dataclasses import replace

import numpy as np
import pytest
from units import SPEC

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.tally import count_study, observed_models
from irs_core.certify import few_selected
from irs_core.methods.cirs import counts_of
from irs_core.methods.kit.observed import gaps_of
from irs_core.methods.kit.seq_steps import TYPICAL, asked_two_sided
from irs_core.run.study import run_study
from irs_core.spec.settings import Settings
from irs_core.stats import anytime_upper, binomial_upper_bound
from irs_core.stats.budget import split_alpha
from irs_core.store import Library

BARE = replace(SPEC, baseline=False, n_p=(50, 100), convention="two-sided")


def ran(folder, spec):
    library = Library(folder)
    record = run_study(spec, library)
    study = library.open(record.id)
    return study, Analysis(count_study(study), Settings.of(spec))


def test_cirs_draws_all_of_the_first_draws_where_few_selection_draws_gave_the_class(tmp_path):
    spec = replace(BARE, methods=("cirs",))
    study, analysis = ran(tmp_path, spec)
    for one in observed_models(study):
        made = analysis.certify(one.name, "cirs", 1)
        both = np.isfinite(made.other_upper)
        plan = counts_of(analysis.tally.compressed[one.name]).plans[-1]
        expected = few_selected(one.original.selected, spec.n0) & (plan.draws > 0)
        np.testing.assert_array_equal(both, expected[analysis.rows])
        assert both.any()
        stored = ~gaps_of(one.read("estimate", 100)[analysis.rows])
        assert stored[both].all()
        # The others are run on hits alone, a chunk at a time.
        np.testing.assert_array_equal(
            made.n_samples[~both], plan.draws[analysis.rows][~both] + plan.pilot
        )


def test_seq_asks_hopeless_inputs_with_both_bounds_and_stops(tmp_path):
    radii, sigma = (0.2,), BARE.noise.sigma
    spec = replace(BARE, methods=("seq",), radii=radii, n_p=(200,))
    study, analysis = ran(tmp_path, spec)
    usual = Analysis(analysis.tally, analysis.settings.one_sided)
    for one in observed_models(study):
        made, before = analysis.certify(one.name, "seq", 0), usual.certify(one.name, "seq", 0)
        asked = asked_two_sided(one.original.selected, spec.n0, np.array(radii), sigma)
        asked = asked[analysis.rows]
        np.testing.assert_array_equal(np.isfinite(made.other_upper), asked)
        # One-sided draws are made for the others alone.
        assert (before.n_samples[asked] == 0).all()
        np.testing.assert_array_equal(made.radius[~asked], before.radius[~asked])
        own = analysis.tally.compressed[one.name].own["seq"]
        assert (own.open == 0).all()
        assert set(made.n_samples[asked].tolist()) <= {0, 60, 120, 200}
        for at in np.flatnonzero(asked & (made.n_samples > 0)):
            row = np.flatnonzero(analysis.rows)[at]
            drawn = int(made.n_samples[at])
            high = _bound(one, int(row), int(made.candidate[at]), drawn, spec)
            assert made.other_upper[at] == pytest.approx(min(high, 1 - made.p_lower[at]), rel=1e-9)


def _bound(one, row, candidate, drawn, spec):
    """The bound on the other classes in words, a class at a time."""
    b1, b2 = split_alpha(spec.n, TYPICAL, (spec.alpha + spec.alpha_zeta) / 2)
    f, g = one.original.estimation[row], one.read("estimate", drawn)[row]
    found = []
    for each in set(range(10)) - {candidate}:
        arrived = int(((g == each) & (f[:drawn] != each)).sum())
        known = float(binomial_upper_bound(int((f == each).sum()), spec.n, b1))
        found.append(known + float(anytime_upper(arrived, drawn, b2)))
    return min(max(found), 1.0)
