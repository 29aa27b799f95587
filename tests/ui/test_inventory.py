"""What a model or a data set is said to be."""

from irs_core.spec.study import DataSpec
from ui.shared import inventory


def test_data_facts_count_what_is_selected() -> None:
    facts = inventory.data_facts(DataSpec(start=5, stride=2, max=30, holdout=7))
    assert (facts.reported, facts.held_out, facts.total) == (30, 7, 449)
