"""What treatments of layers do: bars over depth, tables, the images that they hurt."""

import base64
import binascii
from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from irs_core.analysis.results import Interval
from irs_core.spec.outward import SIDES
from irs_core.text import markdown, plotly
from irs_core.tune.record import Effect, Sensitivity
from ui.shared import figures, grid, theme
from ui.shared.drawing import blank, error_bars
from ui.shared.once import once

_PICTURE_PIXELS = 96
COMMANDS = (
    "./irs tune sensitivity shipped:digits-0.50 --treatments int8 int4 --groups\n"
    "./irs tune --study ID --max-loss 1% --objective latency"
)


def show(found: Sequence[Sensitivity]) -> None:
    """Let the user choose a measurement and treatments; bars, table and images of these."""
    chosen = st.selectbox("Measurement", found, format_func=label, key="sensitivity")
    treatments = st.pills(
        "Treatments",
        chosen.treatments,
        default=chosen.treatments[0],
        selection_mode="multi",
        key="treatments",
    )
    groups = any(one.group for one in chosen.effects) and st.toggle("Whole blocks", key="blocks")
    shown = effects(chosen, treatments, groups=groups)
    if not shown:
        st.info("Choose at least one treatment.")
        return
    ranked = once(frame, chosen, shown)
    figures.show(
        once(bars, chosen, shown),
        "layers",
        ranked,
        alt="Share of noisy images that change their class, by layer and treatment",
        note=note(chosen),
    )
    picked = grid.table(
        ranked,
        f"layers-{chosen.id[:6]}",
        columns(),
        alt="Layers, the most sensitive first",
        selectable=True,
    )
    row = ranked.iloc[picked or 0]
    st.subheader("Images that it hurts", anchor=False)
    st.caption(f"{markdown(row['layer'])} under {markdown(row['treatment'])}; select a row above.")
    at = (row["layer"], row["treatment"])
    pictures(chosen, next(one for one in shown if (one.name, one.treatment) == at))


def label(found: Sensitivity) -> str:
    """A record as a picker names it."""
    return (
        f"{found.weights or found.model[:8]}, σ = {found.sigma:g}, "
        f"{theme.plural(len(found.indices), 'image')}, {found.id[:6]}"
    )


def effects(found: Sensitivity, treatments: Sequence[str], *, groups: bool) -> list[Effect]:
    """What is shown, in the order of the network."""
    shown = [
        one for one in found.effects if one.group == groups and one.treatment in set(treatments)
    ]
    return sorted(shown, key=lambda one: (one.depth, one.name))


def bars(found: Sensitivity, shown: Sequence[Effect]) -> go.Figure:
    """Leave rate of each layer with its interval, over depth, a colour for each treatment."""
    figure = blank("layer, from the input to the scores", "draws that change their class (%)")
    for place, treatment in enumerate(dict.fromkeys(one.treatment for one in shown)):
        own = [one for one in shown if one.treatment == treatment]
        rates = [_percent(found, one) for one in own]
        colour = theme.PALETTE[place % len(theme.PALETTE)]
        figure.add_bar(
            x=[plotly(one.name) for one in own],
            y=[one.value for one in rates],
            error_y=error_bars(rates, theme.NEUTRAL),
            name=plotly(treatment),
            marker_color=colour,
            customdata=[[one.left, one.lost, one.gained, one.saved_bytes] for one in own],
            hovertemplate="<b>%{x}</b><br>%{y:.2f}% of draws, %{customdata[0]:,} in all<br>"
            "%{customdata[1]} images lost, %{customdata[2]} gained<br>"
            "%{customdata[3]:,} bytes saved<extra></extra>",
        )
    figure.update_layout(barmode="group")
    figure.update_yaxes(rangemode="tozero")
    return figure


def frame(found: Sensitivity, shown: Sequence[Effect]) -> pd.DataFrame:
    """The same as a table, the most sensitive first."""
    rows = sorted(shown, key=lambda one: (-one.left, -one.kl))
    rates = [_percent(found, one) for one in rows]
    made = pd.DataFrame(
        {
            "layer": [one.name for one in rows],
            "treatment": [one.treatment for one in rows],
            "changed draws": [one.value for one in rates],
            "at least": [one.low for one in rates],
            "at most": [one.high for one in rates],
            "images lost": [one.lost for one in rows],
            "images gained": [one.gained for one in rows],
            "KL divergence": [one.kl for one in rows],
            "bytes saved": [one.saved_bytes for one in rows],
        }
    )
    if any(one.saved_seconds is not None for one in rows):
        made["µs saved"] = [
            None if one.saved_seconds is None else 1e6 * one.saved_seconds for one in rows
        ]
    made.attrs[SIDES] = {"at least": "down", "at most": "up"}
    return made


def columns() -> dict[str, object]:
    """How the table is labelled and explained."""
    number = st.column_config.NumberColumn
    return {
        "layer": st.column_config.TextColumn(pinned=True),
        "changed draws": number(format="%.3f%%", help="Share of noisy images whose class changes."),
        "at least": number(format="%.3f%%", help="All intervals hold together, on these images."),
        "at most": number(format="%.3f%%", help="All intervals hold together, on these images."),
        "images lost": number(
            help="Right and certified by the original alone, at equal draws and equal noise."
        ),
        "images gained": number(help="Right and certified by the changed network alone."),
        "KL divergence": number(format="%.2e", help="Of the scores, what others rank layers by."),
        "bytes saved": number(format="localized", help="Of the packed weights."),
        "µs saved": number(
            format="%.0f",
            help="Of the layer's kernels in OpenVINO, one image alone, all layers treated alike. "
            "Empty where the treatment is emulated.",
        ),
    }


def pictures(found: Sensitivity, effect: Effect) -> None:
    """The images on which a treatment of a layer changes most answers."""
    if not effect.hurts:
        st.info("It changes no answer on these images.")
        return
    with st.container(horizontal=True):
        for hurt in effect.hurts:
            content = _decoded(found.pictures.get(str(hurt.index), ""))
            words = f"image {hurt.index}: {hurt.left} of {found.draws} draws"
            if content is None:
                st.caption(words)
            else:
                st.image(content, caption=words, width=_PICTURE_PIXELS)


def note(found: Sensitivity) -> str:
    """What the figure rests on."""
    return (
        f"{markdown(found.images)} · {found.draws} draws each · σ = {found.sigma:g} · certificates "
        f"compared at r = {found.radius:g} · intervals hold together with "
        f"{100 * found.confidence:g}% on these images · seed {found.seed} · "
        f"{found.seconds:.0f} s · {markdown(found.hardware)}. {found.emulated}".rstrip()
    )


def _percent(found: Sensitivity, one: Effect) -> Interval:
    return Interval(100 * one.left / found.total, 100 * one.low, 100 * one.high)


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) or None
    except (binascii.Error, ValueError):
        return None
