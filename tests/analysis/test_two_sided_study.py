"""Two-sided radii of a stored study: what is certified, what is said of it, and what is refused."""

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import beta, norm
from synthetic import stored_predictions, synthetic_spec, synthetic_study

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import preset_requirement, study_decision
from irs_core.analysis.equal_draws import at_draws, equal_draws, read_prefixes
from irs_core.analysis.ledger import study_ledger
from irs_core.analysis.tally import observed_models, tally_study
from irs_core.analysis.tsv import certificates_tsv
from irs_core.analysis.why import why_table
from irs_core.errors import DatasetError, MissingEvidenceError, SpecError
from irs_core.methods.kit.counts import UNKNOWN
from irs_core.methods.kit.groups import GROUPS, arrival_counts, group_counts, group_of_classes
from irs_core.report import TABLES, study_table
from irs_core.report.cohen import parse_cohen
from irs_core.report.html import html_report
from irs_core.report.model_card import model_card
from irs_core.report.one_page import sheet
from irs_core.spec.settings import Settings
from irs_core.spec.study import StudySpec
from irs_core.stats.budget import split_alpha
from irs_core.store import Library

NAME = "prune:0.1"
N, N_P, LEVEL, SIGMA = 1500, (60, 150, 300), 0.002, 0.5


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("two"))
    record = synthetic_study(library, synthetic_spec(n=N, n_p=N_P), skewed=True)
    return library.open(record.id)


@pytest.fixture(scope="module")
def one(study):
    return Analysis(tally_study(study), Settings.of(study.record.spec))


@pytest.fixture(scope="module")
def two(one):
    return Analysis(one.tally, replace(one.settings, convention="two-sided"))


@pytest.fixture(scope="module")
def raw(study):
    return stored_predictions(study)


def lower(k: int, n: int, alpha: float) -> float:
    return 0.0 if k == 0 else float(beta.ppf(alpha, k, n - k + 1))


def upper(k: int, n: int, alpha: float) -> float:
    return 1.0 if k == n else float(beta.isf(alpha, k + 1, n - k))


def literal(low: float, high: float) -> float:
    high = min(high, 1 - low)
    return max(0.0, SIGMA / 2 * (norm.ppf(low) - norm.ppf(high))) if low > 0 else 0.0


def from_scratch(selection, estimation, alpha: float) -> float:
    """The rule in words, an input at a time."""
    votes, counts = Counter(selection.tolist()), Counter(estimation.tolist())
    top = min(votes, key=lambda each: (-votes[each], each))
    n = len(estimation)
    if votes[top] >= 0.85 * len(selection):
        low = lower(counts[top], n, alpha)
        return SIGMA * norm.ppf(low) if low > 0.5 else 0.0
    others = [upper(count, n, alpha / 2) for each, count in counts.items() if each != top]
    return literal(lower(counts[top], n, alpha / 2), max([*others, upper(0, n, alpha / 2)]))


def test_radii_of_the_original_are_those_of_a_literal_recount(two, raw):
    rows = np.flatnonzero(two.rows)
    expected = [
        from_scratch(raw["base"]["select"][row], raw["base"]["estimate"][row], two.settings.alpha)
        for row in rows
    ]
    np.testing.assert_allclose(two.base.radius, expected, atol=1e-9)
    assert two.base.provable_failure == two.settings.alpha


@pytest.mark.parametrize("budget", [0, 2])
def test_radii_of_rs_are_those_of_a_literal_recount(two, raw, budget):
    made, rows = two.certify(NAME, "rs", budget), np.flatnonzero(two.rows)
    expected = [
        from_scratch(
            raw[NAME]["scratch-select"][row],
            raw[NAME]["scratch-estimate"][row, : N_P[budget]],
            LEVEL,
        )
        for row in rows
    ]
    np.testing.assert_allclose(made.radius, expected, atol=1e-9)


