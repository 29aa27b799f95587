"""What two-sided radii bring on the evidence that comes along."""

from dataclasses import replace

import pytest

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.tally import count_study
from irs_core.metrics import counted_radii
from irs_core.spec.settings import Settings
from irs_core.store import Library


@pytest.mark.parametrize(
    ("study", "more"), [("28dae8", 0.014), ("f6529b", 0.035), ("5d4e46", 0.112)]
)
def test_the_original_gains_as_much_as_foreseen(study, more):
    opened = Library().open(study)
    # Counting the original takes no compressed model.
    record = replace(opened.record, models=opened.record.models[:1])
    record = replace(record, spec=replace(record.spec, compressions=()))
    tally = count_study(replace(opened, record=record))
    own = Settings.of(record.spec)
    one, two = (
        Analysis(tally, replace(own, convention=convention))
        for convention in ("one-sided", "two-sided")
    )
    usual, wider = (float(counted_radii(each.base, each.labels).mean()) for each in (one, two))
    assert wider / usual - 1 == pytest.approx(more, abs=0.005)
