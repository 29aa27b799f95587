"""What a running study has certified so far: sentences, and a curve that grows."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from irs_core.report.waterfall import ACR_TITLE
from irs_core.spec.outward import down
from irs_core.store import BASE
from irs_core.text import markdown, plotly
from ui.shared import theme
from ui.shared.drawing import blank, error_bars
from ui.shared.job_queue import SoFar


def show(found: Sequence[SoFar], job_id: int, *, looks: bool) -> None:
    """What is certified, and nothing where results must not be seen before the end."""
    if not looks:
        st.markdown(
            "Results are shown when it ends: this study was started without interim results."
        )
        return
    for one in found:
        st.markdown(sentence(one))
    if any(len(one.rounds) > 1 for one in found):
        st.plotly_chart(
            curve(found),
            key=f"growing-{job_id}",
            config={"displayModeBar": False},
            alt="Average certified radius after each complete round. "
            + " ".join(
                f"{one.title}: {down(one.rounds[-1].acr.value)}." for one in found if one.rounds
            ),
        )


def sentence(one: SoFar) -> str:
    """What is certified at the last complete round, and what the next minute may bring."""
    more = "" if math.isnan(one.gain) else f" The next minute is expected to bring {one.gain:+.3f}."
    if not one.rounds:
        return f"**{markdown(one.title)}**: nothing to look at yet.{more}"
    last = one.rounds[-1]
    return (
        f"**{markdown(one.title)}**: ACR **{down(last.acr.value)}** so far, "
        f"**{last.certified:,}** of {theme.plural(one.inputs, 'input')} certified right, at "
        f"{last.n_p:,} draws per input on average; it holds if you stop now.{more}"
    )


def curve(found: Sequence[SoFar]) -> go.Figure:
    """ACR after each complete round, with its interval, a line for each model."""
    figure = blank("draws per input, on average", ACR_TITLE)
    colours = theme.model_colours([BASE, *(one.name for one in found)])
    for one in found:
        figure.add_scatter(
            x=[look.n_p for look in one.rounds],
            y=[look.acr.value for look in one.rounds],
            error_y=error_bars([look.acr for look in one.rounds], colours[one.name]),
            name=plotly(one.title),
            mode="lines+markers",
            line={"color": colours[one.name]},
        )
    figure.update_layout(height=260)
    return figure
