"""IRS, ISS and CIRS where f^p computes in integers, on noise of the pixel grid."""

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import beta

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.tally import tally_study
from irs_core.approx.integer_form import integer_form
from irs_core.data import load_dataset
from irs_core.errors import CancelledError
from irs_core.integer.files import write_network
from irs_core.integer.reference import reference_scores
from irs_core.models import load_model
from irs_core.run.calibration import calibration_images
from irs_core.run.options import RunOptions
from irs_core.run.study import run_study
from irs_core.sampling.noise import noise_blocks, noisy
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.settings import Settings
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.stats import iss_allocation
from irs_core.stats.budget import split_alpha
from irs_core.store import Library

INPUTS, HELD_OUT, N0, N = 8, 2, 20, 300
SPEC = StudySpec(
    model=ModelSpec("shipped:digits-0.50"),
    data=DataSpec(max=INPUTS, holdout=HELD_OUT),
    noise=NoiseSpec(0.5, seed=5, kind="rounded"),
    compressions=(parse_compression("integer"),),
    n0=N0,
    n=N,
    n_p=(40, 100),
    alpha=0.02,
    alpha_zeta=0.03,
    gamma=0.9,
    methods=("irs", "iss", "cirs"),
)
LEVEL = 0.05
HERE = RunOptions(backend="torch")
STREAMS = ("select", "estimate", "scratch-select", "scratch-estimate")


def integer_network(spec):
    """The integer network that a study makes, made again."""
    dataset = load_dataset(spec.data)
    images, _ = calibration_images(spec, dataset, unseen=True)
    return integer_form(
        load_model(spec.model).module,
        spec.compressions[0],
        calibration=images,
        scale=16,
        input_shape=(1, 8, 8),
    )


class Ran:
    """A finished study with all that is stored of it, read draw by draw."""

    def __init__(self, spec, library, network):
        self.spec, self.network = spec, network
        self.record = run_study(spec, library, options=HERE)
        self.study = library.open(self.record.id)
        self.analysis = Analysis(tally_study(self.study), Settings.of(spec))
        self.name = str(spec.compressions[0])
        self.f = self._answers(self.record.base)
        self.g = self._answers(self.record.compressed[0])
        self.missing = 255

    def _answers(self, model):
        return {
            stream: self.study.evidence(key).read(N).tolist()
            for stream, key in model.evidence.items()
        }


@pytest.fixture(
    scope="module",
    params=[(f, kind) for f in ("float", "integer") for kind in ("rounded", "discrete")],
    ids="-".join,
)
def ran(request, tmp_path_factory):
    f, kind = request.param
    folder = tmp_path_factory.mktemp("integer")
    spec = replace(SPEC, noise=replace(SPEC.noise, kind=kind))
    network = integer_network(spec)
    if f == "integer":
        path = folder / "f.safetensors"
        write_network(path, network)
        spec = replace(
            spec, model=ModelSpec(str(path)), compressions=(parse_compression("integer:4"),)
        )
        network = integer_network(spec)
    return Ran(spec, Library(folder / "store"), network)


def lower(k, n, level):
    return 0.0 if k == 0 else float(beta.ppf(level, k, n - k + 1))


def upper(k, n, level):
    return 1.0 if k == n else float(beta.ppf(1 - level, k + 1, n - k))


def winner(answers):
    counts = [answers.count(one) for one in range(10)]
    return counts.index(max(counts))


def check(certificates, row, expected_class, bound):
    assert certificates.p_lower[row] == pytest.approx(bound, abs=1e-9)
    certified = bound > 0.5
    assert certificates.predicted[row] == (expected_class if certified else -1)
    radius = 0.5 * NormalDist().inv_cdf(bound) if certified else 0.0
    assert certificates.radius[row] == pytest.approx(radius, abs=1e-9)


