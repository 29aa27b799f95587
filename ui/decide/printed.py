"""The decision as one page that prints."""

from datetime import date

import streamlit as st

from irs_core.decide import Decision
from irs_core.report.one_page import one_page
from irs_core.text import file_name
from ui.decide import decisions
from ui.shared.opening import Opened


def offer(opened: Opened, name: str, decision: Decision) -> None:
    """A download; the page is only made when it is asked for."""
    study, settings = opened.study, opened.settings
    st.download_button(
        "One page to print",
        lambda: one_page(
            opened.record,
            opened.analysis,
            name,
            decision,
            ledger=opened.ledger,
            flags=decisions.flags(study, settings),
            together=decisions.together(study, settings, decision.requirement),
            banner=study.banner,
            made=date.today().isoformat(),
        ),
        f"decision-{opened.record.id[:6]}-{file_name(name)}.html",
        "text/html",
        key="one_page",
        icon=":material/print:",
        on_click="ignore",
        type="tertiary",
        help="Verdict, picture, what it rests on and what is not known; fits A4 and Letter.",
    )
