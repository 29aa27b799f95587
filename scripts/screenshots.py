"""Pictures of pages: `python scripts/screenshots.py` takes those of docs/images.

Starts the app on an empty store with the shipped studies, or on the one of IRS_STORE, visits each
page and saves one PNG of few colours. `--pages`, `--widths` and `--schemes` take others, to be
looked at; those belong to another folder. Needs playwright and a Chromium.
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

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from irs_core.store import Library  # noqa: E402
from ui.shared.page_list import PAGES  # noqa: E402

_READY = "[data-testid=stApp][data-test-script-state=notRunning]"
_START_SECONDS = 120
# Pages of which the documents show a picture.
SHOWN = ("decide", "certified_accuracy", "inputs")


def main(argv: Sequence[str] | None = None) -> int:
    """Take all pictures; 1 if a page shows an exception."""
    arguments = _parser().parse_args(argv)
    arguments.out.mkdir(parents=True, exist_ok=True)
    broken = []
    with _store(), running_app() as address, sync_playwright() as playwright:
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
    parser.add_argument(
        "--out", type=Path, default=PROJECT / "docs" / "images", help="folder of the pictures"
    )
    parser.add_argument("--pages", nargs="*", choices=PAGES, default=SHOWN)
    parser.add_argument("--widths", nargs="*", type=int, default=[1440])
    parser.add_argument("--schemes", nargs="*", choices=["light", "dark"], default=["light"])
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
        picture = arguments.out / f"{name}-{width}-{scheme}.png"
        page.screenshot(path=picture)
        # A page has few colours: half the size, and no difference to be seen.
        Image.open(picture).convert("RGB").quantize(256).save(picture, optimize=True)
        if page.locator("[data-testid=stException]").count():
            broken.append(f"{name}-{width}-{scheme}")
    context.close()
    return broken


def _with_images() -> str:
    """Of the studies whose images come with the program the one with least noise; empty if none."""
    studies = [one.record for one in Library().studies() if one.record.spec.data.kind == "digits"]
    return min(studies, key=lambda one: one.spec.noise.sigma).id if studies else ""


def settle(page: Page) -> None:
    """Wait until the page's script has ended and nothing is a placeholder any more."""
    page.wait_for_selector("h1", timeout=180_000)
    page.wait_for_selector(_READY, timeout=180_000)
    # The pages' content policy runs no text as a script, so that the page cannot be asked itself.
    page.locator("[data-testid=stSkeleton]").first.wait_for(state="hidden", timeout=180_000)
    # Plotly and the tables draw after the script; nothing in the page says when they are done.
    page.wait_for_timeout(1200)


def _content_height(page: Page) -> int:
    script = "document.querySelector('[data-testid=stMain]').scrollHeight"
    return max(900, min(6000, int(page.evaluate(script)) + 20))


@contextmanager
def _store() -> Iterator[None]:
    """The store that the variable names, else an empty one: pictures show what anybody has."""
    if "IRS_STORE" in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ["IRS_STORE"] = folder
        yield


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
