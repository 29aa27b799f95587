"""A search for a mix: its candidates against what they cost, and where each stands."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from irs_core.analysis.colours import VERDICTS
from irs_core.errors import IrsError
from irs_core.spec.outward import SIDES
from irs_core.text import markdown, plotly
from irs_core.tune.search import Candidate, Outcome, Search, outcome, searches
from ui.shared import figures, grid, library, refusals, theme
from ui.shared.drawing import blank

_COLOURS = {
    "holds": VERDICTS["holds"],
    "fails": VERDICTS["fails"],
    "eliminated": theme.NEUTRAL,
    "open": VERDICTS["undecided"],
    "waiting": theme.NEUTRAL,
}
_AXES = {
    "latency": "one image alone, median (ms)",
    "size": "packed weights (kB)",
    "draws": "draws per input to settle it",
}


def show(known: Sequence[Search]) -> None:
    """Let the user choose a search; its front, and every candidate."""
    search = st.selectbox("Search", known, format_func=label, key="search")
    with refusals.explained():
        found = opened(search)
    if found is None:
        st.info("Its original is not drawn yet.")
        return
    st.markdown(markdown(found.sentence))
    table = frame(found)
    figures.show(
        front(found),
        "mixes",
        table,
        alt="Share of inputs kept against the objective, by candidate",
        note=f"{found.draws:,} draws of all candidates; certifying two of them from scratch takes "
        f"{found.alone:,}.",
    )
    grid.table(
        table,
        f"mixes-{search.study[:6]}",
        columns(),
        alt="Every candidate with its verdict, bounds, draws, time and size",
    )


def known() -> list[Search]:
    """Searches of the store whose study can be opened, latest first."""
    there = {study.record.id for study in library.list_studies()}
    return [one for one in searches(library.store_root()) if one.study in there]


def label(search: Search) -> str:
    """A search as a picker names it."""
    return f"least {search.objective}, {search.asked.words}, {search.study[:6]}"


def opened(search: Search) -> Outcome | None:
    """Where a search stands; None before the original is drawn."""
    found = library.opened()
    try:
        return outcome(search, found.open(search.study), found)
    except IrsError:
        return None


def front(found: Outcome) -> go.Figure:
    """Share of inputs that stay certified, with its bound, against the objective."""
    objective = found.search.objective
    figure = blank(_AXES[objective], "inputs kept (%)")
    measured = [one for one in found.candidates if one.value is not None]
    for state in dict.fromkeys(one.standing.state for one in measured):
        own = [one for one in measured if one.standing.state == state]
        kept = [100 * one.standing.kept / found.inputs for one in own]
        least = [100 * one.standing.kept_at_least for one in own]
        figure.add_scatter(
            x=[_cost(one, objective) for one in own],
            y=kept,
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [0.0] * len(own),
                "arrayminus": [value - low for value, low in zip(kept, least, strict=True)],
                "color": _COLOURS[state],
                "thickness": 1.5,
            },
            mode="markers",
            name=state,
            marker={"color": _COLOURS[state], "size": 11},
            text=[plotly(one.standing.title) for one in own],
            hovertemplate="<b>%{text}</b><br>%{x:,.4~g}, %{y:.1f}% kept<extra></extra>",
        )
    _line(figure, measured, found)
    figure.update_xaxes(rangemode="tozero")
    return figure


def _line(figure: go.Figure, measured: list[Candidate], found: Outcome) -> None:
    best = sorted(
        (_cost(one, found.search.objective), 100 * one.standing.kept / found.inputs)
        for one in measured
        if one.front
    )
    figure.add_scatter(
        x=[x for x, _ in best],
        y=[y for _, y in best],
        mode="lines",
        line={"shape": "hv", "color": theme.NEUTRAL, "width": 1.5, "dash": "dot"},
        name="not dominated",
        hoverinfo="skip",
    )


def _cost(one: Candidate, objective: str) -> float:
    value = one.value or 0.0
    return value / 1000 if objective == "size" else value


def frame(found: Outcome) -> pd.DataFrame:
    """Every candidate with where it stands."""
    rows = []
    for one in found.candidates:
        standing, cost = one.standing, one.cost
        loss = None if standing.decision is None else standing.decision.loss
        rows.append(
            {
                "candidate": standing.title,
                "state": "winner" if standing.name == found.winner else standing.state,
                "may be lost": None if loss is None else loss.may,
                "lost, at most": None if loss is None else 100 * loss.upper,
                "kept": standing.kept,
                "kept, at least": 100 * standing.kept_at_least,
                "draws per input": standing.draws / found.inputs,
                "ms": None if cost is None else cost.speed.p50_ms,
                "kB": None if cost is None else cost.size.packed_bytes / 1000,
                "emulated": "" if cost is None or not cost.size.emulated else "size only",
            }
        )
    made = pd.DataFrame(rows)
    made.attrs[SIDES] = {"lost, at most": "up", "kept, at least": "down"}
    return made


def columns() -> dict[str, object]:
    """How the table is labelled and explained."""
    number = st.column_config.NumberColumn
    return {
        "candidate": st.column_config.TextColumn(pinned=True),
        "state": st.column_config.TextColumn(
            help="Eliminated: it can no longer be shown to hold within its draws."
        ),
        "may be lost": number(help="Inputs on which a loss is not excluded."),
        "lost, at most": number(format="%.2f%%", help="All bounds hold together."),
        "kept": number(help="Right and certified by the original, and not lost."),
        "kept, at least": number(format="%.1f%%", help="Bound on their share among new inputs."),
        "draws per input": number(format="%.0f"),
        "ms": number(format="%.3f", help="One image alone, median, where it may ship."),
        "kB": number(format="%.1f", help="Packed weights."),
        "emulated": st.column_config.TextColumn(help="Its smaller weights gain no time here."),
    }
