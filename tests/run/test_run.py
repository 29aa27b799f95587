import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from synthetic import synthetic_spec

from irs_core.analysis.close_up import noise_group
from irs_core.certify import build_cache
from irs_core.data import load_dataset
from irs_core.errors import CancelledError, DatasetError, ModelOutputError, StoreError
from irs_core.methods.kit.counting import count_classes
from irs_core.run import units as runner_module
from irs_core.run.options import RunOptions
from irs_core.run.study import run_study
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec
from irs_core.store import BASE, EvidenceArray, Library

SPEC = synthetic_spec(data=DataSpec(max=20, holdout=16), n=700, n_p=(50, 100), n0=20)
WHOLE = 36 * (20 + 700 + 2 * (20 + 100 + 100))


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("reference"))
    return library, run_study(SPEC, library)


def test_a_finished_study_has_all_its_evidence(reference):
    library, record = reference
    assert record.finished
    assert [model.name for model in record.models] == [BASE, "fp16", "prune:0.1"]
    study = library.open(record.id)
    assert study.evidence(record.base.evidence["estimate"]).read_complete(700).shape == (36, 700)
    for model in record.compressed:
        assert study.evidence(model.evidence["estimate"]).read_complete(100).shape == (36, 100)
        assert study.evidence(model.evidence["scratch-select"]).read_complete(20).shape == (36, 20)


def test_predictions_are_those_of_the_model(reference):
    import torch

    from irs_core.data import load_dataset
    from irs_core.models import load_model
    from irs_core.sampling.noise import noise_blocks

    library, record = reference
    stored = library.open(record.id).evidence(record.base.evidence["estimate"]).read(700)
    dataset, model = load_dataset(SPEC.data), load_model(SPEC.model)
    row = 33
    noise = np.concatenate(
        list(
            noise_blocks(
                SPEC.noise, "estimate", int(dataset.indices[row]), 1, shape=dataset.input_shape
            )
        )
    )
    with torch.no_grad():
        expected = model.module(torch.from_numpy(dataset.images([row]) + noise)).argmax(1).numpy()
    assert np.array_equal(stored[row, 500:], expected[:200])


@pytest.mark.parametrize("batch", [7, 256])
def test_batch_size_gives_the_same_digests(tmp_path, reference, batch):
    record = run_study(SPEC, Library(tmp_path), options=RunOptions(batch=batch))
    assert record.digests == reference[1].digests


def test_running_again_computes_nothing(reference):
    seen = []
    run_study(SPEC, reference[0], on_progress=seen.append)
    assert seen == []


def test_a_cancelled_run_continues_where_it_was(tmp_path, reference):
    library, calls = Library(tmp_path), []

    def stop_after_three() -> bool:
        calls.append(None)
        return len(calls) > 3

    with pytest.raises(CancelledError):
        run_study(SPEC, library, should_stop=stop_after_three)
    assert not library.open(SPEC.id).record.finished
    seen = []
    record = run_study(SPEC, library, on_progress=seen.append)
    assert record.digests == reference[1].digests
    assert seen[-1].done == seen[-1].total < WHOLE


def test_a_run_that_lost_its_work_writes_nothing_more(tmp_path, reference):
    library, asked = Library(tmp_path), []

    def owned_for_three_writes() -> bool:
        asked.append(None)
        return len(asked) <= 3

    with pytest.raises(CancelledError, match="taken over"):
        run_study(SPEC, library, owned=owned_for_three_writes)
    # One was the manifest.
    assert len(list(tmp_path.glob("evidence/*/c/*/*"))) == 2
    manifest = library.study_path(SPEC.id).read_bytes()
    with pytest.raises(CancelledError, match="taken over"):
        run_study(SPEC, library, owned=lambda: False)
    assert len(list(tmp_path.glob("evidence/*/c/*/*"))) == 2
    assert library.study_path(SPEC.id).read_bytes() == manifest
    assert run_study(SPEC, library).digests == reference[1].digests


