"""The widgets of the Inputs page: gallery, one input at close range."""

from contextlib import suppress

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from irs_core.errors import IrsError
from irs_core.spec.data_kinds import KINDS
from irs_core.store import BASE
from irs_core.text import markdown
from ui.explore import certified, inputs
from ui.shared import columns, controls, figures, own_files
from ui.shared.controls import Opened
from ui.shared.glossary import HELP

PER_PAGE = 24
_ACROSS = 6
_SIDE = 96


def images(opened: Opened) -> inputs.ReadImages | None:
    """How to read the study's images; None, with a word on how to see them, where they are not."""
    spec = opened.record.spec.data
    with suppress(IrsError):
        return certified.image_reader(opened.study, None)
    st.info(
        "The images of this study are not where the app may read them. To see them, give their "
        "ROOT below, in a folder that the operator lists in IRS_DATA_DIRS: "
        f"{KINDS[spec.kind].where}.",
        icon=":material/hide_image:",
    )
    root = own_files.pick_data("Folder of the images (ROOT)", spec.kind, "images_root")
    if root:
        with controls.explained():
            return certified.image_reader(opened.study, root)
    return None


def pick_rows(opened: Opened, name: str) -> NDArray[np.int64]:
    """The reported inputs that the chosen filter keeps, in its order."""
    which = st.segmented_control(
        "Show",
        inputs.FILTERS,
        default="all",
        required=True,
        format_func=inputs.FILTER_TITLES.__getitem__,
        key="show",
        bind="query-params",
        help="Lost by compression: the original certifies the right class and the model does not, "
        "both with the same draws. Lost by fewer draws: the original itself loses it with as few. "
        "The inputs that lose most come first.",
    )
    certificates = certified.certificates(opened.study, opened.settings)
    names = [model.name for model in opened.record.models]
    return inputs.choose(
        which,
        certificates[0],
        certificates[names.index(name)],
        opened.analysis.labels,
        None if name == BASE else certified.at_equal_draws(opened.study, opened.settings, name),
    )


