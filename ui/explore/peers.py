"""Ways to certify a compressed model, side by side, as measured once."""

import streamlit as st

from irs_core.papers import PEER_COSTS, PeerCost, measured_peers, peers_table
from irs_core.text import markdown
from ui.shared import columns, grid

_TITLES: dict[PeerCost, str] = {"draws": "draws per input", "seconds": "seconds in all"}


def show() -> None:
    """The table, where it was measured and how it is read."""
    run = measured_peers()
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    with left:
        title = st.selectbox("Study", list(run.tables), key="peers", bind="query-params")
    with right:
        cost = st.segmented_control(
            "Cost in",
            list(PEER_COSTS),
            default=PEER_COSTS[0],
            required=True,
            key="peers_cost",
            bind="query-params",
        )
    table, frame = run.tables[title], peers_table(run, title, cost)
    results = [one["words"] for one in table["goals"]]
    grid.table(
        frame,
        f"peers-{cost}",
        columns.peers(results),
        alt=f"{_TITLES[cost]} that each way to certify needs for each result",
    )
    st.caption(
        f"{_TITLES[cost].capitalize()} of {table['model']}, {table['inputs']} inputs, each at a "
        f"failure probability of {table['level']:g} per input (IRS: as published). Results are "
        "those of RS: 95% of the inputs that it certifies at a radius with all draws, and the ACR "
        "that it reaches with 10%, 30% and all of them. Ways that decide at a radius have no ACR. "
        "Selection draws, and the pilot of CIRS, are counted; the original's own draws are not. "
        f"Measured once: {markdown(run.about)}. `./irs bench --methods` measures it again."
    )
