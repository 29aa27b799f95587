"""SIGKILL and SIGSTOP at random moments, the clock moved: is any job stranded, lost or doubled?

    PYTHONPATH=. .venv/bin/python benchmarks/chaos.py --events 100 --out chaos.jsonl

Each trial has a store of its own with three queued studies, a stand-in for the app (what the app
does for jobs, in a process of its own) and the worker that it started. Four events strike at random
moments: a victim is killed or stopped, and the time of day jumps. Stopped victims are woken after
some seconds, or only after all is done. Nobody else helps. A job that was interrupted three times
fails with a sentence; it is retried when the minute is over, to see that its evidence is whole. The
same command goes on where it was; several with seeds of their own may run side by side.

Victims: `app`; `worker`; `job`, the job's process; `group`, worker and job at once. A struck app is
followed by struck jobs only: where app, worker and job are all dead nothing is left that could act,
and the next start of the app, or `./irs jobs`, puts the jobs back.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from irs_core.jobs import JobQueue, ensure_worker
from irs_core.run.study import run_study
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.store import ChunkId, Library
from irs_core.store.process import Process, parse

VICTIMS = ("worker", "job", "app", "group")
ORDERS = ("SIGKILL", "SIGSTOP")
EVENTS, JOBS = 4, 3
# Between events.
MOST_SECONDS = 20.0
JUMPS = (-86_400.0, -3_600.0, -20.0, 20.0, 3_600.0, 86_400.0)
GRACE_SECONDS = 60.0
PATIENCE_SECONDS = 240.0
_APP = (
    "import sys; from pathlib import Path; from irs_core.jobs import keep; keep(Path(sys.argv[1]))"
)
# Loaded by every Python process of a trial: the time of day is off by what a file says.
CLOCK = """
import os, time
_real = time.time
def _moved():
    try:
        with open(os.environ["CHAOS_CLOCK"]) as file:
            return _real() + float(file.read())
    except (OSError, ValueError):
        return _real()
