"""The reason in one picture: each input's radius under both models, at equal draws."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from irs_core.analysis.equal_draws import EqualDraws
from irs_core.decide import Decision, Requirement
from irs_core.spec.outward import down
from irs_core.text import plotly
from ui.shared import theme
from ui.shared.drawing import blank

_MOST = 2000


def radii_picture(
    found: EqualDraws, decision: Decision, requirement: Requirement, colour: str
) -> go.Figure:
    """One dot per input; the tolerance as a band below the diagonal, what may be lost marked."""
    figure = blank("original: certified radius", f"{plotly(decision.model)}: certified radius")
    top = 1.05 * max(float(found.equal.max()), float(found.compressed.max()), requirement.radius)
    tolerance = requirement.tolerance
    figure.add_scatter(
        x=[0, top, top, 0],
        y=[0, top, top - tolerance, -tolerance],
        fill="toself",
        fillcolor=theme.faded(theme.NEUTRAL, 0.18),
        line={"width": 0},
        mode="lines",
        name="within the tolerance",
        hoverinfo="skip",
    )
    step = -(-len(found.equal) // _MOST)
    shown = np.arange(0, len(found.equal), step)
    open_ones = np.isin(np.arange(len(found.equal)), decision.may_lose)
    for flag, name, look in (
        (False, "inputs", {"color": colour, "size": 6, "opacity": 0.55}),
        (True, "may be lost", {"color": theme.MARK, "size": 10, "symbol": "x"}),
    ):
        rows = np.flatnonzero(open_ones) if flag else shown[~open_ones[shown]]
        if not len(rows) and flag:
            continue
        figure.add_scatter(
            x=found.equal[rows],
            y=found.compressed[rows],
            mode="markers",
            name=name,
            marker=look,
            customdata=[
                [int(at), down(found.equal[at]), down(found.compressed[at])] for at in rows
            ],
            hovertemplate="input %{customdata[0]}<br>original %{customdata[1]}"
            "<br>compressed %{customdata[2]}<extra></extra>",
        )
    figure.add_vline(
        x=requirement.radius,
        line={"color": theme.NEUTRAL, "dash": "dot"},
        annotation={"text": f"r = {requirement.radius:g}", "yanchor": "bottom", "y": 1},
    )
    figure.update_xaxes(range=[0, top])
    figure.update_yaxes(range=[-0.02 * top, top])
    figure.update_layout(height=380)
    return figure


def points(found: EqualDraws, decision: Decision, *, exploring: bool = False) -> pd.DataFrame:
    """The numbers of the picture, one row per input; exploring, nothing in it is proven."""
    rows = np.arange(len(found.equal))
    frame = pd.DataFrame(
        {
            "input": rows,
            "original, all draws": found.full,
            "original, equal draws": found.equal,
            "compressed, equal draws": found.compressed,
            "may be lost": np.isin(rows, decision.may_lose),
            "proven lost": np.isin(rows, decision.proven_lost),
        }
    )
    return frame.drop(columns="proven lost") if exploring else frame
