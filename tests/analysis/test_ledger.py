"""What is said of a study's certificates is what its methods prove."""

import math
from dataclasses import replace

import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.ledger import (
    fresh_seed,
    spending,
    study_ledger,
    used_before,
    with_fixed_split,
)
from irs_core.methods.kit.cirs_plan import pilot_spec
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.settings import Settings
from irs_core.spec.study import NoiseSpec
from irs_core.store import Library

SETTINGS = Settings(0.01, 0.002, 0.99)


@pytest.mark.parametrize(
    ("changes", "claimed", "proven", "words"),
    [
        ({}, 0.012, 0.014, "0.012 as published, 0.014 proven in the worst case"),
        ({"methods": ("cirs",)}, 0.012, 0.012, "0.012, proven"),
        ({"methods": ("iss", "cirs")}, 0.012, 0.012, "0.012, proven"),
        ({"methods": ("irs", "cirs")}, 0.012, 0.014, "proven in the worst case"),
        ({"compressions": ()}, 0.01, 0.01, "0.01, proven"),
        ({"noise": NoiseSpec(0.5, kind="rounded")}, 0.012, 0.014, "worst case"),
        ({"noise": NoiseSpec(0.5, kind="discrete")}, 0.012, 1.0, "is not proven"),
    ],
)
def test_each_method_and_noise_has_its_own_statement(changes, claimed, proven, words):
    spec = synthetic_spec(alpha=SETTINGS.alpha, alpha_zeta=SETTINGS.alpha_zeta, **changes)
    found = study_ledger(spec)
    assert (found.claimed, found.proven) == pytest.approx((claimed, proven))
    assert words in found.sentence
    assert found.holds == (proven < 1)


def test_what_is_moved_after_looking_is_not_proven():
    spec = synthetic_spec()
    own = Settings.of(spec)
    assert study_ledger(spec, own).holds
    for settings in (replace(own, gamma=0.9), replace(own, alpha=0.01)):
        found = study_ledger(spec, settings)
        assert not found.holds
        assert "exploring: not proven at" in found.sentence
    # Gamma changes no certificate of CIRS; with a baseline, those of IRS are shown beside them.
    spec = synthetic_spec(methods=("cirs",), baseline=False)
    assert study_ledger(spec, replace(own, gamma=0.9)).holds
    spec = synthetic_spec(methods=("cirs",))
    assert study_ledger(spec, replace(own, gamma=0.9)).moved == ("gamma = 0.9",)


def test_the_best_of_several_models_is_paid_for():
    found = study_ledger(synthetic_spec(methods=("cirs",)))
    assert found.chosen == pytest.approx(2 * 0.002)
    assert any("best of the 2 compressed models" in one for one in found.conditions)


def test_studies_on_the_same_draws_are_named(tmp_path):
    library = Library(tmp_path)
    first = synthetic_study(library, synthetic_spec(n=500, n_p=(100,)))
    elsewhere = NoiseSpec(0.5, seed=8)
    other = synthetic_study(library, synthetic_spec(n=500, n_p=(50,), noise=elsewhere))
    records = [first, other]
    again = synthetic_spec(n=1000, n_p=(100,))
    assert used_before(again, records) == (first,)
    found = study_ledger(again, records=records)
    assert found.earlier == (first.id,)
    assert found.repeats == (other.id,)
    assert any(first.id[:6] in one and "fresh seed" in one for one in found.conditions)
    # Other inputs, other noise, other models are other draws.
    for changes in (
        {"data": replace(again.data, start=40)},
        {"noise": NoiseSpec(0.25, seed=7)},
        {"compressions": ()},
    ):
        different = replace(again, **changes)
        assert bool(used_before(different, records)) == (not different.compressions)
    # More inputs share the draws of the first ones.
    assert used_before(replace(again, data=replace(again.data, max=50)), records) == (first,)


def test_repeats_on_fresh_draws_share_one_failure_probability(tmp_path):
    library = Library(tmp_path)
    spec = synthetic_spec(n=500, n_p=(100,))
    records = []
    spent = 0.0
    for _ in range(3):
        made = spending(spec, records)
        assert not used_before(made, records)
        spent += made.alpha
        records.append(synthetic_study(library, made))
    assert spent < spec.alpha
    assert fresh_seed(spec, records) == 3
    assert records[1].spec.alpha == pytest.approx(6 / math.pi**2 / 4 * spec.alpha)


def test_the_split_of_cirs_follows_no_n_p():
    spec = synthetic_spec(methods=("cirs",))
    assert study_ledger(spec).follows_n_p
    fixed = with_fixed_split(spec)
    assert not study_ledger(fixed).follows_n_p
    assert with_fixed_split(replace(spec, n_p=(50,))).split_draws == fixed.split_draws
    # Draws for IRS serve CIRS as well.
    assert with_fixed_split(synthetic_spec()).split_draws == fixed.split_draws
    alone = synthetic_spec(compressions=())
    assert with_fixed_split(alone) == alone


