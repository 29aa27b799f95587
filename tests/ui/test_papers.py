"""Counterparts of published figures."""

from dataclasses import replace

import pytest

from irs_core.analysis.results import Comparison, Interval
from irs_core.cli.papers import text_table
from irs_core.papers import (
    ACCOUNTINGS,
    PARTS,
    TABLES,
    PaperTable,
    Published,
    Row,
    meaning,
    measure_table,
)
from irs_core.spec.outward import Direction
from ui.explore import papers, reproduction
from ui.shared import columns, grid
from ui.shared.entries import Panel

PANEL = Panel("int8", "int8", "#000000", Comparison({}, {}))


def test_figure_2_has_the_numbers_that_the_paper_gives() -> None:
    view = reproduction.paper_figure("2")
    figure = papers.figure(view)
    assert [trace.name.rpartition(" ")[2] for trace in figure.data] == ["0.50%", "0.75%", "1.00%"]
    draws = dict(zip(figure.data[0].x, figure.data[0].y, strict=True))
    # Printed as 41,500 and 216,900.
    assert draws[0.05] == pytest.approx(41_500, abs=50)
    assert draws[0.5] == pytest.approx(216_900, abs=50)
    frame = papers.figure_table(view)
    assert frame["draws"].max() == draws[0.5]


def test_figure_4_shows_two_intervals_at_three_errors() -> None:
    view = reproduction.paper_figure("4")
    figure = papers.figure(view)
    assert len(figure.data) == 6
    assert len({trace.line.color for trace in figure.data}) == 3
    assert len({trace.line.dash for trace in figure.data}) == 2
    for trace in figure.data:
        # Most draws at p = 0.5, fewest at the ends.
        assert max(trace.y) == trace.y[50]
        assert min(trace.y) == min(trace.y[0], trace.y[-1])


@pytest.mark.parametrize("key", ["3", "5", "8", "9", "10"])
def test_figures_with_costs_say_what_these_count(key: str) -> None:
    """Each speedup that a panel shows is named by its accounting, and so is the paper's."""
    said = papers.figure_accounting(key, papers.FigureView("", panels=(PANEL,)))
    assert "*fair*" in said
    assert "images that the original gets wrong cost IRS nothing" in said
    assert "int8 here is of every layer" in said


@pytest.mark.parametrize("key", ["2", "4", "6"])
def test_figures_without_costs_count_nothing(key: str) -> None:
    assert papers.figure_accounting(key, papers.FigureView("")) == ""


def test_figures_of_studies_come_before_computed_ones() -> None:
    assert papers.first_figure(["2", "4"]) == 0
    assert papers.first_figure(["2", "4", "8"]) == 2


def test_every_figure_names_parts_that_exist() -> None:
    keys = {part.key for part in PARTS}
    for figure in papers.FIGURES.values():
        assert set(figure.parts) <= keys
        assert bool(figure.parts) != bool(figure.intervals)


@pytest.mark.parametrize(
    ("side", "text", "cell"),
    [
        ("down", "0.4876", 0.487),
        ("up", "0.4877", 0.488),
        ("counted", "0.4876", 0.487),
        ("nearest", "0.4877", 0.48766),
    ],
)
def test_measured_numbers_hold_as_shown(side: Direction, text: str, cell: float) -> None:
    published = Published(0.5, 0.001, {"dataset": "cifar10", "sigma": "0.5"})
    row = Row(published, Interval(0.48766, 0.41236, 0.51234), "id", 500, "", side=side)
    ends = ("0.4123", "0.5124")
    assert row.texts == (text, *ends)
    measured, _ = papers.published_and_measured([row], "ACR").data
    assert [tuple(one) for one in measured.customdata] == [(text, *ends)]
    assert "%{x" not in measured.hovertemplate
    shown = grid._outward(papers.paper_table([row]), columns.papers())
    assert shown["measured"].tolist() == [cell]
    printed = text_table([row])
    assert f" {text} " in printed
    assert " to ".join(ends) in printed


def test_every_quantity_says_how_it_is_rounded() -> None:
    sides = {table.quantity: measured_side(table) for table in TABLES}
    assert sides["gamma-acr"] == "down"
    assert sides["zeta"] == "up"
    assert sides["certified"] == sides["smoothed"] == "counted"
    assert sides["speedup"] == "nearest"


def measured_side(table: PaperTable) -> Direction:
    return measure_table(table, [])[0].side


def test_marks_of_accountings_stand_on_the_rows_that_have_some() -> None:
    def row(approximation: str, **found: float) -> Row:
        published = Published(1.5, 0.1, {"sigma": "0.5", "approximation": approximation})
        intervals = {name: Interval(one, one, one) for name, one in found.items()}
        return Row(published, Interval(1.4, 1.3, 1.5), "id", 9, "", accountings=intervals)

    rows = [row("fp16", **{"as published": 1.6, "fair": 1.25}), row("bf16")]
    traces = papers.published_and_measured(rows, "speedup").data[2:]
    assert [(one.name, tuple(one.x)) for one in traces] == [
        ("as published, in draws", (1.6,)),
        ("fair, in draws", (1.25,)),
    ]
    assert all(tuple(one.y) == (papers.label(rows[0]),) for one in traces)
    frame = papers.paper_table(rows)
    assert frame["as published"].tolist()[0] == 1.6
    assert frame["as published"].isna().tolist() == [False, True]


def test_printed_speedups_say_what_the_accountings_charge() -> None:
    rows = measure_table(next(table for table in TABLES if table.key == "2"), [])
    assert "in draws" not in text_table(rows)
    accounted = replace(
        rows[0], accountings={one.name: Interval(1.4, 1.3, 1.5) for one in ACCOUNTINGS}
    )
    printed = text_table([accounted, *rows[1:]])
    for one in ACCOUNTINGS:
        assert f"{one.name} (in draws): {one.rule}" in printed
    assert printed.endswith(meaning([accounted]))
