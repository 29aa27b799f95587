"""Pictures of every page: `python scripts/screenshots.py --out docs/images`.

Starts the app against the current store (IRS_STORE), visits each page at the given widths, light
and dark, and saves one PNG each. Needs playwright and a Chromium.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, sync_playwright

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from irs_core.store import Library  # noqa: E402
from ui.shared.page_list import PAGES  # noqa: E402

_READY = "[data-testid=stApp][data-test-script-state=notRunning]"
_START_SECONDS = 60


def main(argv: Sequence[str] | None = None) -> int:
    """Take all pictures; 1 if a page shows an exception."""
    arguments = _parser().parse_args(argv)
    arguments.out.mkdir(parents=True, exist_ok=True)
    broken = []
    with running_app() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=arguments.chromium,
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        for width in arguments.widths:
            for scheme in arguments.schemes:
                broken += take(browser, address, arguments, width, scheme)
        browser.close()
    for name in broken:
        print(f"{name} shows an exception")
    return 1 if broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the pictures")
    parser.add_argument("--pages", nargs="*", choices=PAGES, default=PAGES)
    parser.add_argument("--widths", nargs="*", type=int, default=[1440, 768])
    parser.add_argument(
        "--schemes", nargs="*", choices=["light", "dark"], default=["light", "dark"]
    )
    parser.add_argument("--study", help="id of the study to show; the latest by default")
    parser.add_argument(
        "--chromium",
        default=shutil.which("chromium"),
        help="browser to use; playwright's own by default where there is none",
    )
    return parser


def take(
    browser: Browser, address: str, arguments: argparse.Namespace, width: int, scheme: str
) -> list[str]:
    """Save the pictures of one width and colour scheme; names of pages that broke."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, device_scale_factor=1
    )
    page = context.new_page()
    page.set_default_timeout(180_000)
    broken = []
    for name in arguments.pages:
        study = arguments.study or (_with_images() if name == "inputs" else "")
        query = f"?study={study}" if study else ""
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{address}/{'' if name == PAGES[0] else name}{query}")
        settle(page)
        page.set_viewport_size({"width": width, "height": _content_height(page)})
        settle(page)
        page.screenshot(path=arguments.out / f"{name}-{width}-{scheme}.png")
        if page.locator("[data-testid=stException]").count():
            broken.append(f"{name}-{width}-{scheme}")
    context.close()
    return broken


def _with_images() -> str:
    """A study whose images come with the program."""
    studies = Library().studies()
    return next((one.record.id for one in studies if one.record.spec.data.kind == "digits"), "")


def settle(page: Page) -> None:
    """Wait until the page's script has ended and nothing is a placeholder any more."""
    page.wait_for_selector("h1", timeout=180_000)
    page.wait_for_selector(_READY, timeout=180_000)
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')", timeout=180_000)
    # Plotly and the tables draw after the script; nothing in the page says when they are done.
    page.wait_for_timeout(1200)


def _content_height(page: Page) -> int:
    script = "document.querySelector('[data-testid=stMain]').scrollHeight"
    return max(900, min(6000, int(page.evaluate(script)) + 20))


@contextmanager
def running_app() -> Iterator[str]:
    """The app on a free port; ended with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    # A pipe that nobody reads would fill up and stop the server.
    with tempfile.TemporaryFile() as output:
        server = subprocess.Popen(
            command, cwd=PROJECT, stdout=output, stderr=output, env=dict(os.environ)
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(10)


def _wait_for(url: str) -> None:
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            with urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            if time.monotonic() > end:
                raise
        time.sleep(0.3)


if __name__ == "__main__":
    sys.exit(main())
