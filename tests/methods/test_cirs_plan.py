"""What a plan of CIRS may know, and that it says what the certificate does."""

from dataclasses import replace

import numpy as np
import pytest
from synthetic import synthetic_spec

from irs_core.methods.kit.cirs_plan import cached_counts, study_planner
from irs_core.spec.study import NoiseSpec

CANDIDATE = np.array([1, 2])


def counted(spec, estimation, pilot=None, selection=None):
    selection = np.array([[1, 1, 0, 3], [2, 0, 0, 2]]) if selection is None else selection
    pilot = np.array([[1, 4, 1], [2, 2, 2]]) if pilot is None else pilot
    return cached_counts(
        spec,
        candidate=CANDIDATE,
        selection=selection.astype(np.uint8),
        estimation=estimation.astype(np.uint8),
        pilot=pilot.astype(np.uint8),
        reported=np.array([True, True]),
    )


def test_counts_of_the_pilot_by_hand():
    spec = synthetic_spec(methods=("cirs",), n=4, n0=4, n_p=(2,))
    found = counted(spec, np.array([[1, 1, 1, 0], [2, 2, 2, 2]]))
    assert found.selected.tolist() == [2, 2]
    assert found.hits.tolist() == [3, 4]
    # f: 1 1 0 against f^p: 1 4 1; then 2 0 0 against 2 2 2.
    assert found.agree.tolist() == [2, 1]
    assert found.leave.tolist() == [1, 0]
    assert found.arrive.tolist() == [1, 2]


@pytest.fixture
def big():
    rng = np.random.default_rng(3)
    spec = synthetic_spec(methods=("cirs",), n=400, n0=50, n_p=(40,), split_draws=40)
    favoured = np.array([[0.95], [0.8]])
    names = CANDIDATE[:, None]
    draws = [np.where(rng.random((2, n)) < favoured, names, 0) for n in (50, 400, 5)]
    return spec, draws


def test_plan_and_certificate_take_the_same_branch_at_the_threshold(big):
    spec, (selection, estimation, pilot) = big
    cached = counted(spec, estimation, pilot, selection)
    threshold = study_planner(spec, cached).plan(40.0).threshold
    assert 0 < threshold <= spec.n
    at = replace(cached, hits=np.array([threshold, threshold - 1]))
    plan = study_planner(spec, at).plan(40.0)
    assert plan.threshold == threshold
    assert plan.direct.tolist() == [True, False]


def test_inputs_that_share_noise_do_not_see_each_others_estimation_draws(big):
    spec, (selection, estimation, pilot) = big
    shared = replace(spec, noise=NoiseSpec(0.5, seed=7, group=2))
    cached = counted(shared, estimation, pilot, selection)
    # What the other input's estimation draws say changes no draw of this one.
    changed = replace(
        cached, hits=cached.hits - [0, 300], within=np.maximum(cached.within - [0, 150], 0)
    )
    budgets = [float(n_p) for n_p in range(8, 80, 4)]

    def draws(asked, counts):
        return [int(study_planner(asked, counts).plan(n_p).draws[0]) for n_p in budgets]

    assert draws(shared, changed) == draws(shared, cached)
    # Where inputs have noise of their own they may, and do.
    assert draws(spec, changed) != draws(spec, cached)


def test_levels_and_threshold_of_the_joint_bound_see_no_estimation_draw(big):
    spec, (selection, estimation, pilot) = big
    spec = replace(spec, bound="joint")
    cached = counted(spec, estimation, pilot, selection)
    other = replace(cached, hits=cached.hits // 2, within=cached.within // 2)
    one, two = (study_planner(spec, each).plan(40.0) for each in (cached, other))
    assert one.joint
    assert one.threshold == two.threshold
    assert one.supposed.draws.tolist() == two.supposed.draws.tolist()
    assert one.supposed.leavers.tolist() == two.supposed.leavers.tolist()
    assert one.draws.tolist() != two.draws.tolist()
    fewer = replace(cached, selected=cached.selected // 2)
    assert study_planner(spec, fewer).plan(40.0).supposed.draws.tolist() != []


def test_studies_from_before_the_joint_bound_keep_the_split(big):
    spec, (selection, estimation, pilot) = big
    described = spec.to_dict()
    assert "bound" not in described
    assert type(spec).from_dict(described).bound == "split"
    assert not study_planner(spec, counted(spec, estimation, pilot, selection)).plan(40.0).joint
