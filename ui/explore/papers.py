"""Published tables beside measured ones, as tables, figures and sentences; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from irs_core.papers import FAIR, SOURCES, PaperTable, Row
from irs_core.spec.outward import SIDES
from irs_core.stats import IntervalMethod
from ui.explore import accountings, charts, distributions
from ui.explore.planning import WidthPlan, against_error
from ui.shared import tables, theme
from ui.shared.entries import Panel

MEASURED, PUBLISHED = "measured here, 95% interval", "published"
_ROW_HEIGHT = 26
_NAMES = {
    "cifar10": "CIFAR-10",
    "imagenet": "ImageNet",
    "resnet20": "ResNet-20",
    "resnet50": "ResNet-50",
    "resnet110": "ResNet-110",
    "prune5": "prune 5%",
    "prune10": "prune 10%",
    "prune20": "prune 20%",
}
_SYMBOLS = {"sigma": "σ", "gamma": "γ", "train_sigma": "trained at σ", "radius": "r"}


@dataclass(frozen=True)
class PaperFigure:
    """A figure of the IRS paper and what its counterpart shows.

    Args:
        parts: Studies that it needs, by their keys.
        models: Compressed models to compare; none for a picture of the original's p_A.
        about: What the published figure shows.
        intervals: Instead of studies: kinds of interval whose sample sizes it shows.
    """

    title: str
    parts: tuple[str, ...]
    models: tuple[str, ...]
    about: str
    intervals: tuple[IntervalMethod, ...] = ()


@dataclass(frozen=True)
class FigureView:
    """What a counterpart is drawn from.

    Args:
        source: Where the numbers come from, a sentence.
        panels: Methods against cost, one panel per model.
        bounds: Lower bounds on p_A of the original, by a label.
        sizes: Draws that an interval needs to be as narrow as a target error, by that error.
    """

    source: str
    panels: tuple[Panel, ...] = ()
    bounds: tuple[tuple[str, NDArray[np.float64]], ...] = ()
    sizes: tuple[tuple[float, WidthPlan], ...] = ()


_QUANTISED = ("fp16", "bf16", "int8")
# Target errors and failure probability of figures 2 and 4.
ERRORS, ERROR_ALPHA = (0.005, 0.0075, 0.01), 0.01
FIGURES = {
    "2": PaperFigure(
        "Figure 2: draws for a Clopper-Pearson interval",
        (),
        (),
        "For a target error of 0.5% the paper gives 41,500 draws at p = 0.05 and 216,900 at 0.5.",
        ("clopper-pearson",),
    ),
    "3": PaperFigure(
        "Figure 3a: time against ACR, int8, σ = 1.0",
        ("cifar10-resnet20-1.00",),
        ("int8",),
        "The published figure is of ResNet-110 with n = 100,000.",
    ),
    "4": PaperFigure(
        "Figure 4: draws for Agresti-Coull and Wilson intervals",
        (),
        (),
        "As figure 2, for two intervals that are right on average only.",
        ("agresti-coull", "wilson"),
    ),
    "5": PaperFigure(
        "Figure 5: budgets of 5% to 80%, σ = 1.0",
        ("cifar10-resnet20-1.00-wide",),
        ("int8",),
        "The published curve of IRS ends where the baseline still gains: its radius is never "
        "above the original's.",
    ),
    "6": PaperFigure(
        "Figure 6: distribution of pA",
        ("cifar10-resnet20-0.25", "cifar10-resnet20-0.50", "cifar10-resnet20-1.00"),
        (),
        "The published figure is of ResNet-110: with larger σ fewer images have $p_A$ close to 1.",
    ),
    **{
        number: PaperFigure(
            f"Figure {number}: time against ACR, ResNet-20, σ = {sigma}",
            (f"cifar10-resnet20-{float(sigma):.2f}",),
            _QUANTISED,
            "The published times are of other hardware; compare the shapes.",
        )
        for number, sigma in (("8", "0.25"), ("9", "0.5"), ("10", "1.0"))
    },
}


NO_COUNTERPART = (
    "Figure 1 is a diagram; 3b, 7 and 14 to 16 need ImageNet, 11 to 13 a ResNet-110, neither of "
    "which comes along."
)


def first_figure(available: Sequence[str]) -> int:
    """Where the first figure of a study stands, or any."""
    return next((at for at, key in enumerate(available) if FIGURES[key].parts), 0)


def figure_title(key: str) -> str:
    """Number and content of a figure."""
    return FIGURES[key].title


def figure(view: FigureView) -> go.Figure:
    """The counterpart of a published figure."""
    if view.sizes:
        return against_error(view.sizes)
    if view.panels:
        return charts.acr_against_cost(view.panels, "seconds")
    return distributions.p_lower_densities(view.bounds)


def figure_table(view: FigureView) -> pd.DataFrame:
    """The numbers of a counterpart."""
    if view.sizes:
        return pd.concat(
            pd.DataFrame({"interval": one.method, "error": error, "p": one.p, "draws": one.draws})
            for error, one in view.sizes
        )
    if view.panels:
        return tables.curve_table(view.panels)
    return pd.concat(
        pd.DataFrame({"study": label, "lower bound on p_A": values})
        for label, values in view.bounds
    )


def figure_caption(key: str, view: FigureView) -> str:
    """What the published figure shows, and where the measured numbers come from."""
    return f"{FIGURES[key].about} {view.source}"


def figure_accounting(key: str, view: FigureView) -> str:
    """What the costs of a counterpart count, and the paper's do not; empty without costs."""
    if not view.panels:
        return ""
    found = (
        f"Speedups above the panels are *{FAIR.name}*, in seconds: ratios of areas, where every "
        "method pays for every image. In the paper, images that the original gets wrong cost IRS "
        "nothing, so its curves of IRS lie further left than these."
    )
    if "int8" in FIGURES[key].models:
        found += (
            " int8 here is of every layer; the paper's convolutions stayed in fp32, because "
            "PyTorch does not quantise them dynamically."
        )
    return found