def test_a_study_that_stopped_after_looks_was_seen(tmp_path):
    library = Library(tmp_path)
    looked = synthetic_study(library, synthetic_spec(methods=("cirs",), looks=True))
    stopped = replace(looked, finished=False, digests={})
    again = replace(stopped.spec, looks=False)
    assert used_before(again, [stopped]) == (stopped,)
    assert study_ledger(again, records=[stopped]).earlier == (stopped.id,)
    assert spending(again, [stopped]).alpha == pytest.approx(6 / math.pi**2 / 4 * again.alpha)
    # Without looks nothing of an unfinished study was to be seen.
    unseen = replace(stopped, spec=replace(again, n_p=(50,)))
    assert used_before(again, [unseen]) == ()


def test_another_cache_on_the_same_draws_repeats_the_original(tmp_path):
    spec = synthetic_spec(n=500, n_p=(100,))
    first = synthetic_study(Library(tmp_path), spec)
    further = replace(spec, compressions=(parse_compression("int8-dynamic"),))
    # Of the very same cache a further model makes a further statement, not the same one again.
    assert used_before(further, [first]) == ()
    for changes in ({"n": 1000}, {"n0": 50}, {"alpha": 0.01}, {"alpha_zeta": 0.01}):
        assert used_before(replace(further, **changes), [first]) == (first,)


def test_the_best_of_repeats_states_the_sum_of_their_levels(tmp_path):
    spec = synthetic_spec(n=500, n_p=(100,), methods=("cirs",))
    plain = synthetic_study(Library(tmp_path), spec)
    repeat = spending(spec, [plain])
    found = study_ledger(repeat, records=[plain])
    share = 1 + 6 / math.pi**2 / 4
    assert found.repeated == pytest.approx(2 * 0.002 * share)
    assert any(f"{found.repeated:g}" in one for one in found.conditions)


@pytest.mark.parametrize(
    ("changes", "count", "best"),
    [
        # RS, IRS and ISS at three budgets, CIRS at four below them as well.
        ({}, 16, 3 * (0.002 + 0.003 + 0.002) + 7 * 0.002),
        ({"looks": True}, 16, 3 * (0.002 + 0.003 + 0.002) + (1 + 4 / 4) * 0.002),
        ({"methods": ("cirs",), "baseline": False, "n_p": (8,)}, 1, 0.002),
        ({"compressions": ()}, 1, 0.001),
    ],
)
def test_the_best_point_of_a_curve_is_paid_for(changes, count, best):
    found = study_ledger(synthetic_spec(**changes))
    assert (found.points, found.best) == (count, pytest.approx(best))
    assert any("model's curves" in one for one in found.conditions) == (count > 1)


def test_what_follows_n_p_is_named():
    irs = study_ledger(synthetic_spec(baseline=False))
    assert irs.follows_n_p == ("zeta of IRS",)
    # With the baseline CIRS speaks for the models of a study that asked for IRS.
    both = study_ledger(synthetic_spec())
    assert len(both.follows_n_p) == 2
    assert study_ledger(synthetic_spec(compressions=())).follows_n_p == ()


def test_a_pilot_whose_forecasts_could_be_seen_is_named(tmp_path):
    library = Library(tmp_path)
    record = synthetic_study(library, synthetic_spec(n=500, n_p=(100,)))
    spec = with_fixed_split(synthetic_spec(n=500, n_p=(100,), methods=("cirs",)))
    record = replace(record, spec=spec)

    def found(created, **changes):
        pilot = replace(record, spec=pilot_spec(replace(spec, **changes)), created=created)
        return study_ledger(spec, None, [record], pilots=[pilot])

    before, after = "2024-05-06T00:00:00+00:00", "2024-05-08T00:00:00+00:00"
    said = found(before)
    assert any("A pilot made forecasts from these draws before" in one for one in said.conditions)
    # A smaller cache is part of the same draws.
    assert found(before, n=200).piloted
    # That of the study itself; one that came later; other draws, other inputs.
    for one in (
        found(record.created),
        found(after),
        found(before, noise=NoiseSpec(0.5, seed=8)),
        found(before, data=replace(spec.data, split="train")),
        study_ledger(spec, None, [record]),
    ):
        assert not one.piloted
        assert not any("pilot" in each for each in one.conditions)


@pytest.mark.parametrize(
    ("methods", "convention", "said"),
    [
        (("irs", "seq"), "two-sided", True),
        (("irs", "seq"), "one-sided", False),
        (("cirs",), "two-sided", False),
    ],
)
def test_draws_that_stopped_on_two_sided_radii_leave_decisions_open(methods, convention, said):
    radii = (0.25,) if "seq" in methods else ()
    spec = synthetic_spec(methods=methods, radii=radii, convention=convention)
    sentence = "Decisions use one-sided radii, so some inputs stay open"
    assert any(sentence in one for one in study_ledger(spec).decision_conditions) is said
