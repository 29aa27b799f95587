"""Published speedups of IRS under three accountings, and IntRS at more draws, from shipped studies.

    PYTHONPATH=. .venv/bin/python benchmarks/published_speedups.py

Prints the tables of benchmarks/RESULTS.md. Draws are counted; no time is measured.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.results import share_interval
from irs_core.analysis.tally import tally_study
from irs_core.metrics import area_speedups
from irs_core.papers import ACCOUNTINGS, PARTS, find_part, find_table, is_near, measure_table
from irs_core.papers.accounting import GAMMA, as_published, mean_of_ratios, released_code
from irs_core.papers.intrs import RADII, certify_from_scratch, published_shares
from irs_core.spec.settings import Settings
from irs_core.store import BASE, Library, Study

SIGMAS, MODEL, ALPHA = (0.25, 0.5, 1.0), "fp16", 0.001


def print_accountings(studies: tuple[Study, ...]) -> None:
    """Tables 2 and 3, ResNet-20."""
    rows = [row for key in ("2", "3") for row in measure_table(find_table(key), studies)]
    rows = [row for row in rows if row.accountings]
    print("| sigma | compression | measured on | published | as published | released code | fair |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        cells = [
            f"{one.value:.2f} [{one.low:.2f}, {one.high:.2f}], "
            f"{one.value / row.published.value - 1:+.0%}"
            for one in row.accountings.values()
        ]
        described = row.published.row
        print(
            f"| {described['sigma']} | {described['approximation']} | {row.model} | "
            f"{row.published.value:g} | {' | '.join(cells)} |"
        )
    for one in ACCOUNTINGS:
        off = np.mean([abs(r.accountings[one.name].value / r.published.value - 1) for r in rows])
        print(
            f"{one.name}: {sum(is_near(row, one) for row in rows)} of {len(rows)} within 25%, "
            f"off by {off:.0%} on average"
        )


def steps(study: Study) -> list[float]:
    """Speedups of fp16 as rule after rule of the released code is added, and with areas."""
    settings = replace(Settings.of(study.record.spec), gamma=GAMMA)
    analysis = Analysis(tally_study(study), settings)
    baseline, irs = as_published(analysis, MODEL)
    n_p = np.asarray(irs.n_p, np.float64)
    own = analysis.tally.compressed[MODEL].scratch_candidate[analysis.rows] == analysis.labels
    stopping = replace(baseline, draws=n_p // 100 + np.where(own[:, None], n_p, 0.0))
    undecided = analysis.cache.p_lower < 0.5
    skipping = replace(irs, draws=np.where(undecided[:, None], 0.0, irs.draws))
    released = released_code(analysis, study, MODEL)
    areas = area_speedups(*baseline.sums("draws"), *irs.sums("draws"))
    pairs = (baseline, irs), (stopping, irs), (stopping, skipping), released
    return [*(mean_of_ratios(*pair).value for pair in pairs), float(areas[0])]


def print_more_draws(study: Study) -> None:
    """FloatRS-fp of IntRS at the draws of the page and at all that are stored."""
    record = study.record
    labels = np.asarray(record.data.labels)[np.asarray(record.data.reported)]
    sigma = record.spec.noise.sigma
    published = published_shares(sigma, train_sigma=sigma)
    for draws in (1000, record.spec.n):
        made = certify_from_scratch(study, BASE, n=draws, alpha=ALPHA)
        shares = [
            share_interval((made.predicted == labels) & (made.radius > radius)) for radius in RADII
        ]
        cells = [f"{one.value:.3f}" for one in shares]
        inside = sum(
            one.low - 0.01 <= published["FloatRS-fp", radius] <= one.high + 0.01
            for one, radius in zip(shares, RADII, strict=True)
        )
        print(f"| {sigma} | {draws:,} | {' | '.join(cells)} | {inside} of {len(RADII)} |")
    cells = [f"{published['FloatRS-fp', radius]:.2f}" for radius in RADII]
    print(f"| {sigma} | published | {' | '.join(cells)} | |")


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as folder:
        studies = Library(Path(folder)).studies()
        print_accountings(studies)
        keys = {f"cifar10-resnet20-{sigma:.2f}" for sigma in SIGMAS}
        found = [find_part(studies, part) for part in PARTS if part.key in keys]
        chosen = [study for study in found if study is not None]
        print(
            "\n| sigma | as published | baseline stops | f abstains: free | released code | area |"
        )
        print("|---|---|---|---|---|---|")
        for study in chosen:
            cells = " | ".join(f"{one:.2f}" for one in steps(study))
            print(f"| {study.record.spec.noise.sigma} | {cells} |")
        print(f"\n| sigma | draws | {' | '.join(f'r = {one}' for one in RADII)} | within |")
        print("|---|---|" + "---|" * (len(RADII) + 1))
        for study in chosen:
            print_more_draws(study)


if __name__ == "__main__":
    main()