def test_a_run_that_lost_its_work_takes_no_finished_manifest_back(tmp_path):
    library = Library(tmp_path)
    finished = []

    def owned() -> bool:
        # Another process finishes the study while this one is about to say that it begins.
        if not finished:
            finished.append(run_study(SPEC, Library(tmp_path)))
        return False

    with pytest.raises(CancelledError, match="taken over"):
        run_study(SPEC, library, owned=owned)
    assert library.open(SPEC.id).record == finished[0]


def test_a_killed_run_resumes_to_the_same_digest(tmp_path, reference):
    command = [
        sys.executable,
        "-m",
        "irs_core",
        "certify",
        "--store",
        str(tmp_path),
        "--max",
        "20",
        "--holdout",
        "16",
        "--n",
        "700",
        "--n0",
        "20",
        "--np",
        "50",
        "100",
        "--compress",
        "fp16",
        "prune:0.1",
        "--seed",
        "7",
        "--batch",
        "8",
    ]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while (
        not list(tmp_path.glob("evidence/*/c/*/*"))
        and child.poll() is None
        and time.monotonic() < deadline
    ):
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL, "it ended before it could be killed"
    assert run_study(SPEC, Library(tmp_path)).digests == reference[1].digests


def test_more_draws_keep_the_first_ones(reference):
    library, record = reference
    longer = replace(SPEC, n=900)
    seen = []
    again = run_study(longer, library, on_progress=seen.append)
    assert again.base.evidence == record.base.evidence
    assert seen[-1].done == 36 * 200


def test_without_baseline_each_input_gets_only_its_own_branch(tmp_path):
    spec = replace(SPEC, baseline=False, gamma=0.8)
    library = Library(tmp_path)
    record = run_study(spec, library)
    study = library.open(record.id)
    select = study.evidence(record.base.evidence["select"]).read(20)
    estimate = study.evidence(record.base.evidence["estimate"]).read(700)
    cache = build_cache(
        count_classes(select, 10), count_classes(estimate, 10), n0=20, n=700, alpha=spec.alpha
    )
    direct = cache.p_lower >= 0.8
    assert 0 < direct.sum() < 36
    model = record.compressed[0]
    paired, fresh = (
        study.evidence(model.evidence["estimate"]),
        study.evidence(model.evidence["scratch-estimate"]),
    )
    assert np.array_equal((paired.read(100) != paired.missing).all(axis=1), ~direct)
    assert np.array_equal((fresh.read(100) != fresh.missing).all(axis=1), direct)


def test_a_model_that_fails_loses_nothing(tmp_path, monkeypatch, reference):
    library, calls = Library(tmp_path), []
    compute = runner_module.Runner._compute

    def fail_at_the_fourth(self, joint):
        calls.append(joint)
        if len(calls) == 4:
            raise ModelOutputError("the model returned NaN")
        return compute(self, joint)

    with monkeypatch.context() as patch:
        patch.setattr(runner_module.Runner, "_compute", fail_at_the_fourth)
        with pytest.raises(ModelOutputError):
            run_study(SPEC, library)
    stored = sum(len(unit.needs) for joint in calls[:3] for unit in joint.units)
    assert len(list(tmp_path.glob("evidence/*/c/*/*"))) == stored >= 3
    seen = []
    assert run_study(SPEC, library, on_progress=seen.append).digests == reference[1].digests
    assert seen[-1].total == WHOLE - sum(joint.draws for joint in calls[:3])


def test_a_chunk_that_cannot_be_written_ends_the_run_at_once(tmp_path, monkeypatch):
    computed, written = [], []
    compute, merge = runner_module.Runner._compute, EvidenceArray.merge_chunk

    def counted(self, joint):
        computed.append(joint)
        return compute(self, joint)

    def fails_once(self, *arguments, **options):
        written.append(self)
        if len(written) == 2:
            raise StoreError("the disk is full")
        merge(self, *arguments, **options)

    monkeypatch.setattr(runner_module.Runner, "_compute", counted)
    monkeypatch.setattr(EvidenceArray, "merge_chunk", fails_once)
    with pytest.raises(StoreError, match="the disk is full"):
        run_study(SPEC, Library(tmp_path))
    # One more may be on its way.
    assert len(computed) <= 3


