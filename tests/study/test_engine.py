import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from synthetic import synthetic_spec

from irs_core.cli import main
from irs_core.compressions import parse_compression
from irs_core.data import load_dataset
from irs_core.errors import ApproximationError, CancelledError, EngineError, SpecError
from irs_core.hardware import describe_hardware, usable_cores
from irs_core.models import load_model
from irs_core.sampling import remote
from irs_core.sampling.remote import Answer, Missing, Task, run_task
from irs_core.specs import DataSpec
from irs_core.store import Library
from irs_core.study import watch
from irs_core.study.engine import Engine, LocalProcesses, open_engine
from irs_core.study.options import EngineChoice, RunOptions, parse_engine
from irs_core.study.prepare import prepare
from irs_core.study.run import run_study

ROOT = Path(__file__).parents[2]
KINDS = ("fp16", "int8", "fp16-compute", "int8-dynamic", "lowrank:0.9", "prune:0.1")
SPEC = synthetic_spec(
    data=DataSpec(max=50, holdout=46),
    compressions=tuple(map(parse_compression, ("fp16", "int8", "prune:0.1"))),
    n=1500,
    n_p=(50, 100),
    n0=20,
)
# Its evidence is part of that of SPEC, and it takes no quantisation to prepare.
SMALL = replace(SPEC, compressions=tuple(map(parse_compression, ("fp16", "prune:0.1"))))
WORKERS = 3


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    return run_study(SPEC, Library(tmp_path_factory.mktemp("local")), options=RunOptions())


@pytest.fixture(scope="module")
def prepared():
    spec = replace(SPEC, compressions=tuple(map(parse_compression, KINDS)))
    base, dataset = load_model(SPEC.model), load_dataset(SPEC.data)
    return list(prepare(spec, base, dataset, RunOptions()))


