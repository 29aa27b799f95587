"""Where the difference comes from: fewer draws, or compression."""

import plotly.graph_objects as go
import streamlit as st

from irs_core.decide import Gap
from irs_core.report.waterfall import ACR_TITLE, levels_words, waterfall_bars, waterfall_figure
from irs_core.text import markdown
from ui.decide import decisions
from ui.shared import columns, figures, grid
from ui.shared.drawing import blank
from ui.shared.once import once
from ui.shared.opening import Opened


def show(opened: Opened, name: str, title: str, colour: str, radii: tuple[float, ...]) -> None:
    """The figure and the numbers, for one model.

    Args:
        radii: Where certified accuracy is compared, besides the average certified radius.
    """
    found = decisions.gaps(opened.study, opened.settings, name)
    if not found:
        st.info("The compressed model's answers on the original's first draws are not all stored.")
        return
    n, n_p = opened.analysis.tally.n, int(opened.analysis.tally.budgets[-1])
    st.markdown(
        f"The original had {n:,} draws per input, {markdown(title)} has {n_p:,}. Fewer draws "
        "certify smaller radii whichever model they are made of, and more draws give them back: "
        "that step says nothing about the model. **The last step is what compression costs.** "
        "Verdicts and rankings use it alone."
    )
    frame = once(decisions.gap_table_of, opened.study, opened.settings, name, radii)
    figures.show(
        once(picture, found[0], title, colour, n=n, n_p=n_p),
        "waterfall",
        frame,
        alt=f"From the original with {n:,} draws to {title} with {n_p:,}: fewer draws cost "
        f"{found[0].fewer_draws.mean:.3f} of the average certified radius, compression "
        f"{found[0].compression.mean:.3f}",
    )
    grid.table(
        frame,
        f"gaps-{opened.record.id}",
        columns.gaps(),
        alt="What fewer draws cost and what compression costs, with intervals",
    )
    st.caption(
        "Paired input by input, on the same noise. 95% intervals by resampling inputs describe; "
        "those named sure are guaranteed, each with 95% confidence. "
        f"{levels_words(opened.settings)}"
    )


def picture(gap: Gap, title: str, colour: str, *, n: int, n_p: int) -> go.Figure:
    """The waterfall of one model."""
    bars = waterfall_bars({"": gap}, {"": title}, {"": colour}, n=n, n_p=n_p)
    figure = blank("", ACR_TITLE)
    figure.add_traces(waterfall_figure(bars)["data"])
    figure.update_layout(yaxis_rangemode="tozero", height=340, bargap=0.3, margin_t=30)
    return figure
