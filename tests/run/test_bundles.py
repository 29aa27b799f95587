"""Small units that run together are stored as if each had run alone."""

import numpy as np
import pytest

from irs_core.run import bundles, units
from irs_core.run.bundles import bundled, joined
from irs_core.run.options import RunOptions
from irs_core.run.plan import Need, plan_units
from irs_core.run.study import run_study
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.store import EvidenceKey, Library
from irs_core.store.evidence import create_evidence

INPUTS = 70


class Batched:
    execution = "test"

    def __init__(self, batch):
        self.batch = batch


def need(folder, name, draws, chosen=None):
    key = EvidenceKey(name, "d", NoiseSpec(0.5), "estimate", "t")
    array = create_evidence(folder, key, n_inputs=INPUTS, classes=10, pixels=64)
    every = np.ones(INPUTS, np.bool_)
    return Need(name, "estimate", draws, array, every, chosen)


def few(at):
    rows = min(32, INPUTS - 32 * at.tile)
    mask = np.zeros((rows, 500), np.bool_)
    mask[0, 10 * at.tile : 10 * at.tile + 3] = True
    return mask


def test_full_units_run_alone_and_small_ones_together(tmp_path, monkeypatch):
    whole = list(plan_units([need(tmp_path / "whole", "a", 1000)]))
    assert [len(one) for one in bundled(whole, {"a": Batched(50)})] == [1] * 6
    small = list(plan_units([need(tmp_path / "small", "a", 1000, few)]))
    assert [len(one) for one in bundled(small, {"a": Batched(50)})] == [3, 3]
    # Each has 3 draws.
    for batches, batch, together in ((2, 3, [2, 1, 2, 1]), (1, 6, [2, 1, 2, 1]), (1, 1, [1] * 6)):
        monkeypatch.setattr(bundles, "BATCHES", batches)
        assert [len(one) for one in bundled(small, {"a": Batched(batch)})] == together


def test_what_is_joined_comes_apart_again(tmp_path):
    small = list(plan_units([need(tmp_path, "a", 500, few)]))
    assert [one.start for one in small] == [0, 10, 20]
    joint = joined(tuple(small))
    assert (joint.start, joint.stop) == (0, 500)
    assert len(joint.rows[0]) == INPUTS
    assert joint.masks[0].sum() == 3 * 3
    numbers = np.arange(INPUTS * 500).reshape(INPUTS, 500)
    for number, unit in enumerate(small):
        part = joint.part(number, numbers)
        rows = unit.needs[0].array.rows(unit.at.tile)
        np.testing.assert_array_equal(part, numbers[rows, unit.start :])
        np.testing.assert_array_equal(joint.masks[0][rows, unit.start :], unit.masks[0])


@pytest.mark.parametrize("noise", [NoiseSpec.chosen(0.5, 3, "rounded"), NoiseSpec(0.5, 3)])
def test_a_study_stores_the_same_whatever_runs_together(tmp_path, monkeypatch, noise):
    spec = StudySpec(
        model=ModelSpec("shipped:digits-0.50"),
        data=DataSpec(max=40),
        noise=noise,
        compressions=(parse_compression("prune:0.5"),),
        n0=20,
        n=120,
        n_p=(5, 10),
        methods=("cirs",),
        baseline=False,
    )
    calls = []
    real = units.sample
    monkeypatch.setattr(
        units, "sample", lambda *args, **more: (calls.append(len(args[0])), real(*args, **more))[1]
    )
    options = RunOptions(backend="torch", batch=500)
    first = run_study(spec, Library(tmp_path / "together"), options=options)
    assert max(calls) == 40
    monkeypatch.setattr("irs_core.run.bundles.MOST_UNITS", 1)
    calls.clear()
    second = run_study(spec, Library(tmp_path / "alone"), options=options)
    assert max(calls) == 32
    assert first.digests == second.digests
