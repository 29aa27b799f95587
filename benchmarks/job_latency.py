"""How soon a queued job starts, and how soon a cancelled one is gone.

    PYTHONPATH=. .venv/bin/python benchmarks/job_latency.py --jobs 20

A worker waits for work, as it does below the app. Each job is cancelled at a random moment after
its process began, while it loads its libraries or computes, or, with --computing, after its first
stored chunk. It is gone when no process of its group exists any more.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from irs_core.hardware import describe_hardware
from irs_core.jobs import Job, JobQueue, Roster
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec

LOOK_SECONDS = 0.01
PATIENCE_SECONDS = 120.0


def spec(seed: int) -> StudySpec:
    """A study that does not end before it is cancelled."""
    model, data = ModelSpec("shipped:digits-0.50"), DataSpec(max=200)
    noise = NoiseSpec(0.5, seed=seed)
    return StudySpec(model, data, noise, (parse_compression("fp16"),), n=1_000_000, n_p=(100,))


def main() -> None:
    """Print one row per figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--longest", type=float, default=15.0, help="seconds before a cancel")
    parser.add_argument("--computing", action="store_true", help="cancel none before it computes")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    claimed, begun, gone, computing = [], [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        queue = JobQueue(Path(folder))
        command = [sys.executable, "-m", "irs_core", "worker", "--store", folder]
        with (Path(folder) / "worker.log").open("wb") as log:
            worker = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _until(lambda: bool(Roster(Path(folder)).living()))
            for seed in range(arguments.jobs):
                clock = time.monotonic()
                job = queue.add(spec(seed))
                _until(lambda job=job: queue.get(job.id).pid is not None)
                begun.append(time.monotonic() - clock)
                running = queue.get(job.id)
                claimed.append((running.started or 0.0) - running.created)
                if arguments.computing:
                    _until(lambda job=job: queue.get(job.id).done > 0)
                time.sleep(rng.uniform(0, arguments.longest))
                computing += queue.get(job.id).done > 0
                gone.append(_cancel(queue, running))
        finally:
            worker.terminate()
            worker.wait()
    load = os.getloadavg()[0]
    print(
        f"{describe_hardware()}; load average {load:.1f}; {computing} cancelled while computing\n"
    )
    print("| seconds | median | largest |\n|---|---|---|")
    _row("queued to claimed by the worker", claimed)
    _row("queued to its process running", begun)
    _row("cancel to no process left", gone)


def _cancel(queue: JobQueue, job: Job) -> float:
    assert job.pid is not None
    clock = time.monotonic()
    queue.cancel(job.id)
    _until(lambda: not _group_lives(job.pid or 0))
    seconds = time.monotonic() - clock
    _until(lambda: queue.get(job.id).state == "cancelled")
    return seconds


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing happened for {PATIENCE_SECONDS:g} s")
        time.sleep(LOOK_SECONDS)


def _row(name: str, values: Sequence[float]) -> None:
    print(f"| {name} | {statistics.median(values):.2f} | {max(values):.2f} |")


if __name__ == "__main__":
    main()
