"""One input of the Inputs page at close range: both models, their votes, its noisy copies."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from irs_core.store import BASE
from irs_core.text import NAME, markdown, plain
from ui.explore import certified, input_words, inputs
from ui.explore.gallery import fates_of, full_row, loss_of, positions
from ui.shared import analyses, columns, figures, grid, notes, refusals
from ui.shared.glossary import HELP
from ui.shared.opening import Opened

_SIDE = 96


def pick_input(opened: Opened, rows: NDArray[np.int64]) -> int:
    """The input to look at closely, one that the filter keeps: its position among the reported.

    Args:
        rows: Positions that the filter keeps, at least one.
    """
    every = [opened.record.data.indices[row] for row in np.flatnonzero(opened.analysis.rows)]
    options = [every[row] for row in rows]
    asked = st.query_params.get("input", "")
    # Where a filter drops what was looked at, the widget goes back to the first one by itself.
    if "input" not in st.session_state and asked and asked not in map(str, options):
        other = markdown(plain(asked, NAME))
        st.warning(f"Input '{other}' is not among those shown; this is the first one that is.")
    chosen = st.selectbox(
        "Input",
        options,
        key="input",
        bind="query-params",
        help="Position in the full set, of those that the filter keeps.",
    )
    return every.index(chosen)


def show_input(opened: Opened, row: int, name: str, read: inputs.ReadImages | None) -> None:
    """What both models do with one input and why, its votes and its noisy copies."""
    record = opened.record
    classes = record.data.classes
    found = fates_of(opened, row)
    index = record.data.indices[full_row(opened, row)]
    _show_pair(opened, row, name, read)
    for one in _pair(found, name):
        why = inputs.why(one, found[0], classes)
        branch = inputs.branch_words(one)
        st.markdown(f"**{markdown(one.title)}**, {markdown(branch)}. {markdown(why)}")
    with st.expander("Every model on this input"):
        grid.table(
            inputs.fate_table(found, classes),
            f"input-{index}-{record.id}",
            columns.fates(),
            alt="Certified class, radius, bound and reason of every model for this input",
        )
    _show_votes(opened, row, index, name)
    if read is not None:
        _show_noisy(opened, row, read, name)


def _pair(found: list[inputs.Fate], name: str) -> list[inputs.Fate]:
    """The original and the chosen model."""
    return [one for one in found if one.name in (BASE, name)]


def _show_pair(opened: Opened, row: int, name: str, read: inputs.ReadImages | None) -> None:
    """The image, what the original and the chosen model certify, and what lost it."""
    classes = opened.record.data.classes
    pair = _pair(fates_of(opened, row), name)
    index = opened.record.data.indices[full_row(opened, row)]
    left, *right = st.columns([1, 2, 2])
    with left:
        if read is not None:
            image = read(positions(opened, np.array([row])))[0]
            st.image(inputs.picture(image, 256), width="stretch", alt=f"Input {index}")
        st.markdown(f"True class: **{markdown(classes[int(opened.analysis.labels[row])])}**")
    for place, one in zip(right, pair, strict=True):
        shown = inputs.outcome(one, classes)
        place.metric(markdown(one.title), markdown(shown), border=True, help=HELP["radius"])
    equal = analyses.at_equal_draws(opened.study, opened.settings, name)
    said = input_words.loss_words(loss_of(opened, row, name), pair[0], pair[-1], equal, row)
    st.markdown(markdown(said))


def _show_votes(opened: Opened, row: int, index: int, name: str) -> None:
    record = opened.record
    titles = {model.name: model.title for model in record.models}
    st.header("Votes", help="How often each class was answered on noisy copies.", anchor=False)
    more = st.multiselect(
        "More models",
        [one for one in titles if one != BASE],
        format_func=titles.__getitem__,
        key="votes",
        bind="query-params",
        help="Beside the original and the chosen model.",
    )
    with refusals.explained():
        votes = {
            one: certified.votes(opened.study, one, full_row(opened, row))
            for one in dict.fromkeys((BASE, name, *more))
        }
    figures.show(
        inputs.votes_figure(votes, titles, record.data.classes),
        "vote-shares",
        inputs.votes_table(votes, titles, record.data.classes),
        alt=f"Share of draws per class answered on input {index}",
        note=f"Input {index}: the original's n = {record.spec.n:,} estimation draws; of compressed "
        f"models those of the same draws that are stored. {notes.note(opened)}",
    )


def _show_noisy(opened: Opened, row: int, read: inputs.ReadImages, name: str) -> None:
    spec = opened.record.spec
    st.header("What the models saw", help=HELP["sigma"], anchor=False)
    first, seed = _pick_draws(opened)
    image = read(positions(opened, np.array([row])))[0]
    full = full_row(opened, row)
    copies = certified.noisy_copies(opened.study, full, image, first, seed)
    own = seed == spec.noise.seed
    answers = _answers(opened, full, name, first, len(copies)) if own else [""] * len(copies)
    places = st.columns(len(copies), gap="xsmall")
    for at, (place, copy, said) in enumerate(zip(places, copies, answers, strict=True)):
        with place:
            st.image(
                inputs.picture(copy, _SIDE),
                caption=markdown(said) or None,
                width="stretch",
                alt=f"Draw {first + at}: the input under noise. {said}",
            )
    below = (
        "below each both answers, that of the original first"
        if own
        else f"answers are stored for seed {spec.noise.seed} only"
    )
    st.caption(
        f"Draws {first} to {first + len(copies) - 1} with σ = {spec.noise.sigma:g}; {below}. "
        "Pixels below 0 and above 1 are shown as 0 and 1; models see them as they are."
    )


def _pick_draws(opened: Opened) -> tuple[int, int]:
    """The first draw to show, and the seed."""
    spec = opened.record.spec
    left, right = st.columns(2)
    first = left.number_input(
        "First draw",
        0,
        max(0, spec.n - 8),
        0,
        8,
        key="draw",
        bind="query-params",
        help="Draws are numbered from 0; each model saw the same noise on the same draw.",
    )
    seed = right.number_input(
        "Seed",
        0,
        None,
        spec.noise.seed,
        key="noise_seed",
        bind="query-params",
        help=f"{HELP['seed']} Answers are stored for the study's own seed, {spec.noise.seed}.",
    )
    return int(first), int(seed)


def _answers(opened: Opened, full: int, name: str, first: int, count: int) -> list[str]:
    """What the original and the chosen model answered on each draw, in words."""
    record = opened.record
    title = next(one.title for one in record.models if one.name == name)
    both = [
        certified.answers(opened.study, one, full, first, count).tolist() for one in (BASE, name)
    ]
    return [
        input_words.answers_words(int(original), int(model), title, record.data.classes)
        for original, model in zip(*both, strict=True)
    ]
