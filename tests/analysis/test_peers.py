"""Ways to certify on the same draws: what each needs for one result."""

import math
from dataclasses import replace

import numpy as np
import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.peer_curves import Curve, budgets_up_to, curves_of
from irs_core.analysis.peers import WAYS, _goals, compare_peers, least_draws
from irs_core.errors import MissingEvidenceError, UnknownKeyError
from irs_core.store import Library

NAME = "prune:0.1"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("peers"))
    return library.open(synthetic_study(library, synthetic_spec(n_p=(100, 300))).id)


@pytest.fixture(scope="module")
def found(study):
    return compare_peers(study, NAME)


def test_least_draws_are_read_off_between_points():
    draws, reached = np.array([10.0, 20.0, 40.0]), np.array([0.0, 5.0, 4.0])
    assert least_draws(draws, reached, 2.5) == 15
    assert least_draws(draws, reached, 0.0) == 10
    assert least_draws(draws, reached, 5.0) == 20
    assert math.isnan(least_draws(draws, reached, 5.1))
    # Where points come in another order, and one falls back.
    assert least_draws(draws[::-1], reached[::-1], 2.5) == 15
    assert math.isnan(least_draws(draws, np.full(3, np.nan), 0.1))


def test_every_way_has_a_curve_and_a_row(study, found):
    curves = dict(curves_of(study, NAME, (0.25,)))
    assert set(curves) == set(WAYS)
    assert [row.name for row in found.rows] == [title for title, _, _ in WAYS.values()]
    assert all(len(row.draws) == len(found.goals) == 6 for row in found.rows)


def test_results_are_those_of_rs(study, found):
    rs = dict(curves_of(study, NAME, (0.25,)))["rs"]
    assert rs.draws[-1, 0] == 300 + study.record.spec.n0
    first = next(row for row in found.rows if row.name == "RS")
    budgets = budgets_up_to(300)
    # Its ACR with all draws takes all of them; with a part, that part.
    assert first.draws[5] == 300 + study.record.spec.n0
    assert first.draws[3] - study.record.spec.n0 in budgets
    assert all(goal.value > 0 for goal in found.goals)


def test_every_way_has_the_whole_level_whatever_the_study_was_made_for(study):
    spec = replace(study.record.spec, methods=("irs", "seq"), radii=(0.25,))
    other = replace(spec, looks=True, tolerance=0.2, convention="two-sided")
    one, two = (
        dict(curves_of(replace(study, record=replace(study.record, spec=made)), NAME, (0.25, 0.5)))
        for made in (spec, other)
    )
    for way in WAYS:
        np.testing.assert_array_equal(one[way].draws, two[way].draws)
        np.testing.assert_array_equal(one[way].counts, two[way].counts)


def test_what_decides_at_a_radius_has_no_acr(found):
    for name in ("stages", "union", "betting", "seq"):
        row = next(one for one in found.rows if one.name == name)
        assert all(math.isnan(one) for one in row.draws[3:])
        assert any(math.isfinite(one) for one in row.draws[:3])


def test_reusing_draws_takes_fewer(found):
    rows = {row.name: row.draws for row in found.rows}
    assert rows["CIRS"][5] < rows["RS"][5]
    assert rows["seq"][0] < rows["RS"][0]


def test_the_original_and_other_names_are_refused(study):
    with pytest.raises(UnknownKeyError, match=r"peers are compared on .*prune:0\.1; got 'base'"):
        compare_peers(study, "base")


def test_missing_draws_are_named(tmp_path):
    library = Library(tmp_path)
    spec = synthetic_spec(n_p=(100, 300))
    study = library.open(synthetic_study(library, spec).id)
    model = next(one for one in study.record.models if one.name == NAME)
    for path in (study.folder / model.evidence["scratch-estimate"]).glob("c/*/*"):
        path.unlink()
    with pytest.raises(MissingEvidenceError, match="not all stored"):
        compare_peers(study, NAME)


def test_a_radius_that_rs_certifies_nowhere_is_no_result():
    first = Curve(np.ones((2, 2)), np.array([[9.0, 0.0], [10.0, 0.0]]), np.array([0.1, 0.2]))
    words = [goal.words for goal in _goals(first, (0.25, 9.0), 2)]
    assert words[0] == "10 inputs at 0.25"
    assert all(one.startswith("ACR") for one in words[1:])


def test_a_study_without_the_baseline_is_named_with_the_way_out(tmp_path):
    library = Library(tmp_path)
    spec = synthetic_spec(n_p=(100, 300), baseline=False, methods=("cirs",))
    study = library.open(synthetic_study(library, spec).id)
    with pytest.raises(MissingEvidenceError) as refused:
        compare_peers(study, NAME)
    assert str(refused.value) == (
        "ways to certify are compared with certifying from scratch, and study "
        f"{study.record.id} was made without that baseline (methods: cirs): name a study with it"
    )