time.time = _moved
"""


def study(seed: int) -> StudySpec:
    """A study of some seconds."""
    return StudySpec(
        ModelSpec("shipped:digits-0.50"),
        DataSpec(max=60, holdout=20),
        NoiseSpec(0.5, seed=seed),
        (parse_compression("fp16"), parse_compression("prune:0.1")),
        n=2000,
        n_p=(100, 200),
    )


@dataclass(frozen=True)
class Event:
    """Who is struck with what, how long after the event before, and how far the clock jumps.

    Args:
        woken: Seconds until a stopped victim is woken; None: when all is done.
    """

    victim: str
    order: str
    after: float
    jump: float
    woken: float | None


@dataclass
class Outcome:
    """What became of a trial.

    Args:
        stranded: Jobs that nothing alive was responsible for a minute after the last event.
        failed: Jobs that were interrupted three times, and were retried after the minute.
        done: Jobs that ended `done`.
        equal: Of those, with the digests of an undisturbed run.
        twice: Chunks for which more predictions were counted than they hold.
        partial: Half-written files left at the end.
        attempts: Most attempts of a job.
        seconds: From the last event until all jobs had ended.
    """

    stranded: int
    failed: int
    done: int
    equal: int
    twice: int
    partial: int
    attempts: int
    seconds: float


def plan(seed: int, trial: int) -> list[Event]:
    """The events of a trial; first ones go through all pairs of victim and order in turn."""
    rng = random.Random(f"{seed} {trial}")
    kinds = [(victim, order) for victim in VICTIMS for order in ORDERS]
    events = [_event(rng, kinds[trial % len(kinds)])]
    while len(events) < EVENTS:
        app = any(event.victim == "app" for event in events)
        allowed = [kind for kind in kinds if kind[0] == "job" or (kind[0] != "app" and not app)]
        events.append(_event(rng, rng.choice(allowed)))
    return events


def _event(rng: random.Random, kind: tuple[str, str]) -> Event:
    woken = rng.choice((rng.uniform(2, 10), None)) if kind[1] == "SIGSTOP" else None
    return Event(*kind, rng.uniform(0.5, MOST_SECONDS), rng.choice(JUMPS), woken)


class Trial:
    """A store, its app and its workers, and those who sleep."""

    def __init__(self, folder: Path) -> None:
        """Queue two studies and start the app."""
        self.root = folder / "store"
        self.queue = JobQueue(self.root)
        self._clock = folder / "clock"
        (folder / "sitecustomize.py").write_text(CLOCK)
        paths = os.pathsep.join([str(folder), str(Path(__file__).parents[1])])
        environment = dict(os.environ, PYTHONPATH=paths, CHAOS_CLOCK=str(self._clock))
        self.jobs = [self.queue.add(study(seed)).id for seed in range(JOBS)]
        self.app = subprocess.Popen(
            [sys.executable, "-c", _APP, str(self.root)], env=environment, start_new_session=True
        )
        self._sleeping: list[tuple[float, int]] = []

    def strike(self, event: Event) -> int:
        """Let an event happen; how many processes it struck."""
        self._clock.write_text(str(event.jump))
        pids = self._pids(event.victim)
        for pid in pids:
            _signal(pid, event.order)
            if event.order == "SIGSTOP":
                wakes = time.monotonic() + event.woken if event.woken else float("inf")
                self._sleeping.append((wakes, pid))
        return len(pids)

    def _pids(self, victim: str) -> list[int]:
        if victim == "app":
            return [self.app.pid]
        found = [one.pid for one in self.workers()] if victim != "job" else []
        if victim != "worker":
            found += [job.pid for job in self.queue.jobs() if job.state == "running" and job.pid]
        return found

    def workers(self) -> list[Process]:
        """Workers that live; only looks, where the program's own question would repair."""
        with contextlib.closing(sqlite3.connect(self.root / "jobs.sqlite", timeout=30)) as db:
            rows = db.execute("SELECT process FROM roster").fetchall()
        found = [parse(text) for (text,) in rows]
        return [one for one in found if one is not None and one.condition() != "gone"]

    def wait_for_worker(self) -> None:
        """Let the app start its worker: before, nobody but the app could act."""
        deadline = time.monotonic() + GRACE_SECONDS
        while not self.workers() and time.monotonic() < deadline:
            time.sleep(0.1)

    def wait(self, seconds: float, *, ended: bool = False) -> bool:
        """Let time pass and wake those whose time has come; stop early once all jobs ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.wake(time.monotonic())
            if ended and not any(self.queue.get(job).active for job in self.jobs):
                return True
            time.sleep(0.1)
        return False

    def wake(self, now: float = float("inf")) -> int:
        """Wake those whose time has come; how many."""
        due = [pid for wakes, pid in self._sleeping if wakes <= now]
        self._sleeping = [(wakes, pid) for wakes, pid in self._sleeping if wakes > now]
        for pid in due:
            _signal(pid, "SIGCONT")
        return len(due)

    def stranded(self) -> int:
        """Jobs that nobody alive is responsible for; only looks."""
        active = [job for job in map(self.queue.get, self.jobs) if job.active]
        serving = any(one.condition() == "runs" for one in self.workers())
        return sum(
            self.queue.overdue(job.lease) if job.state == "running" else not serving
            for job in active
        )

    def retry_failed(self) -> int:
        """Retry what failed; how many."""
        failed = [job for job in map(self.queue.get, self.jobs) if job.state == "failed"]
        for job in failed:
            self.queue.retry(job.id)
        return len(failed)

    def result(
        self, reference: Sequence[object], stranded: int, failed: int, seconds: float
    ) -> Outcome:
        """What became of it."""
        ended = [self.queue.get(job) for job in self.jobs]
        done = [job for job in ended if job.state == "done"]
        library = Library(self.root)
        equal = sum(library.open(job.study).record.digests in reference for job in done)
        left = len(list(self.root.rglob(".*.partial")))
        twice = sum(_computed_twice(library, job.study) for job in done)
        attempts = max(job.attempts for job in ended)
        return Outcome(stranded, failed, len(done), equal, twice, left, attempts, seconds)

    def close(self) -> None:
        """End what still lives."""
        self.wake()
        self.app.kill()
        self.app.wait()
        for worker in self.workers():
            _signal(worker.pid, "SIGTERM")
        deadline = time.monotonic() + 20
        while self.workers() and time.monotonic() < deadline:
            time.sleep(0.2)
        for worker in self.workers():
            _signal(worker.pid, "SIGKILL")


def run_trial(events: Sequence[Event], reference: Sequence[object]) -> tuple[Outcome, list[int]]:
    """One trial: what became of it, and how many processes each event struck."""
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as folder:
        trial = Trial(Path(folder))
        try:
            struck = []
            trial.wait_for_worker()
            for event in events:
                trial.wait(event.after)
                struck.append(trial.strike(event))
            clock = time.monotonic()
            stranded = 0
            if not trial.wait(GRACE_SECONDS, ended=True):
                stranded = trial.stranded()
                trial.wait(PATIENCE_SECONDS, ended=True)
            seconds = time.monotonic() - clock
            failed = trial.retry_failed()
            if failed:
                ensure_worker(trial.root)
                trial.wait(PATIENCE_SECONDS, ended=True)
            if trial.wake():
                # Time enough for whoever wakes to write what it must not write.
                trial.wait(8)
            return trial.result(reference, stranded, failed, seconds), struck
        finally:
            trial.close()


def _signal(pid: int, order: str) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, getattr(signal, order))


def _computed_twice(library: Library, study_id: str) -> int:
    twice, found = 0, library.open(study_id)
    for model in found.record.models:
        for evidence_id in model.evidence.values():
            evidence = found.evidence(evidence_id)
            bought: Counter[ChunkId] = Counter()
            for note in evidence.notes():
                bought[ChunkId(note.tile, note.chunk)] += note.draws
            for at, draws in bought.items():
                held = evidence.read_chunk(at)
                twice += draws > int((held != evidence.missing).sum())
    return twice


def main() -> int:
    """Run the trials that the file does not have yet, and print a table; 1 if one went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--events", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("chaos.jsonl"), help="a line per trial")
    arguments = parser.parse_args()
    known = _known(arguments.out, arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        reference = []
        for seed in range(JOBS):
            reference.append(run_study(study(seed), Library(Path(folder))).digests)
    for number in range(-(-arguments.events // EVENTS)):
        if number in known:
            continue
        events = plan(arguments.seed, number)
        outcome, struck = run_trial(events, reference)
        line = {
            "seed": arguments.seed,
            "trial": number,
            "events": [asdict(event) for event in events],
            "struck": struck,
            **asdict(outcome),
        }
        with arguments.out.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(line, flush=True)
        known[number] = line
    return _table(list(known.values()))


def _known(path: Path, seed: int) -> dict[int, dict[str, object]]:
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return {line["trial"]: line for line in lines if line["seed"] == seed}


def _table(lines: list[dict[str, object]]) -> int:
    print("| victim | signal | events | processes struck |\n|---|---|---|---|")
    events, struck = Counter[str](), Counter[str]()
    for line in lines:
        for event, hit in zip(line["events"], line["struck"], strict=True):  # type: ignore[call-overload]
            kind = f"{event['victim']} | {event['order']}"
            events[kind] += 1
            struck[kind] += hit
    for kind in sorted(events):
        print(f"| {kind} | {events[kind]} | {struck[kind]} |")
    total = {
        name: sum(int(str(line[name])) for line in lines)
        for name in ("stranded", "failed", "done", "equal", "twice", "partial")
    }
    seconds = sorted(float(str(line["seconds"])) for line in lines)
    print(f"\n{len(lines)} trials, {JOBS * len(lines)} jobs: {total}")
    print(f"seconds to the end: median {seconds[len(seconds) // 2]:.0f}, most {seconds[-1]:.0f}")
    jobs = JOBS * len(lines)
    good = total["done"] == total["equal"] == jobs and not total["stranded"] + total["twice"]
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
