"""Pages of the app in Streamlit's own test harness."""

import re
from pathlib import Path

from streamlit.testing.v1 import AppTest

from ui.shared import keeper

# Pages are tested on queues that no worker serves.
keeper.start = lambda: None
_APP = str(Path(__file__).parents[1] / "app.py")
# A busy machine needs patience; nothing waits longer than it has to.
_PATIENCE_SECONDS = 300


def open_page(name: str, **query: str) -> AppTest:
    """A page, run once, as a link with these query parameters opens it."""
    at = AppTest.from_file(_APP, default_timeout=_PATIENCE_SECONDS)
    for key, value in query.items():
        at.query_params[key] = value
    if name != "decide":
        at.switch_page(f"pages/{name}.py")
    return at.run()


def texts(at: AppTest) -> str:
    """All that a page says in words."""
    parts = [*at.info, *at.error, *at.markdown, *at.caption, *at.header, *at.subheader, *at.success]
    return "\n".join(as_read(part.value) for part in parts)


def as_read(words: object) -> str:
    """Markdown as its reader sees it: what `irs_core.text.markdown` escaped is text again."""
    return re.sub(r"\\([^A-Za-z0-9\s])", r"\1", str(words)).replace("\u2060", "")
