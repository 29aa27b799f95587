"""Recertifying a real int8 network at a radius: `seq` as people run it, against the published way.

    PYTHONPATH=. .venv/bin/python benchmarks/sequential_live.py FOLDER [ROUNDS]

FOLDER holds the CIFAR-10 images (`test/airplane/...`). Given on both sides: the original, certified
in the store, and the int8 network as a file. Timed of `seq`: the whole command, from the start of
the interpreter to the printed table. Of the published way (IRS with 1,000 draws; from scratch with
10,000): draws over the rate of the published loop (eager fp32, batch 400), measured between the
runs of `seq`.
"""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.kept_tally import open_tally
from irs_core.analysis.replay import live_runs
from irs_core.bench import BenchSpec, run_bench
from irs_core.data import load_dataset
from irs_core.models import load_model
from irs_core.run.options import RunOptions
from irs_core.run.prepare import prepare
from irs_core.spec.compressions import Int8Static
from irs_core.spec.settings import Settings
from irs_core.store import BASE, Library, Study

TITLE, RADIUS = "CIFAR-10, ResNet-20, sigma 0.5", 0.5


def main() -> None:
    """Print the times, the draws and the certified inputs of each way."""
    images, rounds = Path(sys.argv[1]).absolute(), int(sys.argv[2]) if sys.argv[2:] else 3
    with TemporaryDirectory() as folder:
        store, network = Path(folder) / "store", Path(folder) / "int8.xml"
        library = Library(store)
        study = next(one for one in library.studies() if one.record.title == TITLE)
        library.take_over(study)
        _write_int8(study, images, network)
        # All its draws are there; what it left behind is what any certified original leaves.
        _certify(study, images, store, "--compress")
        seconds, rates = [], []
        for at in range(rounds):
            copy = Path(folder) / f"store-{at}"
            shutil.copytree(store, copy)
            goal = ("--method", "seq", "--radius", str(RADIUS), "--compress", f"file:{network}")
            seconds.append(_certify(study, images, copy, *goal))
            rates.append(_published_rate(study))
        _print(study, seconds, rates, Path(folder) / f"store-{rounds - 1}")


def _write_int8(study: Study, images: Path, network: Path) -> None:
    spec = study.record.spec
    spec = replace(spec, compressions=(Int8Static(),), data=replace(spec.data, root=str(images)))
    base, dataset = load_model(spec.model), load_dataset(spec.data)
    made = [one for one in prepare(spec, base, dataset, RunOptions()) if one.name != BASE]
    graph = made[0].pack().graph
    assert graph is not None
    network.write_bytes(graph[0])
    network.with_suffix(".bin").write_bytes(graph[1])


def _certify(study: Study, images: Path, store: Path, *more: str) -> float:
    spec = study.record.spec
    data = spec.data
    command = [sys.executable, "-m", "irs_core", "certify", "--store", str(store)]
    command += ["--model", spec.model.weights, "--data", data.kind, "--root", str(images)]
    command += ["--split", data.split, "--skip", str(data.stride), "--max", str(data.max)]
    command += ["--holdout", str(data.holdout), "--sigma", str(spec.noise.sigma)]
    command += ["--n0", str(spec.n0), "--n", str(spec.n), "--np", "1000", "--no-baseline"]
    command += more
    clock = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return perf_counter() - clock


def _published_rate(study: Study) -> float:
    weights = study.record.spec.model.weights
    (row,) = run_bench(BenchSpec(weights=weights, seconds=10, rounds=1), ("published loop",))
    return row.rate


def _print(study: Study, seconds: list[float], rates: list[float], store: Path) -> None:
    spec, library = study.record.spec, Library(store)
    own = next(one for one in library.studies() if one.record.spec.radii)
    analysis = Analysis(open_tally(own, store), Settings.of(own.record.spec))
    (run,) = live_runs(analysis, own.record.compressed[0].name)
    fixed = Analysis(open_tally(study, store), Settings.of(spec))
    budget = spec.n_p.index(1000)
    counts = {
        one: int((fixed.certify("int8", one, budget).radius >= RADIUS).sum())
        for one in ("irs", "rs")
    }
    took, rate = median(seconds), median(rates)
    print(f"seq: {', '.join(f'{one:.1f}' for one in seconds)} s; {run.sentence}")
    print(f"published loop: {', '.join(f'{one:.0f}' for one in rates)} draws/s")
    for name, draws, found in (
        ("IRS, 1,000 draws", 1000, counts["irs"]),
        ("from scratch, 10,000 draws", 10_000, None),
    ):
        whole = run.inputs * draws / rate
        tail = "" if found is None else f"; {found} certified (RS with 1,000: {counts['rs']})"
        print(f"{name}: {whole:.0f} s, {whole / took:.0f} times as long{tail}")


if __name__ == "__main__":
    main()
