"""Two models side by side at equal draws: differences, curves, the inputs that changed sides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from irs_core.analysis import ledger
from irs_core.analysis.side_by_side import (
    SideBySide,
    changed_table,
    common_steps,
    curve_table,
    difference_table,
    differences,
    side_by_side,
    why_not,
)
from irs_core.decide.words import lead_words
from irs_core.errors import IrsError
from irs_core.spec.outward import down
from irs_core.spec.settings import Settings
from irs_core.store import BASE, Study
from irs_core.text import NAME, markdown, plain, plotly
from ui.explore import certified, equal_figures
from ui.shared import (
    analyses,
    columns,
    figures,
    grid,
    library,
    opening,
    page_list,
    pickers,
    refusals,
    theme,
)
from ui.shared.glossary import HELP
from ui.shared.once import once
from ui.shared.opening import Opened

PER_PAGE = 24
_ACROSS = 4


@dataclass(frozen=True)
class Side:
    """One of the two models.

    Args:
        name: `base`, or the text of the compression.
        label: Its title, with what tells its study from the other where there are two.
    """

    study: Study
    name: str
    title: str
    label: str

    @property
    def colour(self) -> str:
        """The model's colour on every page."""
        if self.name == BASE:
            return theme.NEUTRAL
        return analyses.colours_of(self.study.record)[self.name]


def pick_sides(opened: Opened) -> tuple[Side, Side]:
    """Two models, of this study or of this one and another on the same inputs.

    Stops the page where they cannot be compared.
    """
    left, middle, right = st.columns(3)
    with left:
        first = _pick_model(opened.study, "First model", "first", 0)
    # The study decides which models there are to choose from.
    with right:
        other = _pick_study(opened)
    same = other.record.id == opened.record.id
    names = [model.name for model in other.record.models]
    compressed = library.titles_of(other.record)
    preset = names.index(pickers.preset(compressed)) if compressed else 0
    like_first = names.index(first) if first in names else preset
    with middle:
        second = _pick_model(other, "Second model", "second", preset if same else like_first)
    if not same:
        refusal = why_not(opened.record, other.record)
        if refusal:
            st.info(markdown(refusal), icon=":material/compare_arrows:")
            st.stop()
        with refusals.explained():
            opening.warn(Opened(other, opened.settings))
    if same and first == second:
        st.info(
            "Both sides are the same model. Choose another one, or another study on these inputs.",
            icon=":material/compare_arrows:",
        )
        st.stop()
    labels = library.study_labels([opened.record, other.record])
    return (
        _side(opened.study, first, "" if same else labels[opened.record.id]),
        _side(other, second, "" if same else labels[other.record.id]),
    )


def _side(study: Study, name: str, label: str) -> Side:
    title = next(one.title for one in study.record.models if one.name == name)
    return Side(study, name, title, f"{title}, {label}" if label else title)


def named(sides: tuple[Side, Side]) -> dict[str, str]:
    """What `first` and `second` are, for the files of tables."""
    return {
        key: value
        for place, side in zip(("first", "second"), sides, strict=True)
        for key, value in (
            (f"{place}_model", side.title),
            (f"{place}_study", side.study.record.id),
        )
    }


def _pick_model(study: Study, label: str, key: str, at: int) -> str:
    """The name of one model of a study, the original among them.

    Args:
        at: Position to begin with; the original where there are fewer.
    """
    titles = {model.name: model.title for model in study.record.models}
    return st.selectbox(
        label,
        list(titles),
        index=at if at < len(titles) else 0,
        format_func=titles.__getitem__,
        key=key,
        bind="query-params",
    )


def _pick_study(opened: Opened) -> Study:
    """The study of the second model, this one to begin with; the address names it by its id."""
    with refusals.explained():
        others = [
            study
            for study in library.list_studies()
            if study.record.finished and study.record.id != opened.record.id
        ]
    asked = st.query_params.get("other", "")
    listed = [one for one in others if not one.archived or one.record.id == asked]
    # Those that can be compared come first.
    listed.sort(key=lambda one: bool(why_not(opened.record, one.record)))
    options = {one.record.id: one for one in (opened.study, *listed)}
    labels = {one.record.id: f"{one.record.title} ({one.record.id[:6]})" for one in listed}
    chosen = st.selectbox(
        "Study of the second model",
        list(options),
        index=list(options).index(asked) if asked in options else 0,
        format_func=lambda one: labels.get(one, "the same study"),
        key="other_picker",
        help="Studies on the same inputs and the same noise can be compared.",
    )
    if asked and asked not in options:
        named = markdown(plain(asked, NAME))
        st.warning(f"There is no study '{named}' here to compare with; this is the same one.")
    if chosen == opened.record.id:
        st.query_params.pop("other", None)
    else:
        st.query_params["other"] = chosen
    return options[chosen]


