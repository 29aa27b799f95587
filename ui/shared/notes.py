"""Where the numbers of a page come from, as it stands below figures."""

from collections.abc import Sequence

import streamlit as st

from irs_core import methods
from irs_core.methods import MethodDef
from irs_core.spec.settings import Settings
from irs_core.store import Study
from ui.shared import captions, library, theme
from ui.shared.opening import Opened


def note(opened: Opened, *, held_out: bool = False) -> str:
    """Where a figure's numbers come from."""
    return captions.provenance(
        opened.record, opened.settings, held_out=held_out, ledger=opened.ledger
    )


def notes(studies: Sequence[Study], settings: Settings) -> str:
    """Where a figure's numbers come from, one paragraph per study."""
    return "\n\n".join(
        captions.provenance(study.record, settings, ledger=library.ledger(study, settings))
        for study in studies
    )


def name_main_method(opened: Opened) -> None:
    """A line below what is said of IRS, where it is not IRS that the Overview quotes."""
    for method in _quoted(opened):
        if method.branches is None:
            st.caption(f"The Overview quotes {method.title}, which does not use γ.")


def quoted_methods(opened: Opened) -> str:
    """The methods that the Overview quotes, in words."""
    return theme.listing([method.title for method in _quoted(opened)])


def _quoted(opened: Opened) -> list[MethodDef]:
    analysis, compressed = opened.analysis, opened.record.compressed
    quoted = {analysis.main_method(model.name) for model in compressed}
    return [method for method in methods.every() if method.name in quoted]


def caption(opened: Opened) -> None:
    """Where the page's numbers come from."""
    st.caption(note(opened))
    st.caption(captions.noise(opened.record.spec))