@contextmanager
def _process(*words: str, **variables: str):
    process = subprocess.Popen(
        [sys.executable, "-m", "dask", *words],
        cwd=ROOT,
        env={**os.environ, "IRS_THREADS": "1", "OMP_NUM_THREADS": "1", **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


class _Cluster:
    def __init__(self, stack: ExitStack, workers: int, **variables: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        self.address = f"tcp://127.0.0.1:{port}"
        here = ("--host", "127.0.0.1", "--no-dashboard")
        self.scheduler = stack.enter_context(
            _process("scheduler", *here, "--port", port, **variables)
        )
        self.workers = [
            stack.enter_context(
                _process("worker", self.address, *here, "--nthreads", "1", "--no-nanny")
            )
            for _ in range(workers)
        ]
        self._wait(workers)

    def _wait(self, workers: int) -> None:
        from distributed import Client

        deadline = time.monotonic() + 60
        while True:
            try:
                with Client(self.address, timeout=5, set_as_default=False) as client:
                    return client.wait_for_workers(workers, timeout=60)
            except OSError:
                assert time.monotonic() < deadline, "the scheduler does not start"


@pytest.fixture(scope="module")
def cluster():
    pytest.importorskip("distributed", reason="Dask is not installed")
    with ExitStack() as stack:
        yield _Cluster(stack, WORKERS)


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("local", EngineChoice()),
        ("local:3", EngineChoice(processes=3)),
        ("tcp://host.example:8786", EngineChoice(scheduler="tcp://host.example:8786")),
        ("tcp://[::1]:8786", EngineChoice(scheduler="tcp://[::1]:8786")),
    ],
)
def test_an_engine_is_read_from_its_text(text, choice, monkeypatch):
    assert parse_engine(text) == choice
    monkeypatch.setenv("IRS_ENGINE", text)
    assert parse_engine(None) == choice


@pytest.mark.parametrize("text", ["local:0", "local:x", "dask", "tcp://host", "http://host:1", "2"])
def test_other_engines_are_refused(text, monkeypatch, tmp_path):
    with pytest.raises(SpecError, match="an engine must be local, local:N"):
        RunOptions(engine=text)
    monkeypatch.setenv("IRS_ENGINE", text)
    with pytest.raises(SpecError, match=f"got '{text}'"):
        run_study(SPEC, Library(tmp_path))


def test_the_command_refuses_a_bad_engine(tmp_path, capsys):
    assert main(["certify", "--store", str(tmp_path), "--engine", "grid"]) == 2
    assert "got 'grid'" in capsys.readouterr().err


def test_threads_are_limited_by_the_variable(monkeypatch):
    monkeypatch.setenv("IRS_THREADS", "1")
    assert usable_cores() == 1
    monkeypatch.setenv("IRS_THREADS", "0")
    with pytest.raises(SpecError, match="IRS_THREADS must be a positive whole number; got '0'"):
        usable_cores()


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


def _task(models: tuple[str, ...], number: int = 0) -> Task:
    images = load_dataset(SPEC.data).images(slice(0, 4))
    rows = (np.ones(4, np.bool_),) * len(models)
    return Task(
        number,
        models,
        rows,
        (None,) * len(rows),
        images,
        (0, 1, 2, 3),
        SPEC.noise,
        "estimate",
        0,
        0,
        100,
    )


def test_a_worker_asks_for_what_it_lacks_and_forgets_what_nobody_uses(prepared, monkeypatch):
    monkeypatch.setattr(remote, "_shelf", remote._Shelf())
    first, second = prepared[0].pack(), prepared[1].pack()
    missing = run_task(_task((first.key, second.key)))
    assert isinstance(missing, Missing)
    assert (missing.models, missing.received) == ((first.key, second.key), 0)
    assert remote.receive([first]) == 1
    assert isinstance(run_task(_task((first.key,))), Answer)
    assert run_task(_task((first.key, second.key))).models == (second.key,)
    monkeypatch.setattr(remote, "FORGET_SECONDS", -1.0)
    remote.receive([second])
    assert run_task(_task((first.key, second.key))).models == (first.key,)


def test_a_worker_that_would_run_something_else_is_refused(prepared):
    payload = replace(prepared[0].pack(), execution="abacus")
    with pytest.raises(ApproximationError, match=r"must run as 'abacus'; .* runs it as"):
        payload.predictor()


def _kill_a_process_of_ours(seen: list[int]):
    def on_progress(progress):
        if progress.done and not seen:
            children = psutil.Process().children(recursive=True)
            ours = [child for child in children if "LokyProcess-" in " ".join(child.cmdline())]
            seen.append(ours[0].pid)
            ours[0].send_signal(signal.SIGKILL)

    return on_progress


def test_processes_of_this_machine_give_the_same_digests_even_if_one_dies(tmp_path, local):
    killed: list[int] = []
    library = Library(tmp_path)
    record = run_study(
        SMALL,
        library,
        options=RunOptions(engine="local:2"),
        on_progress=_kill_a_process_of_ours(killed),
    )
    assert killed
    assert record.digests.items() <= local.digests.items()
    journal = library.open(SMALL.id).evidence(record.base.evidence["estimate"]).journal_text()
    share = max(1, usable_cores() // 2)
    assert {json.loads(line)["hardware"] for line in journal.splitlines()} == {
        describe_hardware().rpartition(", ")[0] + (", 1 core" if share == 1 else f", {share} cores")
    }
    assert not [c for c in psutil.Process().children() if "LokyProcess-" in " ".join(c.cmdline())]


def test_a_cluster_gives_the_same_digests_and_gets_each_classifier_once(
    tmp_path, local, cluster, monkeypatch
):
    from distributed import Client

    seen, sent, run = [], [], Client.run

    def spy(self, function, payloads, *, workers):
        sent.extend((workers[0], payload.key) for payload in payloads)
        return run(self, function, payloads, workers=workers)

    monkeypatch.setattr(Client, "run", spy)
    record = run_study(
        SPEC, Library(tmp_path), options=RunOptions(engine=cluster.address), on_progress=seen.append
    )
    assert record.digests == local.digests
    assert seen[-1].done == seen[-1].total
    assert len({worker for worker, _ in sent}) == WORKERS
    assert len(set(sent)) == len(sent)


def test_a_cancelled_run_on_a_cluster_continues_where_it_was(tmp_path, local, cluster):
    library, seen = Library(tmp_path), []
    options = RunOptions(engine=cluster.address)
    with pytest.raises(CancelledError):
        run_study(
            SMALL,
            library,
            options=options,
            on_progress=seen.append,
            should_stop=lambda: len(seen) > 3,
        )
    stopped = seen[-1].done
    assert 0 < stopped < seen[-1].total
    record = run_study(SMALL, library, options=options, on_progress=seen.append)
    assert record.digests.items() <= local.digests.items()
    assert seen[-1].total == 96 * (20 + 1500 + 2 * (20 + 100 + 100)) - stopped


def test_what_fails_on_a_worker_fails_here_with_its_sentence(prepared, cluster):
    wrong = replace(prepared[0].pack(), execution="abacus")
    with open_engine(cluster.address) as engine:
        engine.load({"f": wrong})
        with pytest.raises(ApproximationError, match="must run as 'abacus'"):
            list(engine.answers(2, lambda number: _task((wrong.key,), number)))


def test_one_worker_thread_is_a_cluster_too(prepared):
    pytest.importorskip("distributed", reason="Dask is not installed")
    payload = prepared[0].pack()
    with ExitStack() as stack:
        alone = _Cluster(stack, 1)
        engine = stack.enter_context(open_engine(alone.address))
        engine.load({"f": payload})
        found = list(engine.answers(5, lambda number: _task((payload.key,), number)))
    assert sorted(answer.number for answer in found) == list(range(5))


def test_a_cluster_without_workers_ends_the_run(prepared, monkeypatch):
    pytest.importorskip("distributed", reason="Dask is not installed")
    monkeypatch.setattr("irs_core.study.engine.SILENCE_SECONDS", 2.0)
    payload = prepared[0].pack()
    with ExitStack() as stack:
        alone = _Cluster(stack, 1)
        engine = stack.enter_context(open_engine(alone.address))
        engine.load({"f": payload})
        monkeypatch.setattr("irs_core.study.cluster.WORKER_SECONDS", 1)
        alone.workers[0].kill()
        alone.workers[0].wait()
        with pytest.raises(EngineError, match="has no worker; start one with: python -m dask"):
            list(engine.answers(5, lambda number: _task((payload.key,), number)))


def test_workers_that_cannot_be_reached_end_the_run():
    class Nowhere:
        lost = ()
        rounds = 0

        def load(self, payloads):
            pass

        def joblib(self, patience):
            self.rounds += 1
            return lambda calls: (Missing(call[1][0].number, "w", "", 0, ("k",)) for call in calls)

        def deliver(self, missing):
            return False

    pool = Nowhere()
    with pytest.raises(EngineError, match="workers were lost 6 times; 3 units are not computed"):
        list(Engine(pool).answers(3, lambda number: _task(("k",), number)))
    assert pool.rounds == 6


def test_inputs_that_cannot_be_read_fail_here(prepared, cluster):
    payload = prepared[0].pack()

    def make(number: int) -> Task:
        if number == 20:
            raise EngineError("the disk is gone")
        return _task((payload.key,), number)

    with open_engine(cluster.address) as engine:
        engine.load({"f": payload})
        with pytest.raises(EngineError, match="the disk is gone"):
            list(engine.answers(30, make))


def test_a_worker_that_dies_loses_nothing(tmp_path, local, cluster):
    victim = cluster.workers[0]

    def on_progress(progress):
        if progress.done and victim.poll() is None:
            victim.kill()

    record = run_study(
        SMALL,
        Library(tmp_path),
        options=RunOptions(engine=cluster.address),
        on_progress=on_progress,
    )
    assert victim.wait() == -signal.SIGKILL
    assert record.digests.items() <= local.digests.items()


def test_a_scheduler_that_does_not_answer_is_named(tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="Dask is not installed")
    monkeypatch.setattr("irs_core.study.cluster.CONNECT_SECONDS", 1)
    with pytest.raises(EngineError, match=r"no Dask scheduler answers at tcp://127.0.0.1:1$"):
        run_study(SPEC, Library(tmp_path), options=RunOptions(engine="tcp://127.0.0.1:1"))


def test_without_dask_a_cluster_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EngineError, match=r"pip install \"dask\[distributed\]\""):
        run_study(SPEC, Library(tmp_path), options=RunOptions(engine="tcp://127.0.0.1:1"))


def test_a_cluster_that_dies_ends_the_run_which_can_be_resumed(tmp_path, local, monkeypatch):
    pytest.importorskip("distributed", reason="Dask is not installed")
    monkeypatch.setattr(watch, "ASK_SECONDS", 0.5)
    monkeypatch.setattr(watch, "GONE_SECONDS", 5.0)
    library = Library(tmp_path)
    with ExitStack() as stack:
        doomed = _Cluster(stack, 2)

        def on_progress(progress):
            if progress.done:
                for victim in doomed.workers:
                    victim.kill()

        with pytest.raises(EngineError, match=r"the Dask scheduler at tcp.* (gone|has no worker)"):
            run_study(
                SMALL, library, options=RunOptions(engine=doomed.address), on_progress=on_progress
            )
    assert not library.open(SMALL.id).record.finished
    assert run_study(SMALL, library).digests.items() <= local.digests.items()


def test_a_unit_that_ends_its_workers_ends_the_run(monkeypatch):
    pytest.importorskip("distributed", reason="Dask is not installed")
    # A unit that is a call of os._exit(1) takes its worker with it.
    monkeypatch.setattr("irs_core.study.engine.run_task", os._exit)
    with ExitStack() as stack:
        fragile = _Cluster(stack, 2, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")
        engine = stack.enter_context(open_engine(fragile.address))
        with pytest.raises(EngineError, match="a unit of work ended every worker that tried it"):
            list(engine.answers(1, lambda number: 1))


class _Client:
    """Answers of a scheduler: its workers, or an exception."""

    def __init__(self, *answers):
        self.scheduler, self.asked = self, 0
        self._answers = list(answers)

    def ncores(self):
        raise AssertionError("called by sync only")

    def sync(self, function, callback_timeout):
        assert function == self.ncores
        self.asked += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({}, "all workers of the Dask scheduler at tcp://x:1 are gone; what was computed is kept"),
        (OSError("no"), "the Dask scheduler at tcp://x:1 is gone; what was computed is kept"),
    ],
)
def test_a_watch_says_what_is_gone(monkeypatch, answer, sentence):
    monkeypatch.setattr(watch, "ASK_SECONDS", 0.01)
    monkeypatch.setattr(watch, "GONE_SECONDS", 0.05)
    said, told = [], threading.Event()

    def fail(error):
        said.append(str(error))
        told.set()

    watch.Watch(_Client({"w": 1}, answer), "tcp://x:1", fail)
    assert told.wait(60)
    assert len(said) == 1
    assert said[0].startswith(sentence)


