"""SIGKILL at random moments: does every job end "done", with the evidence of an uninterrupted run?

    .venv/bin/python benchmarks/kill_storm.py --trials 20

Victims: the job's process, its worker, and the program that queued the job and started the worker
(as the app does). After each kill a new worker is started if none is alive.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from irs_core.jobs import JobQueue, ensure_worker
from irs_core.run.study import run_study
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.store import ChunkId, Library

VICTIMS = ("job", "worker", "app")
SPEC = StudySpec(
    ModelSpec("shipped:digits-0.50"),
    DataSpec(max=60, holdout=20),
    NoiseSpec(0.5, seed=5),
    (parse_compression("fp16"), parse_compression("prune:0.1")),
    n=4000,
    n_p=(200, 400),
)
_APP = "import sys, time; from pathlib import Path; from irs_core.jobs import ensure_worker;"
_APP += " ensure_worker(Path(sys.argv[1])); time.sleep(600)"


def main() -> int:
    """Run all trials and print a table; 1 if one went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=20, help="kills per victim")
    parser.add_argument("--victims", nargs="+", choices=VICTIMS, default=VICTIMS)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        reference = run_study(SPEC, Library(Path(folder))).digests
        seconds = time.monotonic() - started
    wrong = 0
    print("| victim | kills | done, equal digests | chunks computed twice, most | attempts, most |")
    print("|---|---|---|---|---|")
    for victim in arguments.victims:
        moments = [rng.uniform(1, 6 + seconds) for _ in range(arguments.trials)]
        results = [trial(victim, moment, reference) for moment in moments]
        good = sum(equal for equal, _, _ in results)
        wrong += len(results) - good
        twice, attempts = (max(column) for column in list(zip(*results, strict=True))[1:])
        print(f"| {victim} | {len(results)} | {good} | {twice} | {attempts} |", flush=True)
    return 1 if wrong else 0


def trial(victim: str, moment: float, reference: object) -> tuple[bool, int, int]:
    """One kill: whether the digests are right, chunks computed twice, attempts."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        queue = JobQueue(root)
        job = queue.add(SPEC)
        app = subprocess.Popen([sys.executable, "-c", _APP, folder])
        try:
            time.sleep(moment)
            _kill(victim, queue, job.id, app)
            deadline = time.monotonic() + 180
            while queue.get(job.id).active and time.monotonic() < deadline:
                # Until the one before has loaded its libraries, every call starts another worker.
                ensure_worker(root)
                time.sleep(5)
            if queue.get(job.id).state == "failed":
                # A person would press Retry; what was computed is kept.
                queue.retry(job.id)
                while queue.get(job.id).active and time.monotonic() < deadline:
                    time.sleep(0.5)
            ended = queue.get(job.id)
            study = Library(root).open(SPEC.id)
            equal = ended.state == "done" and study.record.digests == reference
            return equal, _computed_twice(root), ended.attempts
        finally:
            app.kill()
            app.wait()
            for pid in queue.worker_pids():
                _signal(pid, signal.SIGTERM)
            time.sleep(1)


def _kill(victim: str, queue: JobQueue, job_id: int, app: "subprocess.Popen[bytes]") -> None:
    pids = {"app": [app.pid], "worker": queue.worker_pids(), "job": [queue.get(job_id).pid]}
    for pid in pids[victim]:
        if pid is not None:
            _signal(pid, signal.SIGKILL)


def _signal(pid: int, order: signal.Signals) -> None:
    try:
        os.kill(pid, order)
    except ProcessLookupError:
        return


def _computed_twice(root: Path) -> int:
    """Chunks for which more predictions were computed than they hold."""
    twice = 0
    for array in Library(root).evidence_folder.iterdir():
        bought: Counter[tuple[int, int]] = Counter()
        evidence = Library(root).open(SPEC.id).evidence(array.name)
        for note in evidence.notes():
            bought[note.tile, note.chunk] += note.draws
        for at, draws in bought.items():
            held = evidence.read_chunk(ChunkId(*at))
            twice += draws > int((held != evidence.missing).sum())
    return twice


if __name__ == "__main__":
    sys.exit(main())
