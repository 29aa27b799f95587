"""Tables 2 and 3 of IRS from the evidence that ships: how near each accounting comes."""

import pytest

from irs_core.papers import ACCOUNTINGS, find_table, is_near, measure_table
from irs_core.papers.accounting import FAIR, PUBLISHED, RELEASED
from irs_core.store import Library


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    studies = Library(tmp_path_factory.mktemp("shipped")).studies()
    found = [row for key in ("2", "3") for row in measure_table(find_table(key), studies)]
    return [row for row in found if row.published.row["architecture"] == "resnet20"]


def test_at_least_16_of_18_are_near_as_published(rows):
    assert len(rows) == 18
    assert sum(is_near(row, PUBLISHED) for row in rows) >= 16
    far = [(row.published.row["sigma"], row.model) for row in rows if not is_near(row, PUBLISHED)]
    assert far == [("1.0", "prune:0.05"), ("1.0", "prune:0.2")]


def test_all_are_near_by_the_released_code_and_where_all_is_paid(rows):
    for accounting in (RELEASED, FAIR):
        assert all(is_near(row, accounting) for row in rows)


def test_who_pays_moves_a_speedup_most_where_f_is_wrong_most(rows):
    by_cell = {(row.published.row["sigma"], row.model): row.accountings for row in rows}
    for sigma, published, released, fair in (
        ("0.25", 1.44, 1.19, 1.48),
        ("0.5", 1.94, 1.51, 1.62),
        ("1.0", 3.40, 2.52, 2.40),
    ):
        found = [by_cell[sigma, "fp16"][one.name].value for one in ACCOUNTINGS]
        assert found == pytest.approx([published, released, fair], abs=0.005)


def test_the_papers_int8_is_the_dynamic_one(rows):
    models = {row.model for row in rows if row.published.row["approximation"] == "int8"}
    assert models == {"int8-dynamic"}
