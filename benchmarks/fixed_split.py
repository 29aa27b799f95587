"""What goals give up by one split of alpha and one threshold, made for 3% of n, at every budget.

    python benchmarks/fixed_split.py

Of the shipped studies with a baseline: the ACR that CIRS expects with them, over the ACR that it
expects with a split and a threshold made for the budget itself.
"""

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.kept_tally import open_tally
from irs_core.goals.goal import goal_spec
from irs_core.goals.outlook import expected_acr
from irs_core.spec.settings import Settings
from irs_core.store import Library

SHARES = (0.0025, 0.005, 0.01, 0.03, 0.1)
MODEL = "int8"


def main() -> None:
    """Print one table."""
    library = Library()
    print("| study | " + " | ".join(f"{share:.2%}" for share in SHARES) + " |")
    print("|---" * (1 + len(SHARES)) + "|")
    for study in library.studies():
        spec = study.record.spec
        if spec.n != 10_000 or MODEL not in [one.name for one in study.record.compressed]:
            continue
        analysis = Analysis(open_tally(study, library.root), Settings.of(spec))
        own = analysis.tally.compressed[MODEL].own["cirs"].planner
        fixed = replace(own, split_draws=goal_spec(spec).split_draws)
        ratios = []
        for share in SHARES:
            one, other = (
                expected_acr(analysis, planner.plan(share * spec.n)) for planner in (fixed, own)
            )
            ratios.append(f"{one / other:.3f}")
        print(f"| {study.record.title} | " + " | ".join(ratios) + " |")


if __name__ == "__main__":
    main()
