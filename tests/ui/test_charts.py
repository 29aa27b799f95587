"""Figures from plain data: their traces, axes and marks."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from irs_core.analysis.results import Comparison, Interval, Point, Summary
from irs_core.analysis.sweep import Sweep
from ui.explore import charts, distributions, pareto
from ui.shared import choice, tables, theme
from ui.shared.entries import ModelRow, Panel


def point(n_p: int, acr: float, seconds: float = 1.0) -> Point:
    return Point(n_p, Interval(acr, acr - 0.1, acr + 0.1), seconds, 40 * n_p)


def row(name: str, acr: float, size: int) -> ModelRow:
    numbers = [Interval(one, one - 0.1, one + 0.1) for one in (0.9, acr, 0.2, 2.0, 3.0)]
    summary = Summary(name, 100, *numbers, failure=0.002)
    made = ModelRow(name, theme.PALETTE[0], "", summary, size, size, 0.01, 0.9, 0.5)
    return replace(made, equal=np.full(2000, acr), largest=1.0)


def panel(name: str) -> Panel:
    irs = (point(100, 0.4, 1.0), point(200, 0.6, 2.0))
    rs = (point(100, 0.3, 2.0), point(200, 0.5, 4.0))
    speedups = {
        ("irs", "seconds"): Interval(2.5, 2.0, 3.0),
        ("irs", "draws"): Interval(3.5, 3.0, 4.0),
    }
    return Panel(name, name, theme.PALETTE[1], Comparison({"rs": rs, "irs": irs}, speedups))


def named(figure: charts.go.Figure) -> list[str]:
    return [trace.name for trace in figure.data if trace.name]


def axis_titles(figure: charts.go.Figure) -> set[str]:
    layout = figure.to_dict()["layout"]
    axes = [value for key, value in layout.items() if key.startswith(("xaxis", "yaxis"))]
    return {axis["title"]["text"] for axis in axes if axis.get("title", {}).get("text")}


def test_pareto_fades_what_is_dominated_and_draws_intervals() -> None:
    rows = [row("base", 0.6, 80_000), row("fp16", 0.5, 40_000), row("prune:0.1", 0.4, 60_000)]
    figure = pareto.pareto(rows, "size")
    frontier, base, half, pruned = figure.data
    assert frontier.x == (40.0, 80.0)
    assert base.marker.symbol == "diamond"
    assert half.x == (40.0,)
    assert half.error_y.array == pytest.approx((0.1,))
    assert (half.marker.opacity, pruned.marker.opacity) == (1, 0.4)
    assert "dominated by fp16" in pruned.hovertemplate
    assert axis_titles(figure) == {"size of the weights (kB)", charts.ACR_TITLE}


def test_names_beside_points_never_overlap() -> None:
    rows = [row(f"prune:0.{at:02d}", 0.4 + at / 1000, 5_000 * at) for at in range(1, 11)]
    names = pareto.pareto(rows, "size").layout.annotations
    assert 1 < len(names) < len(rows)
    # Letters of this size, on an axis of 600 pixels.
    width = 7 * len(names[0].text) / 600 * 50
    starts = sorted(one.x - (width if one.xanchor == "right" else 0) for one in names)
    assert all(start + width <= after for start, after in pairwise(starts))
    # Letters are in the ink of the theme; colours of marks are too pale for them.
    assert {one.font.color for one in names} == {None}


def test_pareto_compares_at_equal_draws_where_all_have_them() -> None:
    equal = [Interval(one, one - 0.1, one + 0.1) for one in (0.5, 0.49)]
    base, half = row("base", 0.6, 80_000), row("fp16", 0.49, 40_000)
    rows = [replace(one, equal_acr=acr) for one, acr in zip((base, half), equal, strict=True)]
    figure = pareto.pareto(rows, "size")
    assert [trace.y for trace in figure.data[1:]] == [(0.5,), (0.49,)]
    assert "ACR at equal draws (pixel units)" in axis_titles(figure)
    assert pareto.points(rows, "size")["ACR at equal draws"].tolist() == [0.5, 0.49]
    # Certifying costs what it costs at each model's own draws, and the radius belongs to these.
    assert pareto.points(rows, "recertification")["ACR"].tolist() == [0.6, 0.49]
    assert pareto.points([rows[0], half], "size")["ACR"].tolist() == [0.6, 0.49]


def test_a_difference_that_can_be_chance_dominates_nobody() -> None:
    rng = np.random.default_rng(0)
    base, one, other = row("base", 0.6, 80_000), row("fp16", 0.5, 40_000), row("int8", 0.5, 60_000)
    rows = [
        base,
        replace(one, equal=rng.uniform(0, 1, 500)),
        replace(other, equal=rng.uniform(0, 1, 500)),
    ]
    assert choice.dominated_by([replace(base, equal=np.full(500, 0.6)), *rows[1:]], "size") == {}
    # Without draws to compare nothing is said.
    assert choice.dominated_by([replace(one, equal=None) for one in rows], "size") == {}


def test_one_figure_has_dashes_by_study_and_colours_by_model() -> None:
    first = replace(panel("fp16"), study="a")
    figure = charts.acr_in_one([first, replace(first, study="b")], "draws", scratch=True)
    assert named(figure) == ["fp16, a, IRS", "fp16, a, RS", "fp16, b, IRS", "fp16, b, RS"]
    irs_a, _, irs_b, _ = figure.data
    assert irs_a.line.color == irs_b.line.color == theme.PALETTE[1]
    assert (irs_a.line.dash, irs_b.line.dash) == ("solid", "dash")
    assert irs_a.x == (4000.0, 8000.0)


@pytest.mark.parametrize(("cost", "x"), [("seconds", (1.0, 2.0)), ("draws", (4000.0, 8000.0))])
def test_cost_chart_draws_both_methods_in_each_panel(cost: charts.Cost, x: tuple[float]) -> None:
    figure = charts.acr_against_cost([panel("fp16"), panel("int8"), panel("prune")], cost)
    curves = [trace for trace in figure.data if trace.name]
    assert [trace.name for trace in curves] == ["RS, from scratch", "IRS, incremental"] * 3
    assert [trace.showlegend for trace in curves] == [True, True] + [False] * 4
    baseline, irs = curves[:2]
    assert irs.x == x
    assert irs.line.dash == "solid"
    assert baseline.line.dash == "dash"
    assert irs.line.color == theme.PALETTE[1]
    speedup = "2.50" if cost == "seconds" else "3.50"
    assert figure.layout.annotations[0].text == f"fp16<br>IRS {speedup}×"
    assert axis_titles(figure) == {charts._COST_WORDS[cost], charts.ACR_TITLE}


def test_the_legend_of_panels_in_several_colours_has_none_of_them() -> None:
    """Its names stand for every panel: by dash and marker, in no model's colour."""
    panels = [panel("fp16"), replace(panel("int8"), colour=theme.PALETTE[0])]
    figure = charts.acr_against_cost(panels, "draws")
    shown = [trace for trace in figure.data if trace.showlegend and trace.name]
    assert [trace.name for trace in shown] == ["RS, from scratch", "IRS, incremental"]
    assert {trace.line.color for trace in shown} == {theme.NEUTRAL}
    assert [trace.x for trace in shown] == [(None,), (None,)]
    # A click on a name still hides the curves of that method in every panel.
    grouped = [trace for trace in figure.data if trace.legendgroup == "IRS, incremental"]
    assert [trace.line.color for trace in grouped[1:]] == [theme.PALETTE[1], theme.PALETTE[0]]


