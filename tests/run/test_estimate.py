from dataclasses import replace

import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.run.estimate import estimate_study
from irs_core.run.plan import study_draws
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import ModelSpec, NoiseSpec
from irs_core.store import Library

# The synthetic machine takes a microsecond a draw.
RATE = 1e-6


@pytest.fixture
def library(tmp_path):
    library = Library(tmp_path / "store", tmp_path / "none")
    synthetic_study(library)
    return library


def estimate(library, **changes):
    return estimate_study(synthetic_spec(**changes), 60, library.studies())


def test_nothing_known_means_no_time(tmp_path):
    found = estimate(Library(tmp_path, tmp_path / "none"))
    assert (found.draws, found.stored, found.seconds) == (
        study_draws(synthetic_spec(), 60),
        0,
        None,
    )


def test_a_finished_study_needs_nothing(library):
    found = estimate(library)
    assert found.stored == found.draws
    assert found.seconds == 0


def test_more_draws_cost_the_difference(library):
    found = estimate(library, n=3000)
    assert found.draws - found.stored == 60 * 1000
    assert found.seconds == pytest.approx(60 * 1000 * RATE)


def test_another_compression_costs_what_the_original_costs(library):
    spec = synthetic_spec()
    more = replace(spec, compressions=(*spec.compressions, parse_compression("bf16")))
    found = estimate_study(more, 60, library.studies())
    assert found.seconds == pytest.approx(60 * (100 + 300 + 300) * RATE)


@pytest.mark.parametrize("changes", [{"noise": NoiseSpec(0.5, seed=8)}, {"noise": NoiseSpec(0.25)}])
def test_other_noise_shares_no_draws_but_the_rate(library, changes):
    found = estimate(library, **changes)
    assert found.stored == 0
    assert found.seconds == pytest.approx(found.draws * RATE)


def test_another_model_shares_nothing(library):
    found = estimate(library, model=ModelSpec("other.pt"))
    assert (found.stored, found.seconds) == (0, None)


def test_a_bundle_gives_rates_but_no_draws(library, tmp_path):
    bundle = tmp_path / "x.irs.zip"
    library.export(synthetic_spec().id, bundle)
    other = Library(tmp_path / "other", tmp_path / "none")
    other.import_bundle(bundle)
    found = estimate(other)
    assert found.stored == 0
    assert found.seconds == pytest.approx(found.draws * RATE)


def test_damaged_evidence_counts_as_not_stored(library):
    record = library.studies()[0].record
    (library.evidence_folder / record.base.evidence["estimate"] / "c" / "0" / "0").write_bytes(b"")
    found = estimate(library)
    assert found.draws - found.stored == 32 * 500