def test_radii_of_cirs_bound_what_moves_to_every_other_class(one, two, raw):
    got, usual = two.certify(NAME, "cirs", 2), one.certify(NAME, "cirs", 2)
    both = np.isfinite(got.other_upper)
    assert both.any()
    assert not both.all()
    b1, b2 = split_alpha(N, N_P[-1], LEVEL / 2)
    for at in np.flatnonzero(both):
        row = np.flatnonzero(two.rows)[at]
        f, g = raw["base"]["estimate"][row], raw[NAME]["estimate"][row]
        top, early = got.candidate[at], f[: N_P[-1]]
        bounds = [
            upper(int((f == each).sum()), N, b1)
            + upper(int(((g == each) & (early != each)).sum()), N_P[-1], b2)
            for each in range(10)
            if each != top
        ]
        high = min(max(bounds), 1 - got.p_lower[at], 1.0)
        assert got.other_upper[at] == pytest.approx(high, rel=1e-9)
        expected = literal(float(got.p_lower[at]), high)
        assert got.radius[at] == pytest.approx(expected, abs=1e-9)
    np.testing.assert_array_equal(got.radius[~both], usual.radius[~both])
    # The answers that hits do not show are paid for.
    assert (got.n_samples[both] > usual.n_samples[both]).all()
    np.testing.assert_array_equal(got.n_samples[~both], usual.n_samples[~both])
    seconds = two.seconds_per_input(NAME, "cirs", 2) - one.seconds_per_input(NAME, "cirs", 2)
    assert (seconds[both] > 0).all()
    assert (seconds[~both] == 0).all()


def test_reasons_under_cirs_multiply_to_the_bound(study, two):
    table = why_table(study.record, two, NAME, 2)
    incremental = table[(table["branch"] == "incremental").to_numpy()]
    product = incremental["p_A bound"] * (1 - incremental["leave bound"])
    np.testing.assert_allclose(product, incremental["bound"], rtol=1e-12)
    both = np.isfinite(two.certify(NAME, "cirs", 2).other_upper)
    assert both[incremental.index].any()
    assert not both[incremental.index].all()


def test_arrivals_are_counted_over_draws_that_no_count_of_f_chose(tmp_path):
    """Where n_p may follow f's counts, the prefix is that which the split is made for."""
    library = Library(tmp_path)
    spec = synthetic_spec(n=N, n_p=N_P, split_draws=90, bound="joint", convention="two-sided")
    study = library.open(synthetic_study(library, spec, skewed=True).id)
    analysis = Analysis(tally_study(study), Settings.of(spec))
    one = next(each for each in observed_models(study) if each.name == NAME)
    f, g = one.original.estimation[:, :90], one.read("estimate", 90)
    own = analysis.tally.compressed[NAME].own["cirs"]
    assert set(own.prefixes.tolist()) == {90}
    top = one.original.candidate[:, None]
    # Whatever the group, an arrival is a class that f did not give, and not the candidate.
    np.testing.assert_array_equal(
        own.arrivals[:, -1].sum(axis=1), ((g != f) & (g != top)).sum(axis=1)
    )
    chosen = np.where(own.plans[-1].direct, 0, own.plans[-1].draws)
    hits = np.cumsum(f == top, axis=1)[:, -1]
    np.testing.assert_array_equal(own.more[:, -1], 90 - np.minimum(hits, chosen))
    made = analysis.certify(NAME, "cirs", 2)
    assert np.isfinite(made.other_upper).any()


def test_two_sided_radii_are_larger_on_the_whole(one, two):
    assert two.summary("base").acr.value > one.summary("base").acr.value
    assert two.summary(NAME).acr.value > one.summary(NAME).acr.value


