"""The gallery of the Inputs page: which inputs a filter keeps, and their images."""

from contextlib import suppress

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from irs_core.analysis.losses import Loss
from irs_core.errors import IrsError
from irs_core.spec.data_kinds import KINDS
from ui.explore import certified, inputs
from ui.shared import analyses, own_files, refusals
from ui.shared.opening import Opened

PER_PAGE = 24
_ACROSS = 6
# Buttons without an image above them name the input as well.
_ACROSS_WITHOUT = 4
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
        with refusals.explained():
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
        help="Lost: the original certifies the true class and the model does not. By compression: "
        "with the same draws of each, that is so as well. By the budget: the original loses it, "
        "too, with as few draws as the model got. The inputs that lose most come first.",
    )
    certificates = certified.certificates(opened.study, opened.settings)
    names = [model.name for model in opened.record.models]
    return inputs.choose(
        which,
        certificates[0],
        certificates[names.index(name)],
        opened.analysis.labels,
        analyses.at_equal_draws(opened.study, opened.settings, name),
    )


def show_gallery(
    opened: Opened, rows: NDArray[np.int64], name: str, read: inputs.ReadImages | None
) -> None:
    """A page of inputs as buttons below their images; a click opens one below."""
    pages = max(1, -(-len(rows) // PER_PAGE))
    page = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    shown = rows[(page - 1) * PER_PAGE : page * PER_PAGE]
    pixels = None if read is None or not len(shown) else read(positions(opened, shown))
    across = _ACROSS_WITHOUT if pixels is None else _ACROSS
    for start in range(0, len(shown), across):
        places = st.columns(across, gap="xsmall")
        for at in range(start, min(start + across, len(shown))):
            with places[at - start]:
                _thumbnail(opened, int(shown[at]), name, None if pixels is None else pixels[at])


def _thumbnail(opened: Opened, row: int, name: str, pixels: NDArray[np.float32] | None) -> None:
    data = opened.record.data
    index = data.indices[full_row(opened, row)]
    found = fates_of(opened, row)
    fate = next(one for one in found if one.name == name)
    status = inputs.status(fate, found[0], loss_of(opened, row, name))
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


def fates_of(opened: Opened, row: int) -> list[inputs.Fate]:
    """What every model of the study does with an input."""
    certificates = certified.certificates(opened.study, opened.settings)
    return inputs.fates(opened.record, certificates, row, int(opened.analysis.labels[row]))


def loss_of(opened: Opened, row: int, name: str) -> Loss:
    """What lost an input to a model."""
    return Loss(int(certified.losses(opened.study, opened.settings, name)[row]))


def full_row(opened: Opened, row: int) -> int:
    """Position among all inputs of the study, held-out ones included."""
    return int(np.flatnonzero(opened.analysis.rows)[row])


def positions(opened: Opened, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions in the full data set."""
    chosen = np.flatnonzero(opened.analysis.rows)[rows]
    return np.asarray(opened.record.data.indices, np.int64)[chosen]