def test_evidence_that_disappears_during_a_run_is_computed_again(tmp_path, monkeypatch, reference):
    compute, lost = runner_module.Runner._compute, []

    def lose_one(self, unit):
        write = compute(self, unit)
        chunks = list(tmp_path.glob("evidence/*/c/*/*"))
        if not lost and len(chunks) > 2:
            lost.append(chunks[0])
            chunks[0].unlink()
        return write

    monkeypatch.setattr(runner_module.Runner, "_compute", lose_one)
    assert run_study(SPEC, Library(tmp_path)).digests == reference[1].digests
    assert lost


def test_running_again_keeps_the_date_and_the_machine(tmp_path):
    library = Library(tmp_path)
    first = run_study(SPEC, library)
    old = replace(first, created="2020-01-01T00:00:00+00:00", hardware="an older machine")
    library.save(old)
    assert run_study(SPEC, library) == old


def test_a_finished_study_stays_finished_while_another_backend_runs(tmp_path):
    library = Library(tmp_path)
    first = run_study(SPEC, library)
    with pytest.raises(CancelledError):
        run_study(SPEC, library, options=RunOptions(backend="torch"), should_stop=lambda: True)
    assert library.open(SPEC.id).record == first


def test_held_out_inputs_never_share_noise_with_reported_ones():
    spec = replace(SPEC, data=DataSpec(max=6, holdout=5), noise=NoiseSpec(0.5, group=4))
    dataset = load_dataset(spec.data)
    groups = [noise_group(spec, dataset, row) for row in range(11)]
    assert groups[:6] == [0, 0, 0, 0, 4, 4]
    assert len(set(groups[:6]) & set(groups[6:])) == 0
    assert groups[6] == groups[9] != groups[10]


def test_images_must_fit_the_model(tmp_path, reference):
    folder = tmp_path / "data"
    (folder / "test" / "a").mkdir(parents=True)
    from PIL import Image

    Image.new("RGB", (32, 32)).save(folder / "test" / "a" / "0.png")
    spec = synthetic_spec(
        data=DataSpec("image-folder", root=str(folder)), model=ModelSpec("shipped:digits-0.50")
    )
    with pytest.raises(DatasetError, match=r"shape \(1, 8, 8\); the images have \(3, 32, 32\)"):
        run_study(spec, Library(tmp_path / "store"))


def test_different_backends_differ_only_at_near_ties_and_are_kept_apart(tmp_path, reference):
    library = Library(tmp_path)
    torch_record = run_study(SPEC, library, options=RunOptions(backend="torch"))
    assert torch_record.base.execution != reference[1].base.execution
    assert torch_record.base.evidence != reference[1].base.evidence
    ours = library.open(SPEC.id).evidence(torch_record.base.evidence["estimate"]).read(700)
    other = reference[0].open(SPEC.id).evidence(reference[1].base.evidence["estimate"]).read(700)
    assert (ours != other).mean() < 1e-3


def test_int8_and_bf16_studies_run_and_say_what_they_are(tmp_path):
    kinds = ("int8", "bf16-compute", "int8-dynamic")
    spec = replace(SPEC, compressions=tuple(map(parse_compression, kinds)), n=200)
    record = run_study(spec, Library(tmp_path))
    int8, _, dynamic = record.compressed
    assert int8.execution == "openvino cpu int8"
    assert "7 of 7 convolutions and linear layers in int8" in int8.note
    assert int8.size_bytes < record.base.size_bytes / 3
    assert dynamic.execution == "torch cpu int8 linear"
    assert run_study(spec, Library(tmp_path)).digests == record.digests