def find(sides: tuple[Side, Side], settings: Settings) -> SideBySide:
    """The two models at a number of draws that the user chooses; stops where draws are missing."""
    records = [one.study.record for one in sides]
    steps = common_steps(records[0], records[1])
    draws = pickers.pick_draws(steps, steps[-1], f"each_{records[0].id[:3]}{records[1].id[:3]}")
    with refusals.explained():
        first, second = (
            certified.at_step(one.study, settings, one.name, steps, draws) for one in sides
        )
        left, right = (analyses.analysis(one.study, settings) for one in sides)
    if first is None or second is None:
        st.info(
            "The answers of these models on the first draws are not all stored, so they cannot be "
            "compared at equal draws.",
            icon=":material/hourglass_empty:",
        )
        st.stop()
    _explore(sides, settings, draws)
    return once(side_by_side, (left, right), (first, second))


def _explore(sides: tuple[Side, Side], settings: Settings, draws: int) -> None:
    """Say where a number of draws is not one that a study has among its own."""
    said = set()
    for study in {one.study.record.id: one.study for one in sides}.values():
        own = library.ledger(study, settings)
        here = ledger.at_draws(own, study.record.spec, draws)
        if here.moved != own.moved:
            said.add(refusals.sentence(IrsError(here.sentence)))
    for one in sorted(said):
        st.info(one, icon=":material/explore:")


def show_differences(
    sides: tuple[Side, Side], found: SideBySide, radii: Sequence[float], key: str
) -> None:
    """Who is ahead, in words and as a table."""
    first, second = (one.label for one in sides)
    gap = once(differences, found, ())[0]
    lead = lead_words(gap.compression, first, second)
    st.markdown(
        f"With {found.draws:,} draws each, the average certified radius of **{markdown(first)}** "
        f"(first) is {down(gap.equal)} and that of **{markdown(second)}** (second) "
        f"{down(gap.compressed)}: {markdown(lead)}."
    )
    grid.table(
        once(difference_table, found, tuple(radii)),
        f"differences-{key}",
        columns.differences(),
        alt=f"Average certified radius and certified accuracy of {first} less those of {second}",
    )
    st.caption(
        "Differences are paired by input; each interval holds by itself. CA(r) is the share of "
        "inputs certified at a radius above r."
    )


def show_curves(sides: tuple[Side, Side], found: SideBySide, note: str) -> None:
    """Certified accuracy of both over the radius."""
    st.header("Certified accuracy", help=HELP["certified"], anchor=False)
    series = tuple(
        (plotly(one.label), radii, one.colour, dash)
        for one, radii, dash in zip(
            sides, (found.first, found.second), ("solid", "dash"), strict=True
        )
    )
    figures.show(
        equal_figures.overlaid(series),
        "side-by-side",
        once(curve_table, found),
        alt=f"Certified accuracy against radius of {sides[0].label} and {sides[1].label}, both "
        f"with {found.draws:,} draws",
        note=note,
    )


def show_changed(sides: tuple[Side, Side], found: SideBySide, opened: Opened, key: str) -> None:
    """The inputs that only one of the two certifies, each with a link to what happened to it."""
    st.header("Inputs that changed sides", anchor=False)
    sigma = opened.record.spec.noise.sigma
    radius = st.number_input(
        "Radius",
        0.0,
        None,
        round(sigma / 2, 4),
        0.05,
        key="at",
        bind="query-params",
        help="An input is certified here where its radius is above this one, in pixel units.",
        width=200,
    )
    frame = once(changed_table, opened.record, found, float(radius))
    if frame.empty:
        st.info(
            f"No input changed sides at radius {radius:g}: both models certify the same ones.",
            icon=":material/done_all:",
        )
        return
    grid.table(
        frame,
        f"changed-{key}",
        columns.changed(),
        alt=f"Inputs that only one of the two certifies above radius {radius:g}",
    )
    _show_links(sides, frame, opened.settings)


def _show_links(sides: tuple[Side, Side], frame: pd.DataFrame, settings: Settings) -> None:
    """A page of links to the inputs, in the study and under the model that lost each."""
    pages = -(-len(frame) // PER_PAGE)
    page = st.pagination(pages, key="changed_page", bind="query-params") if pages > 1 else 1
    rows = frame.iloc[(page - 1) * PER_PAGE : page * PER_PAGE].to_dict("records")
    st.caption("Each link opens the input under the model that does not certify it.")
    for start in range(0, len(rows), _ACROSS):
        for place, row in zip(st.columns(_ACROSS), rows[start : start + _ACROSS], strict=False):
            with place:
                _link(sides, row, settings)


def _link(sides: tuple[Side, Side], row: Mapping[Any, Any], settings: Settings) -> None:
    loser = sides[1] if row["certified by"] == "first" else sides[0]
    # The page shows an original beside one of its compressed models only.
    side = next((one for one in (loser, *sides) if one.name != BASE), loser)
    record = side.study.record
    page_list.link(
        "inputs",
        f"Input {row['input']}: {down(row['first'], 2)} → {down(row['second'], 2)}",
        study=record.id,
        **({} if side.name == BASE else {"model": side.title}),
        input=str(row["input"]),
        **page_list.moved_query(settings, Settings.of(record.spec)),
    )
