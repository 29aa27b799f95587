"""A real Dask cluster of this machine: equal digests, whatever dies."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from units import SMALL, SPEC, unit_of_work

from irs_core.errors import ApproximationError, CancelledError, EngineError
from irs_core.run import watch
from irs_core.run.engine import open_engine
from irs_core.run.options import RunOptions
from irs_core.run.study import run_study
from irs_core.sampling.remote import Task
from irs_core.store import Library

ROOT = Path(__file__).parents[2]
WORKERS = 2


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
            should_stop=lambda: bool(seen) and seen[-1].done > 0,
        )
    stopped = seen[-1].done
    assert 0 < stopped < seen[-1].total
    record = run_study(SMALL, library, options=options, on_progress=seen.append)
    assert record.digests.items() <= local.digests.items()
    assert seen[-1].total == 96 * (20 + 1500 + 2 * (20 + 100 + 100)) - stopped


def test_what_fails_on_a_worker_fails_here_with_its_sentence(payload, cluster):
    wrong = replace(payload, execution="abacus")
    with open_engine(cluster.address) as engine:
        engine.load({"f": wrong})
        with pytest.raises(ApproximationError, match="must run as 'abacus'"):
            list(engine.answers(2, lambda number: unit_of_work((wrong.key,), number)))


def test_inputs_that_cannot_be_read_fail_here(payload, cluster):

    def make(number: int) -> Task:
        if number == 20:
            raise EngineError("the disk is gone")
        return unit_of_work((payload.key,), number)

    with open_engine(cluster.address) as engine:
        engine.load({"f": payload})
        with pytest.raises(EngineError, match="the disk is gone"):
            list(engine.answers(30, make))


@pytest.fixture(scope="module")
def alone():
    """A cluster of one worker, which the last test of it ends."""
    pytest.importorskip("distributed", reason="Dask is not installed")
    with ExitStack() as stack:
        yield _Cluster(stack, 1)


def test_one_worker_thread_is_a_cluster_too(payload, alone):
    with open_engine(alone.address) as engine:
        engine.load({"f": payload})
        found = list(engine.answers(5, lambda number: unit_of_work((payload.key,), number)))
    assert sorted(answer.number for answer in found) == list(range(5))


def test_a_cluster_without_workers_ends_the_run(payload, alone, monkeypatch):
    monkeypatch.setattr("irs_core.run.engine.SILENCE_SECONDS", 2.0)
    with open_engine(alone.address) as engine:
        engine.load({"f": payload})
        monkeypatch.setattr("irs_core.run.cluster.WORKER_SECONDS", 1)
        alone.workers[0].kill()
        alone.workers[0].wait()
        with pytest.raises(EngineError, match="has no worker; start one with: python -m dask"):
            list(engine.answers(5, lambda number: unit_of_work((payload.key,), number)))


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


def test_a_cluster_that_dies_ends_the_run_which_can_be_resumed(tmp_path, local, monkeypatch):
    pytest.importorskip("distributed", reason="Dask is not installed")
    monkeypatch.setattr(watch, "ASK_SECONDS", 0.5)
    monkeypatch.setattr(watch, "GONE_SECONDS", 5.0)
    library = Library(tmp_path)
    with ExitStack() as stack:
        doomed = _Cluster(stack, 1)

        def on_progress(progress):
            if progress.done:
                doomed.workers[0].kill()

        with pytest.raises(EngineError, match=r"the Dask scheduler at tcp.* (gone|has no worker)"):
            run_study(
                SMALL, library, options=RunOptions(engine=doomed.address), on_progress=on_progress
            )
    assert not library.open(SMALL.id).record.finished
    assert run_study(SMALL, library).digests.items() <= local.digests.items()


def test_a_unit_that_ends_its_workers_ends_the_run(monkeypatch):
    pytest.importorskip("distributed", reason="Dask is not installed")
    # A unit that is a call of os._exit(1) takes its worker with it.
    monkeypatch.setattr("irs_core.sampling.remote.run_task", os._exit)
    with ExitStack() as stack:
        fragile = _Cluster(stack, 2, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")
        engine = stack.enter_context(open_engine(fragile.address))
        with pytest.raises(EngineError, match="a unit of work ended every worker that tried it"):
            list(engine.answers(1, lambda number: 1))