def test_which_radii_are_two_sided_follows_no_counted_draw(two):
    """Neither those of f nor those of f^p; only which inputs get draws at all does."""
    counts = two.tally.compressed[NAME]
    replace(counts, scratch_hits=0 * counts.scratch_hits)
    moved = replace(
        two.tally,
        base=replace(two.tally.base, hits=two.tally.base.hits // 2),
        compressed={
            **two.tally.compressed,
            NAME: replace(counts, scratch_hits=0 * counts.scratch_hits),
        },
    )
    other = Analysis(moved, two.settings)
    for first, second in (
        (two.base, other.base),
        (two.certify(NAME, "rs", 0), other.certify(NAME, "rs", 0)),
        (two.certify(NAME, "cirs", 0), other.certify(NAME, "cirs", 0)),
    ):
        np.testing.assert_array_equal(np.isnan(first.other_upper), np.isnan(second.other_upper))


def test_methods_without_two_sided_radii_are_left_out_and_say_so(one, two):
    assert set(one.methods(NAME)) == {"rs", "irs", "iss", "cirs"}
    assert two.methods(NAME) == ["rs", "cirs"]
    with pytest.raises(MissingEvidenceError, match="IRS has one-sided radii only"):
        two.certify(NAME, "irs", 0)
    assert set(two.compare(NAME).curves) == {"rs", "cirs"}


def test_draws_that_are_missing_are_named(two):
    own = two.tally.compressed[NAME].own
    lost = replace(own["cirs"], arrivals=np.full_like(own["cirs"].arrivals, UNKNOWN))
    counts = replace(two.tally.compressed[NAME], own={**own, "cirs": lost})
    bare = replace(two.tally, compressed={NAME: counts})
    with pytest.raises(
        MissingEvidenceError, match=r"two-sided radii of CIRS .* run the study with"
    ):
        Analysis(bare, two.settings).certify(NAME, "cirs", 0)
    assert Analysis(bare, two.settings.one_sided).has(NAME, "cirs")


def test_no_table_mixes_conventions_without_saying_so(study, one, two):
    for table in TABLES:
        usual = study_table(study.record, one, table)
        assert "convention" not in usual
        if table == "zeta":
            continue
        frame = study_table(study.record, two, table)
        assert set(frame["convention"]) == {"two-sided"}
        if "method" in frame:
            assert set(frame["method"]) <= {"rs", "cirs"}
    inputs = study_table(study.record, two, "inputs")
    assert np.isnan(inputs["other_upper"]).any()
    assert np.isfinite(inputs["other_upper"]).any()


def test_equal_draws_follow_the_convention(study, one, two):
    usual, found = equal_draws(one, NAME), equal_draws(two, NAME)
    assert found.base is two.base
    np.testing.assert_array_equal(
        np.isfinite(found.model.other_upper), np.isfinite(found.original.other_upper)
    )
    assert found.compressed.mean() > usual.compressed.mean()
    at = at_draws(two, read_prefixes(study, two, NAME, (N_P[-1],)), N_P[-1])
    np.testing.assert_allclose(at.compressed, found.compressed)
    np.testing.assert_allclose(at.equal, found.equal)


def test_decisions_use_one_sided_radii_always(study, one, two):
    asked = preset_requirement(0.2)
    first = study_decision(study.record, one, NAME, asked)
    assert study_decision(study.record, two, NAME, asked) == first


def test_files_and_sentences_name_the_convention(study, one, two):
    text = certificates_tsv(study.record, two, NAME)
    head, first, *_ = text.splitlines()
    assert head.endswith("time\tconvention")
    assert first.endswith("\ttwo-sided")
    with pytest.raises(DatasetError, match="two-sided radii, which do not compare"):
        parse_cohen(text.encode(), "mine")
    with_origin = certificates_tsv(study.record, two, NAME, banner="somebody's")
    assert with_origin.splitlines()[0].endswith("convention\torigin")
    assert "convention" not in certificates_tsv(study.record, one, NAME)
    ledger = study_ledger(study.record.spec, two.settings)
    page = html_report(study.record, two, ledger=ledger)
    assert "Two-sided radii:" in page
    assert "pixel units, two-sided" in page
    assert "which decisions about a model always use" in page
    card = model_card(study.record, two, ledger=ledger, flags=(), banner="")
    assert "Radii: Two-sided radii" in card


def test_a_convention_that_was_chosen_later_is_no_proof(study, one, two):
    spec = study.record.spec
    assert study_ledger(spec, two.settings).moved == ("two-sided radii",)
    asked = replace(spec, convention="two-sided")
    ledger = study_ledger(asked)
    assert ledger.holds
    assert "two-sided radii" in ledger.sentence
    assert not study_ledger(spec).moved
    assert not study_ledger(asked, one.settings).holds


def test_a_study_keeps_its_convention():
    spec = synthetic_spec()
    assert "convention" not in spec.to_dict()
    asked = replace(spec, convention="two-sided")
    assert asked.id != spec.id
    assert StudySpec.from_dict(asked.to_dict()) == asked
    assert Settings.of(asked).convention == "two-sided"
    with pytest.raises(SpecError, match="convention must be one of one-sided, two-sided; got 'x'"):
        replace(spec, convention="x")
    with pytest.raises(SpecError, match="radii must be one-sided or two-sided; got 'x'"):
        replace(Settings.of(spec), convention="x")


def test_groups_hold_every_other_class_once():
    rng = np.random.default_rng(0)
    selection = rng.integers(0, 30, (5, 100)).astype(np.uint8)
    candidate = np.array([np.bincount(row).argmax() for row in selection])
    groups = group_of_classes(selection, candidate)
    for row, top in enumerate(candidate):
        assert groups[row, top] == GROUPS
        votes = np.bincount(selection[row], minlength=30)
        alone = [int(np.flatnonzero(groups[row] == one)[0]) for one in range(GROUPS - 1)]
        assert all((groups[row] == one).sum() == 1 for one in range(GROUPS - 1))
        rest = np.flatnonzero(groups[row] == GROUPS - 1)
        assert min(votes[alone]) >= max(votes[rest])
        assert len({*alone, *rest, top}) == groups.shape[1]


def test_counts_of_groups_are_those_of_a_loop():
    rng = np.random.default_rng(1)
    base, model = rng.integers(0, 40, (2, 4, 60)).astype(np.uint8)
    model[2, 20] = 255
    selection = rng.integers(0, 12, (4, 30)).astype(np.uint8)
    groups = group_of_classes(selection, np.array([0, 1, 2, 3]))
    budgets = np.array([7, 60])

    def group(row: int, answer: int) -> int:
        # Classes that no selection draw gave are in the last group.
        return int(groups[row, answer]) if answer < groups.shape[1] else GROUPS - 1

    counts, moved = (
        group_counts(groups, model, budgets),
        arrival_counts(groups, base, model, budgets),
    )
    for row in range(4):
        for at, budget in enumerate(budgets):
            if row == 2 and budget > 20:
                assert (counts[row, at] == UNKNOWN).all()
                assert (moved[row, at] == UNKNOWN).all()
                continue
            pairs = [
                (group(row, int(f)), group(row, int(g)))
                for f, g in zip(base[row, :budget], model[row, :budget], strict=True)
            ]
            for each in range(GROUPS):
                assert counts[row, at, each] == sum(g == each for _, g in pairs)
                assert moved[row, at, each] == sum(g == each != f for f, g in pairs)


def test_the_sheet_of_a_decision_is_that_of_one_sided_radii(tmp_path):
    library = Library(tmp_path)
    made = [
        synthetic_study(library, synthetic_spec(n=N, n_p=N_P, convention=each), skewed=True)
        for each in ("one-sided", "two-sided")
    ]
    sheets = []
    for record in made:
        analysis = Analysis(tally_study(library.open(record.id)), Settings.of(record.spec))
        asked = preset_requirement(0.2)
        decision = study_decision(record, analysis, NAME, asked)
        page = sheet(record, analysis, NAME, decision, ledger=study_ledger(record.spec), made="x")
        said = page.replace(record.id, "").replace("; two-sided radii", "")
        # Fewer words leave the picture more room.
        sheets.append(re.sub(r"(height|font-size):[\d.]+(mm|pt)", "", said))
    assert sheets[0] == sheets[1]
