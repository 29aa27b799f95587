from dataclasses import replace

import numpy as np
import pytest

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.tally import tally_study
from irs_core.approx.integer_form import integer_form
from irs_core.data import load_dataset
from irs_core.errors import ApproximationError, CheckpointError, DatasetError
from irs_core.graphs.read import file_compression
from irs_core.integer.files import from_bytes, write_network
from irs_core.integer.reference import reference_scores
from irs_core.models import load_model
from irs_core.run.calibration import calibration_images
from irs_core.run.options import RunOptions
from irs_core.run.prepare import prepare
from irs_core.run.study import run_study
from irs_core.sampling.noise import noise_blocks, noisy
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.settings import Settings
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.store import BASE, Library

SPEC = StudySpec(
    model=ModelSpec("shipped:digits-0.50"),
    data=DataSpec(max=3, holdout=2),
    noise=NoiseSpec(0.5, seed=3, kind="rounded"),
    compressions=(parse_compression("integer"),),
    n0=20,
    n=120,
    n_p=(50, 100),
)
HERE = RunOptions(backend="torch")


@pytest.fixture(scope="module")
def own_network():
    """The integer network that the study makes, made again."""
    dataset = load_dataset(SPEC.data)
    images, _ = calibration_images(SPEC, dataset, unseen=True)
    module = load_model(SPEC.model).module
    return integer_form(
        module, SPEC.compressions[0], calibration=images, scale=16, input_shape=(1, 8, 8)
    )


def literal_answers(network, noise, rows, draws):
    """Answers of the reference on the study's estimation noise, one input at a time."""
    dataset = load_dataset(SPEC.data)
    found = []
    for row in range(rows):
        blocks = noise_blocks(
            noise, "estimate", int(dataset.indices[row]), 0, shape=(1, 8, 8), scale=16, stop=draws
        )
        values = np.concatenate(list(blocks))
        steps = noisy(dataset.pixels[row], values, 16, steps=True)
        found.append(reference_scores(network, steps).argmax(axis=1))
    return np.stack(found)


def answers(record, library, name, stream="estimate", draws=100):
    model = next(one for one in record.models if one.name == name)
    return library.open(record.id).evidence(model.evidence[stream]).read(draws)


@pytest.mark.parametrize("kind", ["rounded", "discrete"])
def test_a_study_stores_what_the_reference_answers(own_network, tmp_path, kind):
    spec = replace(SPEC, noise=replace(SPEC.noise, kind=kind))
    network = own_network
    if kind == "discrete":
        dataset = load_dataset(spec.data)
        images, _ = calibration_images(spec, dataset)
        network = integer_form(
            load_model(spec.model).module,
            spec.compressions[0],
            calibration=images,
            scale=16,
            input_shape=(1, 8, 8),
        )
    library = Library(tmp_path)
    record = run_study(spec, library, options=HERE)
    assert record.compressed[0].execution == "integer int8"
    expected = literal_answers(network, spec.noise, 5, 100)
    assert np.array_equal(answers(record, library, "integer"), expected)


def test_incremental_and_from_scratch_certificates(tmp_path):
    library = Library(tmp_path)
    record = run_study(SPEC, library, options=HERE)
    analysis = Analysis(tally_study(library.open(record.id)), Settings.of(SPEC))
    for method in ("rs", "irs", "iss", "cirs"):
        certificates = analysis.certify("integer", method, 1)
        assert len(certificates) == 3
        assert certificates.sigma == 0.5


def test_integer_f_and_integer_fp(own_network, tmp_path):
    """Both are files; the compressed one has fewer bits or is another file."""
    path = tmp_path / "f.safetensors"
    write_network(path, own_network)
    other = file_compression(f"file:{path}")
    spec = replace(
        SPEC,
        model=ModelSpec(str(path)),
        compressions=(parse_compression("integer:4"), other),
    )
    library = Library(tmp_path / "store")
    record = run_study(spec, library, options=HERE)
    assert record.base.digest == own_network.digest
    assert record.base.title == "original (integers only)"
    expected = literal_answers(own_network, spec.noise, 5, 100)
    assert np.array_equal(answers(record, library, BASE), expected)
    assert np.array_equal(answers(record, library, str(other)), expected)
    fewer = answers(record, library, "integer:4")
    assert 0 < (fewer != expected).mean() < 0.5


def test_workers_get_the_same_network(own_network):
    dataset = load_dataset(SPEC.data)
    made = list(prepare(SPEC, load_model(SPEC.model), dataset, HERE))[1]
    payload = made.pack()
    assert from_bytes(payload.integers).digest == own_network.digest
    steps = dataset.pixels.astype(np.int16)
    assert np.array_equal(payload.predictor()(steps), made.predictor(steps))


def test_ranges_are_never_set_on_reported_images(monkeypatch):
    dataset = load_dataset(replace(SPEC.data, holdout=0))

    def none(_):
        raise DatasetError("no training split")

    monkeypatch.setattr("irs_core.run.calibration._training_images", none)
    with pytest.raises(DatasetError, match="hold some out"):
        calibration_images(SPEC, dataset, unseen=True)
    _, source = calibration_images(SPEC, load_dataset(SPEC.data), unseen=True)
    assert source == "2 held-out images"


def test_an_integer_network_is_made_for_one_grid(own_network, tmp_path):
    path = tmp_path / "f.safetensors"
    write_network(path, replace(own_network, scale=255))
    spec = replace(SPEC, model=ModelSpec(str(path)))
    with pytest.raises(DatasetError, match="one pixel grid"):
        list(prepare(spec, load_model(spec.model), load_dataset(SPEC.data), HERE))


def test_other_compressions_of_an_integer_network_are_refused(own_network, tmp_path):
    path = tmp_path / "f.safetensors"
    write_network(path, own_network)
    spec = replace(SPEC, model=ModelSpec(str(path)), compressions=(parse_compression("fp16"),))
    with pytest.raises(ApproximationError, match="integer:4"):
        list(prepare(spec, load_model(spec.model), load_dataset(SPEC.data), HERE))


def test_a_changed_file_is_refused(own_network, tmp_path):
    path = tmp_path / "f.safetensors"
    write_network(path, own_network)
    named = file_compression(f"file:{path}")
    write_network(path, replace(own_network, scale=255))
    with pytest.raises(CheckpointError, match="has changed"):
        list(
            prepare(
                replace(SPEC, compressions=(named,)),
                load_model(SPEC.model),
                load_dataset(SPEC.data),
                HERE,
            )
        )