def show_gallery(
    opened: Opened, rows: NDArray[np.int64], name: str, read: inputs.ReadImages | None
) -> None:
    """A page of inputs as buttons below their images; a click opens one below."""
    pages = max(1, -(-len(rows) // PER_PAGE))
    page = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    shown = rows[(page - 1) * PER_PAGE : page * PER_PAGE]
    pixels = None if read is None or not len(shown) else read(_positions(opened, shown))
    for start in range(0, len(shown), _ACROSS):
        places = st.columns(_ACROSS, gap="xsmall")
        for at in range(start, min(start + _ACROSS, len(shown))):
            with places[at - start]:
                _thumbnail(opened, int(shown[at]), name, None if pixels is None else pixels[at])


def _thumbnail(opened: Opened, row: int, name: str, pixels: NDArray[np.float32] | None) -> None:
    data = opened.record.data
    index = data.indices[_full_row(opened, row)]
    found = _fates(opened, row)
    status = inputs.status(next(one for one in found if one.name == name), found[0])
    if pixels is not None:
        true = data.classes[int(opened.analysis.labels[row])]
        st.image(
            inputs.picture(pixels, _SIDE),
            width="stretch",
            alt=f"Input {index}, true class {true}, {status}",
        )
    st.button(
        status if pixels is not None else f"#{index} {status}",
        key=f"open-{index}",
        on_click=_open,
        args=(index,),
        help=f"Open input {index}",
        width="stretch",
    )


def _open(index: int) -> None:
    st.session_state["input"] = index


def pick_input(opened: Opened, rows: NDArray[np.int64]) -> int:
    """The input to look at closely: its position among the reported ones."""
    positions = [opened.record.data.indices[row] for row in np.flatnonzero(opened.analysis.rows)]
    order = [positions[row] for row in rows] or positions
    first = set(order)
    options = [*order, *(one for one in positions if one not in first)]
    chosen = st.selectbox(
        "Input",
        options,
        key="input",
        bind="query-params",
        help="Position in the full set. Those that the filter keeps come first.",
    )
    return positions.index(chosen)


def show_input(opened: Opened, row: int, name: str, read: inputs.ReadImages | None) -> None:
    """Why each model certifies what it does for one input, its votes and its noisy copies."""
    record = opened.record
    label = int(opened.analysis.labels[row])
    found = _fates(opened, row)
    index = record.data.indices[_full_row(opened, row)]
    for one in found:
        if one.name in (BASE, name):
            why = inputs.why(one, found[0], record.data.classes)
            st.markdown(f"**{markdown(one.title)}.** {markdown(why)}")
    left, right = st.columns([1, 4])
    with left:
        st.metric("True class", markdown(record.data.classes[label]), border=True)
        if read is not None:
            image = read(_positions(opened, np.array([row])))[0]
            st.image(inputs.picture(image, 256), width="stretch", alt=f"Input {index}")
    with right:
        controls.table(
            inputs.fate_table(found, record.data.classes),
            f"input-{index}-{record.id}",
            columns.fates(),
            alt="Certified class, radius, bound and reason of every model for this input",
        )
    _show_votes(opened, row, index)
    if read is not None:
        _show_noisy(opened, row, read)


def _show_votes(opened: Opened, row: int, index: int) -> None:
    record = opened.record
    titles = {model.name: model.title for model in record.models}
    st.header("Votes", help="How often each class was answered on noisy copies.", anchor=False)
    names = st.multiselect(
        "Models",
        list(titles),
        default=list(titles)[:3],
        format_func=titles.__getitem__,
        key="votes",
        bind="query-params",
    )
    if not names:
        return
    with controls.explained():
        votes = {
            name: certified.votes(opened.study, name, _full_row(opened, row)) for name in names
        }
    figures.show(
        inputs.votes_figure(votes, titles, record.data.classes),
        "vote-shares",
        inputs.votes_table(votes, titles, record.data.classes),
        alt=f"Share of draws per class answered on input {index}",
        note=f"Input {index}: the original's n = {record.spec.n:,} estimation draws; of compressed "
        f"models those of the same draws that are stored. {controls.note(opened)}",
    )


def _show_noisy(opened: Opened, row: int, read: inputs.ReadImages) -> None:
    spec = opened.record.spec
    st.header("What the models saw", help=HELP["sigma"], anchor=False)
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
    image = read(_positions(opened, np.array([row])))[0]
    full = _full_row(opened, row)
    copies = certified.noisy_copies(opened.study, full, image, int(first), int(seed))
    answers = (
        certified.answers(opened.study, BASE, full, int(first), len(copies))
        if seed == spec.noise.seed
        else None
    )
    for at, (place, copy) in enumerate(
        zip(st.columns(len(copies), gap="xsmall"), copies, strict=True)
    ):
        said = "" if answers is None else f"answer: {_answer(opened, int(answers[at]))}"
        with place:
            st.image(
                inputs.picture(copy, _SIDE),
                caption=markdown(said) or None,
                width="stretch",
                alt=f"Draw {first + at}: the input under noise. {said}",
            )
    st.caption(
        f"Draws {first} to {first + len(copies) - 1} with σ = {spec.noise.sigma:g}; below each the "
        "original's answer. Pixels below 0 and above 1 are shown as 0 and 1; models see them as "
        "they are."
    )


def _answer(opened: Opened, number: int) -> str:
    classes = opened.record.data.classes
    return classes[number] if number < len(classes) else "not computed"


def _fates(opened: Opened, row: int) -> list[inputs.Fate]:
    certificates = certified.certificates(opened.study, opened.settings)
    return inputs.fates(opened.record, certificates, row, int(opened.analysis.labels[row]))


def _full_row(opened: Opened, row: int) -> int:
    """Position among all inputs of the study, held-out ones included."""
    return int(np.flatnonzero(opened.analysis.rows)[row])


def _positions(opened: Opened, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions in the full data set."""
    chosen = np.flatnonzero(opened.analysis.rows)[rows]
    return np.asarray(opened.record.data.indices, np.int64)[chosen]