def paper_rows(rows: Sequence[Row], *, every: bool) -> list[Row]:
    """The rows to show: those with a counterpart, or all."""
    return [row for row in rows if every or row.measured is not None]


def paper_table(rows: Sequence[Row]) -> pd.DataFrame:
    """Published and measured numbers, one row each; speeds only where the table has some."""
    found = pd.DataFrame(
        [
            {
                **{name: _NAMES.get(value, value) for name, value in row.published.row.items()},
                "published": row.published.value,
                "measured": row.measured.value if row.measured else None,
                "95% low": row.measured.low if row.measured else None,
                "95% high": row.measured.high if row.measured else None,
                "images": row.images or None,
                **accountings.values(row),
                "draws/s": row.rate,
                "note": row.note,
            }
            for row in rows
        ]
    )
    found.attrs[SIDES] = {"measured": rows[0].side} if rows else {}
    return found if found["draws/s"].notna().any() else found.drop(columns="draws/s")


def label(row: Row) -> str:
    """What a number belongs to, in a few words."""
    parts = [_part(*item) for item in row.published.row.items()]
    return " · ".join(part for part in parts if part != "CIFAR-10")


def _part(name: str, value: str) -> str:
    if name == "n":
        return f"n {int(float(value)):,}"
    if name in _SYMBOLS:
        return f"{_SYMBOLS[name]} {value}"
    return _NAMES.get(value, value)


def agreement(rows: Sequence[Row]) -> str:
    """How many numbers have a counterpart, and how many of those agree, in Markdown."""
    compared = [row for row in rows if row.measured is not None]
    if not compared:
        return (
            f"None of the {len(rows)} published numbers has a counterpart here yet. "
            "`./irs reproduce --root FOLDER` computes what can be computed from the images."
        )
    agreeing = sum(row.agrees for row in compared)
    return (
        f"**{agreeing} of {len(compared)}** published numbers lie within the interval of their "
        f"measured counterpart; {len(rows) - len(compared)} of {len(rows)} have none here."
    )


def notes(rows: Sequence[Row]) -> list[str]:
    """Each reason for a difference once, with how many rows it explains."""
    counts: dict[str, int] = {}
    for row in rows:
        if row.note:
            counts[row.note] = counts.get(row.note, 0) + 1
    return [f"{note} ({theme.plural(count, 'row')})" for note, count in counts.items()]


def citation(table: PaperTable) -> str:
    """Where the published numbers are from."""
    return f"Published: table {table.number} of {SOURCES[table.paper]}."


def published_and_measured(rows: Sequence[Row], unit: str) -> go.Figure:
    """A line per number: published as a diamond, measured as a point with its interval."""
    compared = [row for row in rows if row.measured is not None][::-1]
    names = [label(row) for row in compared]
    found = [row.measured for row in compared if row.measured is not None]
    figure = go.Figure()
    figure.add_scatter(
        x=[one.value for one in found],
        y=names,
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [one.high - one.value for one in found],
            "arrayminus": [one.value - one.low for one in found],
            "thickness": 1.5,
            "width": 4,
        },
        mode="markers",
        name=MEASURED,
        marker={"color": theme.PALETTE[0], "size": 9},
        customdata=[row.texts for row in compared],
        hovertemplate="%{y}<br>measured %{customdata[0]} "
        "[%{customdata[1]}, %{customdata[2]}]<extra></extra>",
    )
    figure.add_scatter(
        x=[row.published.value for row in compared],
        y=names,
        mode="markers",
        name=PUBLISHED,
        marker={"color": theme.PALETTE[1], "size": 10, "symbol": "diamond-open", "line_width": 2},
        customdata=[f"{row.published.value:g}" for row in compared],
        hovertemplate="%{y}<br>published %{customdata}<extra></extra>",
    )
    accountings.add_marks(figure, compared, names)
    figure.update_xaxes(title=unit, automargin=True, title_font_size=14, tickfont_size=13)
    figure.update_yaxes(automargin=True, tickfont_size=12, type="category", dtick=1)
    # Marks of accountings take the legend to further lines.
    top = 50 if len(figure.data) == 2 else 110
    figure.update_layout(
        height=70 + top + _ROW_HEIGHT * max(3, len(compared)),
        margin={"l": 10, "r": 20, "t": top, "b": 10},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "font": {"size": 14}},
    )
    return figure
