"""Predictions per second on 1, 2, ... Dask worker processes of one thread each, on this machine.

    .venv/bin/python benchmarks/cluster.py --workers 1 2 --rounds 3

The scheduler and the process that writes the store run beside the workers, as they would anywhere.
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from irs_core.hardware import describe_hardware
from irs_core.run.options import Progress, RunOptions
from irs_core.run.study import run_study
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.store import Library

ROOT = Path(__file__).parents[1]


@contextmanager
def dask(*words: str) -> Iterator[None]:
    """A scheduler or a worker, ended with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dask", *words, "--host", "127.0.0.1", "--no-dashboard"],
        cwd=ROOT,
        env={**os.environ, "IRS_THREADS": "1", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def connect(address: str, workers: int) -> None:
    """Wait until the scheduler has its workers."""
    from distributed import Client

    deadline = time.monotonic() + 60
    while True:
        try:
            with Client(address, timeout=5, set_as_default=False) as client:
                client.wait_for_workers(workers, timeout=60)
                return
        except OSError:
            if time.monotonic() > deadline:
                raise


def rate(engine: str, seed: int, n: int) -> float:
    """Predictions per second of one study, from its first unit to its last."""
    spec = StudySpec(
        model=ModelSpec("shipped:digits-0.50"),
        data=DataSpec(max=200),
        noise=NoiseSpec(0.5, seed=seed),
        compressions=(parse_compression("fp16"), parse_compression("prune:0.1")),
        n=n,
        n_p=(n // 10,),
    )
    marks: list[tuple[float, int]] = []

    def note(progress: Progress) -> None:
        marks.append((time.perf_counter(), progress.done))

    with tempfile.TemporaryDirectory() as folder:
        run_study(spec, Library(Path(folder)), options=RunOptions(engine=engine), on_progress=note)
    (first, before), (last, after) = marks[0], marks[-1]
    return (after - before) / (last - first)


def main() -> None:
    """Print one row per number of workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3, help="studies per row; the median counts")
    parser.add_argument("--n", type=int, default=10_000, help="draws per input")
    arguments = parser.parse_args()
    print(f"{describe_hardware()}; digits, 200 inputs, n {arguments.n}\n")
    print("| workers | predictions/s | speed-up | efficiency |\n|---|---|---|---|")
    base = 0.0
    for workers in arguments.workers:
        with ExitStack() as stack, socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
            free.close()
            address = f"tcp://127.0.0.1:{port}"
            stack.enter_context(dask("scheduler", "--port", port))
            for _ in range(workers):
                stack.enter_context(dask("worker", address, "--nthreads", "1", "--no-nanny"))
            connect(address, workers)
            rate(address, 0, 1000)  # workers import and compile
            rates = [rate(address, seed, arguments.n) for seed in range(1, 1 + arguments.rounds)]
        found = statistics.median(rates)
        base = base or found / workers
        print(
            f"| {workers} | {found:,.0f} ({min(rates):,.0f} to {max(rates):,.0f}) | "
            f"{found / base:.2f} | {found / base / workers:.0%} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
