"""How near published numbers are under each accounting, and what that means."""

from collections.abc import Sequence
from math import isfinite

from irs_core.papers.accounting import ACCOUNTINGS, FAIR, PUBLISHED, Accounting
from irs_core.papers.measured import Row

NEAR = 0.25


def is_near(row: Row, accounting: Accounting) -> bool:
    """Whether a speedup under an accounting is within 25% of the published one.

    False where the row has none.
    """
    found = row.accountings.get(accounting.name)
    return found is not None and abs(found.value / row.published.value - 1) <= NEAR


def meaning(rows: Sequence[Row]) -> str:
    """Two sentences about the speedups of a table under every accounting; empty without any."""
    accounted = [row for row in rows if row.accountings]
    if not accounted:
        return ""
    counts = [
        f"{sum(is_near(row, one) for row in accounted)} under “{one.name}”" for one in ACCOUNTINGS
    ]
    shifts = [
        row.accountings[PUBLISHED.name].value / row.accountings[FAIR.name].value
        for row in accounted
    ]
    # Curves that share no range of ACR have no speedup.
    known = [max(one, 1 / one) for one in shifts if isfinite(one) and one > 0]
    moved = (
        f"The accounting alone moves a single speedup by up to a factor of {max(known):.2f}, so "
        "compare"
        if known
        else "Compare"
    )
    return (
        f"Counted in draws, our number is within 25% of the published one in {', '.join(counts)}, "
        f"of {len(accounted)} each. {moved} speedups under one accounting only; "
        f"“{FAIR.name}” alone is what certifying costs where nobody knows the true labels."
    )
