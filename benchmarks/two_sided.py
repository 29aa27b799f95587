"""What two-sided radii bring, and what they take, on the shipped CIFAR-10 studies.

    python benchmarks/two_sided.py

From stored draws, no forward pass: the original by RS, int8 by RS and by CIRS at the largest n_p,
as studies are made by the program (joint bound, made for 3% of n).
"""

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.ledger import fixed_split
from irs_core.analysis.tally import count_study
from irs_core.metrics import counted_radii
from irs_core.spec.convention import CONVENTIONS
from irs_core.spec.outward import down
from irs_core.spec.settings import Settings
from irs_core.store import BASE, Library

STUDIES, MODEL = ("28dae8", "f6529b", "5d4e46"), "int8"


def main() -> None:
    """Print one row per study and way."""
    print("| study | way | ACR, one-sided | two-sided | more | draws | two-sided |")
    print("|---|---|---|---|---|---|---|")
    for one in STUDIES:
        study = Library().open(one)
        record = study.record
        spec = replace(record.spec, bound="joint", split_draws=fixed_split(record.spec.n))
        models = tuple(each for each in record.models if each.name in (BASE, MODEL))
        tally = count_study(replace(study, record=replace(record, spec=spec, models=models)))
        own = Settings.of(spec)
        both = [Analysis(tally, replace(own, convention=each)) for each in CONVENTIONS]
        last = len(tally.budgets) - 1
        made = {
            "original": [each.base for each in both],
            "int8, RS": [each.certify(MODEL, "rs", last) for each in both],
            "int8, CIRS": [each.certify(MODEL, "cirs", last) for each in both],
        }
        for way, pair in made.items():
            usual, wider = (float(counted_radii(each, both[0].labels).mean()) for each in pair)
            draws = [float(each.n_samples.mean()) for each in pair]
            print(
                f"| sigma {spec.noise.sigma:g} | {way} | {down(usual, 4)} | {down(wider, 4)} | "
                f"{wider / usual - 1:+.1%} | {draws[0]:,.0f} | {draws[1]:,.0f} |"
            )


if __name__ == "__main__":
    main()
