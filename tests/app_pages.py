"""Pages of the app in Streamlit's own test harness."""

import re
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.json_format import MessageToDict
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


def on_screen(at: AppTest) -> str:
    """Every text of a page: words, labels, explanations, figures, tables."""
    return as_read("\n".join(_texts(at._tree)))


def _texts(node: object) -> Iterator[str]:
    proto = getattr(node, "proto", None)
    if hasattr(proto, "DESCRIPTOR"):
        yield from _strings(MessageToDict(proto))
    if getattr(node, "type", "") == "arrow_data_frame":
        yield node.value.to_csv()  # type: ignore[attr-defined]
    for child in getattr(node, "children", {}).values():
        yield from _texts(child)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inside in value.items():
            # The bytes of a table are read as a table.
            if key != "data":
                yield from _strings(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from _strings(inside)