def test_a_watch_lets_living_workers_take_their_time(monkeypatch):
    monkeypatch.setattr(watch, "ASK_SECONDS", 0.001)
    # Nothing may be missed for any time at all, except where the answer says that workers live.
    monkeypatch.setattr(watch, "GONE_SECONDS", 0.0)
    said, client = [], _Client({"w": 1})
    looking = watch.Watch(client, "tcp://x:1", said.append)
    deadline = time.monotonic() + 60
    while client.asked < 50 and time.monotonic() < deadline:
        time.sleep(0.01)
    looking.stop()
    assert client.asked >= 50
    assert said == []


@pytest.mark.parametrize(("text", "gpus", "processes"), [("local", 3, 3), ("local:2", 3, 2)])
def test_several_gpus_become_several_processes(text, gpus, processes):
    with open_engine(text, gpus=gpus) as engine:
        assert engine._pool.processes == processes


@pytest.mark.parametrize("gpus", [0, 1])
def test_one_gpu_is_used_by_this_process(gpus):
    with open_engine("local", gpus=gpus) as engine:
        assert engine is None


@pytest.mark.parametrize(("device", "seen"), [("cuda", {"5", "7"}), ("cpu", {"5,7,8"})])
def test_each_process_sees_a_gpu_of_its_own_if_it_computes_on_one(
    prepared, monkeypatch, device, seen
):
    from joblib import delayed

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7,8")
    payload = prepared[0].pack()
    pool = LocalProcesses(2, gpus=2)
    try:
        pool.load({"f": replace(payload, setting=replace(payload.setting, device=device))})
        look = delayed(subprocess.getoutput)("sleep 0.5; echo $CUDA_VISIBLE_DEVICES")
        assert set(pool.joblib(60.0)([look] * 8)) == seen
    finally:
        pool.close()
