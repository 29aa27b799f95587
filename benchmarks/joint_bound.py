"""What the joint bound of CIRS saves, against the split of alpha, on the shipped studies.

    python benchmarks/joint_bound.py [--fixed] [TITLE]

Both are planned and certified from the stored draws of each compressed model, over the study's own
budgets and those below. With --fixed, both are made for 3% of n whatever the budget, as in studies
that are made since n_p may follow the original's draws; without it for each budget.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from irs_core import metrics
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.ledger import fixed_split
from irs_core.analysis.tally import count_study
from irs_core.methods import get
from irs_core.spec.settings import Settings
from irs_core.store import Library

CIRS = get("cirs")


def planned(study, bound, fixed):
    """A study's counts, planned under one bound."""
    spec = study.record.spec
    split = fixed_split(spec.n) if fixed else None
    record = replace(study.record, spec=replace(spec, bound=bound, split_draws=split))
    return Analysis(count_study(replace(study, record=record)), Settings.of(spec))


def curve(analysis, name):
    """Draws per input and ACR at each point of the curve, and seconds to certify one."""
    case = analysis.case(name)
    points = range(len(CIRS.points(case)))
    begun = time.process_time()
    made = [CIRS.certify(case, point) for point in points]
    seconds = (time.process_time() - begun) / len(points)
    acr = [float(metrics.counted_radii(one, analysis.labels).mean()) for one in made]
    return np.array([one.n_samples.mean() for one in made]), np.array(acr), seconds


def main() -> None:
    """Print one row per compressed model of the studies."""
    library, fixed, ratios = Library(), "--fixed" in sys.argv, []
    title = next((one for one in sys.argv[1:] if one != "--fixed"), "")
    print("| study | model | fewer draws | ACR, split | ACR, joint | falls by | ms per point |")
    print("|---|---|---|---|---|---|---|")
    for study in library.studies():
        if not study.record.compressed or title not in study.record.title:
            continue
        both = [planned(study, bound, fixed) for bound in ("split", "joint")]
        for model in study.record.compressed:
            (cost, acr, _), (new_cost, new_acr, seconds) = (curve(one, model.name) for one in both)
            ratio = metrics.area_speedups(acr[None], cost[None], new_acr[None], new_cost[None])[0]
            if study.record.spec.data.kind.startswith("cifar"):
                ratios.append(ratio)
            falls = float(np.max(np.maximum.accumulate(new_acr) - new_acr))
            print(
                f"| {study.record.title} | {model.name} | {ratio:.3f} | {acr[-1]:.4f} | "
                f"{new_acr[-1]:.4f} | {falls:.4f} | {1000 * seconds:.0f} |",
                flush=True,
            )
    if ratios:
        print(f"CIFAR-10: least {min(ratios):.3f}, median {np.median(ratios):.3f}")


if __name__ == "__main__":
    main()
