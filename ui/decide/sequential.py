"""Draws that decide: what stopped each input, and a button that goes on."""

import streamlit as st

from irs_core.analysis.replay import live_runs
from irs_core.decide import Decision
from irs_core.errors import IrsError
from irs_core.goals.deciding import deciding_spec
from irs_core.people import Action
from irs_core.run.options import RunOptions
from irs_core.spec.compression_kinds import parse_compression
from irs_core.text import markdown
from ui.shared import launch, refusals, who
from ui.shared.opening import Opened


def show(opened: Opened, name: str) -> None:
    """Why there is no picture at equal draws."""
    if not show_runs(opened, name):
        st.info("The compressed model's answers on the original's first draws are not all stored.")


def show_runs(opened: Opened, name: str) -> bool:
    """What certifying a model at radii took and found, where its inputs stopped by themselves."""
    runs = live_runs(opened.analysis, name)
    for run in runs:
        st.info(
            f"Every input was drawn on until its answer was known: {markdown(run.sentence)}.",
            icon=":material/fast_forward:",
        )
    return bool(runs)


def offer(opened: Opened, name: str, decision: Decision) -> None:
    """A job that draws until an open question is answered input by input."""
    study = opened.study
    if decision.verdict != "undecided" or study.banner or opened.ledger.moved:
        return
    spec = deciding_spec(opened.record.spec, parse_compression(name), decision.requirement)
    if spec.id == opened.record.id:
        return
    if not who.button(
        "Draw what decides",
        Action.DRAW_MORE,
        icon=":material/fast_forward:",
        help="Starts a study in the background that asks each input at this radius and stops it as "
        "soon as its answer is known. The original's draws are used again.",
    ):
        return
    try:
        launch.watch(launch.start(spec, RunOptions(), reuse=study))
    except IrsError as error:
        st.error(refusals.sentence(error))