def test_every_stored_answer_is_the_reference_s(ran):
    dataset = load_dataset(ran.spec.data)
    seen = 0
    for stream in STREAMS:
        for row, answers in enumerate(ran.g[stream]):
            noise = noise_blocks(
                ran.spec.noise,
                stream,
                int(dataset.indices[row]),
                0,
                shape=(1, 8, 8),
                scale=16,
                stop=N,
            )
            steps = noisy(dataset.pixels[row], np.concatenate(list(noise)), 16, steps=True)
            stored = np.array(answers) != ran.missing
            if not stored.any():
                continue
            expected = reference_scores(ran.network, steps[stored]).argmax(axis=1)
            np.testing.assert_array_equal(np.array(answers)[stored], expected)
            seen += stored.sum()
    assert seen > INPUTS * (N0 + 2 * 100)


@pytest.mark.parametrize("budget", [0, 1])
def test_irs_is_the_published_rule(ran, budget):
    n_p, made = ran.spec.n_p[budget], ran.analysis.certify(ran.name, "irs", budget)
    for row in range(INPUTS):
        candidate = winner(ran.f["select"][row][:N0])
        p_lower = lower(ran.f["estimate"][row].count(candidate), N, 0.02)
        if p_lower < 0.9:
            pairs = zip(ran.f["estimate"][row][:n_p], ran.g["estimate"][row][:n_p], strict=True)
            bound = p_lower - upper(sum(a != b for a, b in pairs), n_p, 0.03)
        else:
            bound = lower(ran.g["scratch-estimate"][row][:n_p].count(candidate), n_p, LEVEL)
        check(made, row, candidate, max(bound, 0.0))


@pytest.mark.parametrize("budget", [0, 1])
def test_iss_counts_its_own_draws(ran, budget):
    n_p, made = ran.spec.n_p[budget], ran.analysis.certify(ran.name, "iss", budget)
    for row in range(INPUTS):
        selected = ran.g["scratch-select"][row][:N0]
        candidate = winner(selected)
        (size,) = iss_allocation(
            [selected.count(candidate)], k0=N0, k_max=n_p, sigma=0.5, alpha=LEVEL, decline=0.05
        )
        hits = ran.g["scratch-estimate"][row][:size].count(candidate)
        assert made.n_samples[row] == N0 + size
        check(made, row, candidate, lower(hits, size, LEVEL) if size else 0.0)


@pytest.mark.parametrize("budget", [0, 1])
def test_cirs_charges_what_leaves_the_class(ran, budget):
    n_p, made = ran.spec.n_p[budget], ran.analysis.certify(ran.name, "cirs", budget)
    plan = ran.analysis.tally.compressed[ran.name].own["cirs"].plans[budget - 2]
    a1, a2 = split_alpha(N, n_p - 5, LEVEL)
    for row in range(INPUTS):
        candidate, m = winner(ran.f["select"][row][:N0]), int(plan.draws[row])
        hits = [at for at, one in enumerate(ran.f["estimate"][row]) if one == candidate]
        assert made.n_samples[row] == m + 5
        bound = 0.0
        if m and len(hits) >= plan.threshold:
            bound = lower(ran.g["scratch-estimate"][row][:m].count(candidate), m, a1 + a2)
        elif m:
            answers = [ran.g["estimate"][row][at] for at in hits[:m]]
            assert ran.missing not in answers
            left = sum(one != candidate for one in answers)
            bound = lower(len(hits), N, a1) * (1 - upper(left, m, a2))
        check(made, row, candidate, bound)


def test_something_is_certified_by_every_method(ran):
    for method in ("rs", "irs", "iss", "cirs"):
        assert (ran.analysis.certify(ran.name, method, 1).radius > 0).sum() >= 3, method


def test_a_cancelled_run_resumes_to_equal_digests(ran, tmp_path):
    library, reports = Library(tmp_path), []
    total = 0

    def stop():
        nonlocal total
        total += 1
        return total > 4

    with pytest.raises(CancelledError):
        run_study(ran.spec, library, options=HERE, on_progress=reports.append, should_stop=stop)
    assert 0 < reports[-1].done < reports[-1].total
    assert run_study(ran.spec, library, options=HERE).digests == ran.record.digests
