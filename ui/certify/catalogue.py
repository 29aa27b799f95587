"""What comes along and what is understood: models, compressions, kinds of data."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from irs_core.errors import IrsError
from irs_core.spec.compression_kinds import KINDS as COMPRESSIONS
from irs_core.spec.compression_kinds import known_compressions
from irs_core.spec.compressions import FILE_PREFIX, NORMALIZED_PREFIX
from irs_core.spec.data_kinds import DATA_KINDS, KINDS
from irs_core.spec.study import DataSpec
from irs_core.spec.titles import inputs_title
from irs_core.text import markdown
from ui.certify import dry_run
from ui.shared import inventory, own_files, refusals, theme
from ui.shared.glossary import HELP

_SHOWN_FIRST = ("name", "sigma", "accuracy_clean", "accuracy_noisy", "size_bytes", "command")
_FILES = {
    FILE_PREFIX: (
        "A network in a file",
        "An .onnx or .xml (OpenVINO IR) file that takes images in [0, 1], or other weights of the "
        "original's architecture.",
    ),
    NORMALIZED_PREFIX: (
        "A network in a file, normalised",
        "As `file`, but it takes images that the original's normalisation was applied to.",
    ),
}


def show_models() -> None:
    """Shipped models with their cards, architectures, and a check of own weights."""
    st.header("Models", divider="gray")
    with refusals.explained():
        cards = inventory.shipped()
    if not cards:
        st.info("No model came along. Train one: `python -m irs_core train --help`.")
    for columns, row in _in_rows(list(cards), 3):
        for column, name in zip(columns, row, strict=False):
            with column.container(border=True):
                _card(name, cards[name])
    names = inventory.architectures()
    own = [name for name in names if not name.startswith("torchvision:")]
    st.markdown(
        f"**Architectures:** {', '.join(f'`{name}`' for name in own)}, and every torchvision "
        f"classifier as `torchvision:NAME` ({len(names) - len(own)} of them)."
    )
    with st.expander("Check your own model (dry run)", icon=":material/upload_file:"):
        dry_run.show_check()


def show_compressions() -> None:
    """What can be done to a model, in one line each."""
    st.header("Compressions", divider="gray")
    rows = [
        {"name": _text_forms(kind.name), "what": kind.title, "how": kind.sentence}
        for kind in COMPRESSIONS.values()
    ]
    rows += [
        {"name": _text_forms(key), "what": title, "how": text}
        for key, (title, text) in _FILES.items()
    ]
    st.table(pd.DataFrame(rows), border="horizontal", hide_index=True)


def show_data() -> None:
    """Kinds of data, where files go, and a check of an own folder."""
    st.header("Data", divider="gray")
    rows = [
        {"kind": f"`{kind}`", "what": KINDS[kind].what, "where": KINDS[kind].where}
        for kind in DATA_KINDS
    ]
    st.table(pd.DataFrame(rows), border="horizontal", hide_index=True)
    with st.expander("Check a data folder", icon=":material/folder_open:"):
        columns = st.columns([1, 2, 1])
        kind = columns[0].selectbox(
            "Kind", DATA_KINDS, index=DATA_KINDS.index("image-folder"), key="check_kind"
        )
        with columns[1]:
            label = "Folder or file on this machine (ROOT)"
            root = "" if not KINDS[kind].root else own_files.pick_data(label, kind, "check_root")
        split = columns[2].text_input("Split", "test", key="check_split")
        if root or not KINDS[kind].root:
            try:
                facts = inventory.data_facts(DataSpec(kind=kind, root=root or None, split=split))
            except IrsError as error:
                st.error(refusals.sentence(error), icon=":material/error:")
                return
            st.success(
                f"{markdown(facts.description)}: {theme.plural(facts.total, 'image')}, "
                f"{facts.classes} classes."
            )


def _in_rows(names: list[str], width: int) -> list[tuple[Any, list[str]]]:
    return [(st.columns(width), names[at : at + width]) for at in range(0, len(names), width)]


def _text_forms(key: str) -> str:
    """What names a compression, with and without a number."""
    return " or ".join(f"`{one}`" for one in known_compressions() if one.partition(":")[0] == key)


def _card(name: str, card: Mapping[str, Any]) -> None:
    st.markdown(f"**shipped:{name}**")
    left, right = st.columns(2)
    left.metric("Clean accuracy", _share(card, "accuracy_clean"), help=HELP["clean"])
    sigma = card.get("sigma", "?")
    right.metric(
        "Under noise",
        # Its card repeats the clean accuracy there.
        "-" if sigma == 0 else _share(card, "accuracy_noisy"),
        help="Not measured: it was trained without noise."
        if sigma == 0
        else f"Accuracy on noisy copies of the test images, σ = {sigma}.",
    )
    facts = [f"trained at σ = {card['sigma']:g}"] if "sigma" in card else []
    if "size_bytes" in card:
        facts.append(theme.file_size(card["size_bytes"]))
    facts += [inputs_title(str(card[key])) for key in ("arch", "data", "date") if key in card]
    st.caption(" · ".join(facts))
    if "command" in card:
        with st.expander("Training command"):
            st.code(card["command"], language="shell", wrap_lines=True)
    rest = {key: value for key, value in card.items() if key not in _SHOWN_FIRST}
    if rest:
        with st.expander("Whole card"):
            st.json(rest, expanded=2)


def _share(card: Mapping[str, Any], key: str) -> str:
    value = card.get(key)
    return theme.percent(value) if isinstance(value, float | int) else "n/a"
