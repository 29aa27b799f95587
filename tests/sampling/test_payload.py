"""What a worker is sent, keeps, and refuses to run."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from units import SPEC, unit_of_work

from irs_core.data import load_dataset
from irs_core.errors import ApproximationError
from irs_core.models import load_model
from irs_core.run.options import RunOptions
from irs_core.run.prepare import prepare
from irs_core.sampling import remote
from irs_core.sampling.remote import Answer, Missing, run_task
from irs_core.spec.compression_kinds import parse_compression

KINDS = ("fp16", "int8", "fp16-compute", "int8-dynamic", "lowrank:0.9", "prune:0.1")


@pytest.fixture(scope="module")
def prepared():
    spec = replace(SPEC, compressions=tuple(map(parse_compression, KINDS)))
    base, dataset = load_model(SPEC.model), load_dataset(SPEC.data)
    return list(prepare(spec, base, dataset, RunOptions()))


@pytest.mark.parametrize("index", range(1 + len(KINDS)))
def test_a_payload_gives_the_same_predictor(prepared, index, monkeypatch):
    original = prepared[index].predictor
    payload = pickle.loads(pickle.dumps(prepared[index].pack()))
    monkeypatch.setenv("IRS_THREADS", "1")
    rebuilt = payload.predictor()
    assert rebuilt.execution == original.execution
    noisy = np.random.default_rng(0).normal(0.5, 1, (2001, 1, 8, 8)).astype(np.float32)
    assert np.array_equal(rebuilt(noisy), original(noisy))


def test_payload_keys_tell_classifiers_and_settings_apart(prepared):
    payloads = [one.pack() for one in prepared]
    other = replace(payloads[0], setting=replace(payloads[0].setting, batch=3))
    assert len({payload.key for payload in (*payloads, other)}) == len(payloads) + 1


def test_a_worker_asks_for_what_it_lacks_and_forgets_what_nobody_uses(prepared, monkeypatch):
    monkeypatch.setattr(remote, "_shelf", remote._Shelf())
    first, second = prepared[0].pack(), prepared[1].pack()
    missing = run_task(unit_of_work((first.key, second.key)))
    assert isinstance(missing, Missing)
    assert (missing.models, missing.received) == ((first.key, second.key), 0)
    assert remote.receive([first]) == 1
    assert isinstance(run_task(unit_of_work((first.key,))), Answer)
    assert run_task(unit_of_work((first.key, second.key))).models == (second.key,)
    monkeypatch.setattr(remote, "FORGET_SECONDS", -1.0)
    remote.receive([second])
    assert run_task(unit_of_work((first.key, second.key))).models == (first.key,)


def test_a_worker_that_would_run_something_else_is_refused(prepared):
    payload = replace(prepared[0].pack(), execution="abacus")
    with pytest.raises(ApproximationError, match=r"must run as 'abacus'; .* runs it as"):
        payload.predictor()
