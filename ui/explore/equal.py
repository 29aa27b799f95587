"""The Overview's comparison at equal draws: a slider, four views, a table."""

from collections.abc import Callable, Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from irs_core.analysis import ledger
from irs_core.analysis.beyond_mean import hardness_rows, radius_frame, radius_rows
from irs_core.analysis.equal_draws import EqualDraws, draw_steps, gaps_of_draws
from irs_core.decide import Gap
from irs_core.decide.words import cost_words
from irs_core.errors import IrsError
from irs_core.spec.outward import down
from irs_core.text import markdown
from ui.explore import certified, equal_figures
from ui.shared import analyses, columns, figures, grid, library, pickers, refusals
from ui.shared.glossary import HELP
from ui.shared.once import once
from ui.shared.opening import Opened

VIEWS: dict[str, Callable[[EqualDraws, str, str], go.Figure]] = {
    "certified accuracy": equal_figures.accuracy,
    "certified radii": equal_figures.radii,
    "how sure they are": equal_figures.bounds,
    "hard and easy inputs": equal_figures.kinds,
}


def show(opened: Opened, radii: Sequence[float]) -> None:
    """The section; nothing where the study has no compressed model.

    Args:
        radii: Named radii of certified accuracy.
    """
    titles = library.titles_of(opened.record)
    if not titles:
        return
    st.header("At equal draws", help=HELP["equal"], anchor=False)
    name, draws = _choose(opened)
    # Pages show studies whose counts are kept; this section reads the draws themselves.
    with refusals.explained():
        found = certified.at_number_of_draws(opened.study, opened.settings, name, draws)
    if found is None:
        st.info("The compressed model's answers on the original's first draws are not all stored.")
        return
    here = ledger.at_draws(opened.ledger, opened.record.spec, draws)
    if here.moved:
        st.info(refusals.sentence(IrsError(here.sentence)), icon=":material/explore:")
    title, colour = titles[name], analyses.colours_of(opened.record)[name]
    st.markdown(said(gaps_of_draws(opened.analysis, found)[0], title, draws))
    view = st.segmented_control(
        "Compare by",
        list(VIEWS),
        default="certified accuracy",
        required=True,
        key="equal_view",
        bind="query-params",
    )
    by_kind = view == "hard and easy inputs"
    frame = once(_kinds_frame, found) if by_kind else once(_radii_frame, found, tuple(radii))
    figures.show(
        once(VIEWS[view], found, title, colour),
        "equal-draws",
        frame,
        alt=f"The original and {title}, both with {draws:,} draws, compared by {view}",
    )
    grid.table(
        frame,
        f"equal-{opened.record.id}",
        columns.kinds() if by_kind else columns.at_radii(),
        alt="Gains and losses by kind of input" if by_kind else "Certified accuracy at named radii",
    )
    st.caption(kinds_note(found) if by_kind else radii_note(found))


def kinds_note(found: EqualDraws) -> str:
    """How hard inputs are told from easy ones, and what the intervals are."""
    draws = "its other draws, which are not compared here"
    if found.n_p == found.n:
        draws = "the draws that are compared here, since it has no others"
    return (
        f"Inputs are hard or easy by the share of votes that the original's answer has on {draws}. "
        f"Intervals of mean changes are 95% bootstrap intervals over inputs{_narrow(found)}."
    )


def radii_note(found: EqualDraws) -> str:
    """What the intervals of certified accuracy are."""
    cost = (
        "the cost has none"
        if found.shared_noise
        else "that of the cost is of the paired difference"
    )
    return (
        f"Intervals are exact 95% intervals over inputs, each by itself{_narrow(found)}; {cost}. "
        "Other radii can be typed in above."
    )


def _narrow(found: EqualDraws) -> str:
    return ", too narrow since inputs share draws of the noise" if found.shared_noise else ""


def _kinds_frame(found: EqualDraws) -> pd.DataFrame:
    return pd.DataFrame(hardness_rows(found))


def _radii_frame(found: EqualDraws, radii: tuple[float, ...]) -> pd.DataFrame:
    return radius_frame(radius_rows(found, radii))


def _choose(opened: Opened) -> tuple[str, int]:
    """A compressed model, and how many draws each of the two gets."""
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    with left:
        name = pickers.pick_model(opened.record)
    budgets = opened.record.spec.n_p
    steps = draw_steps(budgets)
    with right:
        draws = pickers.pick_draws(steps, budgets[-1], f"draws_{opened.record.id[:6]}")
    return name, draws


def said(gap: Gap, title: str, draws: int) -> str:
    """The comparison in words."""
    return (
        f"With {draws:,} draws each, the average certified radius of the original is "
        f"{down(gap.equal)} and that of {markdown(title)} {down(gap.compressed)}: "
        f"{markdown(cost_words(gap.compression))}."
    )
