"""Why each input of a study got the radius that it has under CIRS."""

import streamlit as st

from irs_core.text import markdown
from ui.shared import analyses, columns, grid, library, opening


def show_reasons(opened: opening.Opened, name: str) -> None:
    """Branch, bounds and draws of every input for one compressed model, where CIRS ran."""
    reasons = analyses.why(opened.study, opened.settings, name)
    if reasons is None:
        return
    title = library.titles_of(opened.record)[name]
    with st.expander(f"Why each input got its radius under CIRS: {markdown(title)}"):
        grid.table(
            reasons,
            f"why-{opened.record.id}-{name}",
            columns.why(),
            alt=f"Branch, bounds and draws of every input for {title}",
        )
