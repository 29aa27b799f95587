"""Studies of a denoiser followed by a classifier: what is certified, and on which evidence."""

import pickle
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from denoisers import saved
from graph_files import export_onnx
from onnx import numpy_helper

from irs_core.analysis.ledger import function_words, study_ledger
from irs_core.data import load_dataset
from irs_core.errors import ApproximationError, CheckpointError
from irs_core.graphs import file_compression
from irs_core.models import load_model
from irs_core.models.denoised import load_denoiser_network
from irs_core.models.denoiser_onnx import onnx_bytes
from irs_core.run.composition import recomposed
from irs_core.run.options import RunOptions
from irs_core.run.prepare import prepare
from irs_core.run.study import run_study
from irs_core.sampling.noise import noise_blocks
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.store import Library

WEIGHTS = "shipped:digits-0.50"
SHAPE = (1, 8, 8)
INPUTS, DRAWS = 6, 120


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("denoised")
    saved(folder / "d.safetensors")
    saved(folder / "other.safetensors", seed=1)
    network = load_denoiser_network(str(folder / "d.safetensors"))
    (folder / "d.onnx").write_bytes(onnx_bytes(network))
    export_onnx(load_model(ModelSpec(WEIGHTS)).module, SHAPE, folder / "c.onnx")
    return folder


def spec(files, *texts, weights=WEIGHTS, denoiser="d.safetensors"):
    return StudySpec(
        model=ModelSpec(weights, denoiser=denoiser and str(files / denoiser)),
        data=DataSpec(max=INPUTS),
        noise=NoiseSpec(0.5),
        compressions=tuple(file_compression(text) or parse_compression(text) for text in texts),
        n0=20,
        n=DRAWS,
        n_p=(40,),
    )


def evidence_ids(record):
    return {key for model in record.models for key in model.evidence.values()}


def test_predictions_are_those_of_denoiser_then_classifier(files, tmp_path):
    library = Library(tmp_path, tmp_path)
    record = run_study(spec(files), library)
    stored = library.open(record.id).evidence(record.base.evidence["estimate"])
    images = load_dataset(record.spec.data).images(slice(None))
    denoiser = load_denoiser_network(str(files / "d.safetensors"))
    classifier = load_model(ModelSpec(WEIGHTS)).module
    literal = []
    for row, image in enumerate(images):
        blocks = noise_blocks(record.spec.noise, "estimate", row, 0, shape=SHAPE, stop=DRAWS)
        noisy = torch.from_numpy(image + np.concatenate(list(blocks)))
        with torch.no_grad():
            literal.append(classifier(denoiser(noisy)).argmax(1).numpy())
    assert np.array_equal(stored.read_complete(DRAWS), np.stack(literal))


def test_evidence_is_never_shared_with_another_function(files, tmp_path):
    library = Library(tmp_path, tmp_path)
    studies = [
        spec(files),
        spec(files, denoiser=None),
        spec(files, denoiser="other.safetensors"),
        spec(files, weights="shipped:digits-0.25"),
        spec(files, weights=str(files / "c.onnx")),
    ]
    found = [evidence_ids(run_study(one, library)) for one in studies]
    assert len({one.id for one in studies}) == len(studies)
    assert sum(map(len, found)) == len(set().union(*found))


def test_evidence_is_shared_with_the_same_function_at_another_path(files, tmp_path):
    (tmp_path / "copy.safetensors").write_bytes((files / "d.safetensors").read_bytes())
    library = Library(tmp_path / "s", tmp_path / "s")
    first = run_study(spec(files), library)
    second = run_study(spec(tmp_path, denoiser="copy.safetensors"), library)
    assert evidence_ids(first) == evidence_ids(second)


TEXTS = ("fp16", "classifier:prune:0.4", "denoiser:prune:0.4", "prune:0.4", "denoiser:int8")


@pytest.fixture(scope="module", params=["weights", "c.onnx"])
def prepared(request, files):
    weights = WEIGHTS if request.param == "weights" else str(files / request.param)
    files_of = (
        f"classifier:file:{files / 'c.onnx'}",
        f"denoiser:file:{files / 'other.safetensors'}",
        f"denoiser:file:{files / 'd.onnx'}",
        f"file:{files / 'c.onnx'}",
    )
    one = spec(files, *TEXTS, *files_of, weights=weights)
    found = prepare(one, load_model(one.model), load_dataset(one.data), RunOptions())
    return dict(zip(("base", *TEXTS, *files_of), found, strict=True))


def answers(prepared):
    rng = np.random.default_rng(0)
    noisy = rng.normal(0.4, 0.6, (500, *SHAPE)).astype(np.float32)
    return prepared.predictor(noisy)


def test_a_file_in_the_place_of_one_part_leaves_the_other(prepared, files):
    base = answers(prepared["base"])
    assert np.array_equal(base, answers(prepared[f"classifier:file:{files / 'c.onnx'}"]))
    assert np.array_equal(base, answers(prepared[f"denoiser:file:{files / 'd.onnx'}"]))
    other = answers(prepared[f"denoiser:file:{files / 'other.safetensors'}"])
    assert (base != other).mean() > 0.1