def test_cost_chart_shades_the_range_that_both_reach() -> None:
    (shape,) = charts.acr_against_cost([panel("fp16")], "seconds").layout.shapes
    assert (shape.y0, shape.y1) == (0.4, 0.5)


def test_zeta_histogram_counts_every_input_and_marks_the_floor() -> None:
    figure = distributions.zeta_histogram([0.00995, 0.00995, 0.02, 0.3], 0.00995, theme.PALETTE[0])
    assert sum(figure.data[0].y) == 4
    assert figure.layout.shapes[0].x0 == 0.00995
    assert "0.0100" in figure.layout.annotations[0].text


def test_zeta_histogram_begins_at_the_floor() -> None:
    figure = distributions.zeta_histogram([0.1, 0.2], 0.1, theme.PALETTE[0])
    assert figure.data[0].y[0] == figure.data[0].y[-1] == 1
    assert figure.layout.xaxis.range[0] == pytest.approx(0.098)
    alone = distributions.zeta_histogram([0.1, 0.1], 0.1, theme.PALETTE[0])
    assert alone.data[0].y[0] == 2


def test_no_bar_lies_on_both_sides_of_gamma() -> None:
    below, above = distributions.p_lower_histogram([0.972, 0.976], 0.975).data
    assert not np.any(np.array(below.y) * np.array(above.y))


def test_speedups_begin_with_cirs_and_name_a_study_only_beside_others() -> None:
    one = replace(panel("fp16"), study="a")
    frame = tables.speedup_table([one])
    assert list(frame) == [
        "model",
        "IRS, s",
        "IRS, s: 95% interval",
        "IRS, draws",
        "IRS, draws: 95% interval",
        "best ACR, RS",
        "best ACR, IRS",
    ]
    assert frame["IRS, s: 95% interval"].tolist() == ["2.00 to 3.00"]
    curves = {**one.comparison.curves, "cirs": one.comparison.points("irs")}
    both = replace(one, comparison=replace(one.comparison, curves=curves), study="b")
    frame = tables.speedup_table([one, both])
    assert list(frame)[1:3] == ["study", "CIRS, s"]


def test_p_lower_histogram_splits_at_gamma_and_leaves_abstentions_out() -> None:
    figure = distributions.p_lower_histogram([0.2, 0.5, 0.7, 0.97, 0.99, 0.995], 0.98)
    below, above = figure.data
    assert sum(below.y) == 2
    assert sum(above.y) == 2
    assert figure.layout.shapes[0].x0 == 0.98


def test_gamma_sweep_marks_the_best_and_the_one_in_use() -> None:
    acr = tuple(Interval(value, value, value) for value in (0.1, 0.3, 0.2))
    sweep = Sweep(np.array([0.8, 0.9, 0.99]), acr)
    figure = charts.gamma_sweep(sweep, 0.99, theme.PALETTE[0])
    assert figure.data[-1].x == (0.9,)
    assert "0.9" in figure.data[-1].name
    assert figure.layout.shapes[0].x0 == 0.99


def test_outlines_are_shares_of_all_inputs() -> None:
    series = [distributions.Bounds("base", "a", "s", np.array([0.2, 0.7, 0.7, 0.99]), np.arange(4))]
    figure = distributions.p_lower_outlines(series, 0.95)
    # Each bin appears with both its edges.
    assert sum(figure.data[0].y) / 2 == pytest.approx(75)
    frame = distributions.share_table(series, 0.95)
    assert frame[["at or above γ", "between ½ and γ", "abstaining"]].to_numpy().tolist() == [
        [25, 50, 25]
    ]
