"""Routes of the app's own: the first page by its name, and what figures are drawn with."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from apart import run_apart
from starlette.applications import Starlette

from ui.shared import exports, navigation, served

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["", "irs"])
def base(request: pytest.FixtureRequest) -> Iterator[str]:
    """The path under which the app is served."""
    before = st.get_option("server.baseUrlPath")
    st._config.set_option("server.baseUrlPath", request.param)
    yield f"/{request.param}" if request.param else ""
    st._config.set_option("server.baseUrlPath", before)


def answer(path: str, query: bytes = b"") -> tuple[int, dict[bytes, bytes]]:
    """Status and headers of what the routes answer."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        **{"type": "http", "method": "GET", "path": path, "raw_path": path.encode()},
        **{"query_string": query, "headers": [(b"host", b"localhost")], "root_path": ""},
        **{"scheme": "http", "server": ("localhost", 80)},
    }
    app = Starlette(routes=navigation.routes())
    run_apart(app(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"])


@pytest.mark.parametrize(
    ("query", "to"), [(b"", b"./"), (b"study=ab&model=int8%20x", b"./?study=ab&model=int8%20x")]
)
def test_the_first_page_answers_to_its_own_name_with_its_query(
    base: str, query: bytes, to: bytes
) -> None:
    status, headers = answer(f"{base}/decide", query)
    assert (status, headers[b"location"]) == (307, to)


def test_what_figures_are_drawn_with_lies_where_pages_ask_for_it(base: str) -> None:
    assert [one.path for one in exports.routes()] == [f"{base}/figures/plotly.min.js"]
    assert served.below(exports.PLOTLY_PATH) == f"{base}/figures/plotly.min.js"


def test_the_app_starts_without_warnings():
    # As the server imports it, before it runs; see ui/__init__.py.
    done = subprocess.run(
        [sys.executable, "-c", "import app"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
