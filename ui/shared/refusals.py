"""The library's errors on pages: one sentence each, where the page stops."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from irs_core.errors import IrsError, MissingEvidenceError
from irs_core.text import SENTENCE, markdown, plain
from ui.shared import page_list


@contextmanager
def explained() -> Iterator[None]:
    """Turn the library's errors into one sentence and stop the page there."""
    try:
        yield
    except MissingEvidenceError as error:
        st.info(f"Not computed: {markdown(error)}.", icon=":material/hourglass_empty:")
        page_list.link("jobs", "See the jobs")
        st.stop()
    except IrsError as error:
        st.error(sentence(error), icon=":material/error:")
        st.stop()


def sentence(error: Exception) -> str:
    """An error's message as a sentence, in Markdown that shows it as it is."""
    text = plain(str(error).strip() or type(error).__name__, SENTENCE)
    return markdown(f"{text[0].upper()}{text[1:]}{'' if text.endswith('.') else '.'}")
