"""Draws that sequential certification takes at a radius, replayed on the shipped CIFAR-10 studies.

PYTHONPATH=. .venv/bin/python benchmarks/sequential.py
"""

from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import mkdtemp

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.kept_tally import open_tally
from irs_core.analysis.replay import SequentialRun, live_runs, sequential_run
from irs_core.analysis.tally import count_study
from irs_core.spec.settings import Settings
from irs_core.store import BASE, Library, Study

MODELS = ("int8", "prune:0.1")


def main() -> None:
    """Print one row per study, radius and model."""
    library = Library(Path(mkdtemp()))
    print(
        "| study | model | r | seq certified | draws | RS at 1,000 | IRS at 1,000 | fewer draws |"
    )
    print("|---|---|---|---|---|---|---|---|")
    ratios = []
    for sigma in ("0.25", "0.5", "1"):
        title = f"CIFAR-10, ResNet-20, sigma {sigma}"
        study = next(one for one in library.studies() if one.record.title == title)
        spec = study.record.spec
        analysis = Analysis(open_tally(study, library.root), Settings.of(spec))
        budget = spec.n_p.index(1000)
        for name in MODELS:
            for share in (0.5, 1.0, 1.5):
                radius = share * spec.noise.sigma
                run = sequential_run(study, name, radius)
                fixed = [
                    int((analysis.certify(name, one, budget).radius >= radius).sum())
                    for one in ("rs", "irs")
                ]
                ratio = 1000 / run.draws
                ratios.append(ratio)
                print(
                    f"| {sigma} | {name} | {radius:g} | {run.certified} | {run.draws:.1f} | "
                    f"{fixed[0]} | {fixed[1]} | {ratio:.1f} |"
                )
    print(f"least {min(ratios):.1f}, median {median(ratios):.1f} times fewer draws")


def original() -> None:
    """Print one row per study and radius of the original alone, by the rules of a live run."""
    library = Library(Path(mkdtemp()))
    print("| study | r | seq certified | draws | RS at 10,000 | fewer draws |")
    print("|---|---|---|---|---|---|")
    for sigma in ("0.25", "0.5", "1"):
        title = f"CIFAR-10, ResNet-20, sigma {sigma}"
        study = next(one for one in library.studies() if one.record.title == title)
        spec = study.record.spec
        fixed = Analysis(open_tally(study, library.root), Settings.of(spec)).base.radius
        for share in (0.5, 1.0, 1.5):
            radius = share * spec.noise.sigma
            run = alone(study, radius)
            print(
                f"| {sigma} | {radius:g} | {run.certified} | {run.draws:.1f} | "
                f"{int((fixed >= radius).sum())} | {spec.n / run.draws:.1f} |"
            )


def alone(study: Study, radius: float) -> SequentialRun:
    """What the original alone would have drawn in a study of its own."""
    record = study.record
    spec = replace(
        record.spec,
        compressions=(),
        methods=("seq",),
        radii=(radius,),
        bound="split",
        split_draws=None,
    )
    models = tuple(one for one in record.models if one is record.base)
    tally = count_study(replace(study, record=replace(record, spec=spec, models=models)))
    return live_runs(Analysis(tally, Settings.of(spec)), BASE)[0]


if __name__ == "__main__":
    main()
    original()
