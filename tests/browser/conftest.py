"""A real Chromium and real servers for tests that do what a person does."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from urllib.request import urlopen

import pytest

from irs_core.jobs import Roster

PROJECT = Path(__file__).resolve().parents[2]
# A busy machine needs patience; nothing waits longer than it has to.
PATIENCE_MS = 120_000
_START_SECONDS = 120


@pytest.fixture(scope="session")
def browser():  # type: ignore[no-untyped-def]
    """Debian's Chromium, else playwright's own; without either these tests are skipped."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        path = shutil.which("chromium") or playwright.chromium.executable_path
        if not Path(path).exists():
            pytest.skip("no Chromium: scripts/get_chromium installs one where it may")
        opened = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield opened
        opened.close()


@pytest.fixture
def page(browser):  # type: ignore[no-untyped-def]
    """A page in a context of its own."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Starts the app on a store of its own and returns its address."""
    servers, stores = [], []

    def start(
        *,
        shipped: bool = True,
        store: Path | None = None,
        environment: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> str:
        folder = tmp_path_factory.mktemp("server")
        settings = {
            **os.environ,
            "IRS_STORE": str(store or folder / "store"),
            **(environment or {}),
        }
        stores.append(Path(settings["IRS_STORE"]))
        if not shipped:
            (folder / "none").mkdir()
            settings["IRS_SHIPPED"] = str(folder / "none")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
        command += options
        # A pipe that nobody reads would fill up and stop the server.
        output = (folder / "output").open("wb")
        servers.append(
            subprocess.Popen(command, cwd=PROJECT, env=settings, stdout=output, stderr=output)
        )
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health")
        return f"http://127.0.0.1:{port}"

    yield start
    for server in servers:
        server.terminate()
    for server in servers:
        server.wait(30)
    # Workers outlive the app that started them, so that jobs go on.
    for store in stores:
        for worker in Roster(store).living():
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGTERM)


@pytest.fixture(scope="session")
def app(serve: Callable[..., str]) -> str:
    """The app with the shipped studies."""
    return serve()


def _wait_for(url: str) -> None:
    end = monotonic() + _START_SECONDS
    while True:
        try:
            with urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            if monotonic() > end:
                raise
        sleep(0.2)