def test_a_file_by_itself_is_not_denoised(prepared, files):
    alone = answers(prepared[f"file:{files / 'c.onnx'}"])
    rng = np.random.default_rng(0)
    noisy = torch.from_numpy(rng.normal(0.4, 0.6, (500, *SHAPE)).astype(np.float32))
    with torch.no_grad():
        expected = load_model(ModelSpec(WEIGHTS)).module(noisy).argmax(1).numpy()
    assert np.array_equal(alone, expected)
    noted = [name for name, one in prepared.items() if "denoiser is not before it" in one.note]
    assert noted == [f"file:{files / 'c.onnx'}"]


def test_models_that_differ_have_different_digests(prepared, files):
    same = {f"classifier:file:{files / 'c.onnx'}", f"denoiser:file:{files / 'd.onnx'}"}
    digests = [one.digest for name, one in prepared.items() if name not in same]
    assert len(digests) == len(set(digests))


def test_pruning_one_part_leaves_the_weights_of_the_other(files):
    one = spec(files, "classifier:prune:0.4", "denoiser:prune:0.4")
    base = load_model(one.model)
    for compression, touched in zip(one.compressions, ("classifier", "denoiser"), strict=True):
        made = recomposed(compression, one.model, base, programs=False).model.module
        for name, value in base.module.state_dict().items():
            changed = not torch.equal(value, made.state_dict()[name])
            assert not changed or name.startswith(f"{touched}.")
        zeros = sum(int((value == 0).sum()) for value in made.state_dict().values())
        assert zeros > 100


def test_only_the_constants_of_the_named_part_of_a_graph_change(files):
    one = spec(files, "classifier:prune:0.4", "denoiser:prune:0.4", weights=str(files / "c.onnx"))
    base = load_model(one.model)

    def constants(module):
        graph = onnx.load_model_from_string(module.file.graph).graph
        return {value.name: numpy_helper.to_array(value) for value in graph.initializer}

    before = constants(base.module)
    for compression, denoiser in zip(one.compressions, (False, True), strict=True):
        after = constants(recomposed(compression, one.model, base, programs=False).model.module)
        changed = [name for name in before if not np.array_equal(before[name], after[name])]
        assert changed
        assert {name.startswith("denoiser/") for name in changed} == {denoiser}


def test_only_the_layers_of_the_named_part_are_in_int8(prepared):
    # The small denoiser has 10 convolutions, of which a graph's first one may stay as it is; the
    # classifier has 6, and a linear layer.
    changed, _, layers, *_ = prepared["denoiser:int8"].note.split()
    assert int(changed) in (9, 10)
    assert layers == "17"


def test_the_original_is_named_as_both(prepared):
    assert prepared["base"].title.startswith("denoiser, then ")
    assert "d.safetensors" in prepared["base"].note


def test_another_process_runs_the_same_composition(prepared):
    for name in ("base", "fp16", "prune:0.4"):
        payload = pickle.loads(pickle.dumps(prepared[name].pack()))
        rng = np.random.default_rng(1)
        noisy = rng.normal(0.4, 0.6, (300, *SHAPE)).astype(np.float32)
        assert np.array_equal(payload.predictor()(noisy), prepared[name].predictor(noisy)), name


def test_payloads_tell_denoisers_apart(files):
    keys = set()
    for denoiser in ("d.safetensors", "other.safetensors"):
        one = spec(files, denoiser=denoiser)
        found = prepare(one, load_model(one.model), load_dataset(one.data), RunOptions())
        keys.add(replace(next(iter(found)).pack(), digest="same").key)
    assert len(keys) == 2


@pytest.mark.parametrize("text", ["denoiser:fp16", "classifier:int8", "denoiser:integer"])
def test_parts_need_a_denoiser_and_a_compression_for_one_part(text, files):
    denoiser = "d.safetensors" if text.endswith("integer") else None
    one = spec(files, text, denoiser=denoiser)
    base = load_model(one.model)
    with pytest.raises(ApproximationError, match=r"part"):
        list(prepare(one, base, load_dataset(one.data), RunOptions()))


def test_a_denoiser_that_changed_is_refused(files, tmp_path):
    path = tmp_path / "d.safetensors"
    saved(path)
    one = spec(files, f"denoiser:file:{path}")
    saved(path, seed=2)
    with pytest.raises(CheckpointError, match="has changed"):
        list(prepare(one, load_model(one.model), load_dataset(one.data), RunOptions()))


def test_the_ledger_names_both_parts(files):
    said = study_ledger(spec(files)).conditions[0]
    assert said == function_words(spec(files).model)
    assert "the denoiser d.safetensors, then the classifier" in said
    assert "not hold for the classifier alone" in said
    assert study_ledger(spec(files, denoiser=None)).conditions == ()


def test_the_file_of_a_study_reads_back(files):
    from irs_core.spec.study_file import parse_study, study_text

    one = spec(files, *TEXTS)
    assert parse_study(study_text(one)).spec.id == one.id
    assert StudySpec.from_dict(one.to_dict()) == one


def test_a_study_without_a_denoiser_keeps_its_id(files):
    assert "denoiser" not in spec(files, denoiser=None).to_dict()["model"]
