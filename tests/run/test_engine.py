"""Where units of work are computed: this process, several, or a cluster, as its text says."""

import json
import signal
import subprocess
import sys
from dataclasses import replace

import psutil
import pytest
from units import SMALL, SPEC, unit_of_work

from irs_core.cli.main import main
from irs_core.errors import EngineError, SpecError
from irs_core.hardware import describe_hardware, usable_cores
from irs_core.run.engine import Engine, LocalProcesses, open_engine
from irs_core.run.options import EngineChoice, RunOptions, parse_engine
from irs_core.run.study import run_study
from irs_core.sampling.remote import Missing
from irs_core.store import Library


def command_of(process: psutil.Process) -> str:
    """Its command line; empty where it ended in the meantime."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


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


def _kill_a_process_of_ours(seen: list[int]):
    def on_progress(progress):
        if progress.done and not seen:
            children = psutil.Process().children(recursive=True)
            ours = [child for child in children if "LokyProcess-" in command_of(child)]
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
    journal = library.open(SMALL.id).evidence(record.base.evidence["estimate"]).journal.text()
    share = max(1, usable_cores() // 2)
    assert {json.loads(line)["hardware"] for line in journal.splitlines()} == {
        describe_hardware().rpartition(", ")[0] + (", 1 core" if share == 1 else f", {share} cores")
    }
    assert not [c for c in psutil.Process().children() if "LokyProcess-" in command_of(c)]


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
        list(Engine(pool).answers(3, lambda number: unit_of_work(("k",), number)))
    assert pool.rounds == 6


def test_a_scheduler_that_does_not_answer_is_named(tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="Dask is not installed")
    monkeypatch.setattr("irs_core.run.cluster.CONNECT_SECONDS", 1)
    with pytest.raises(EngineError, match=r"no Dask scheduler answers at tcp://127.0.0.1:1$"):
        run_study(SPEC, Library(tmp_path), options=RunOptions(engine="tcp://127.0.0.1:1"))


def test_without_dask_a_cluster_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EngineError, match=r"pip install \"dask\[distributed\]\""):
        run_study(SPEC, Library(tmp_path), options=RunOptions(engine="tcp://127.0.0.1:1"))


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
    payload, monkeypatch, device, seen
):
    from joblib import delayed

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7,8")
    pool = LocalProcesses(2, gpus=2)
    try:
        pool.load({"f": replace(payload, setting=replace(payload.setting, device=device))})
        look = delayed(subprocess.getoutput)("sleep 0.5; echo $CUDA_VISIBLE_DEVICES")
        assert set(pool.joblib(60.0)([look] * 8)) == seen
    finally:
        pool.close()
