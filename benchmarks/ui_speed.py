"""How fast the pages are: `python -m irs_core bench --ui`.

Medians and 95th percentiles of what a person waits for, on the shipped study and on a synthetic
one of 10,000 inputs, n = 100,000 and eight compressed models whose counts are kept.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "benchmarks"), str(PROJECT / "scripts")]

from streamlit.testing.v1 import AppTest  # noqa: E402

from irs_core.analysis.equal_draws import draw_steps  # noqa: E402
from irs_core.store import Library, Study  # noqa: E402
from ui.shared.page_list import STUDY_PAGES  # noqa: E402

PAGES = (*STUDY_PAGES, "sample_sizes")
GAMMAS = (0.9, 0.95, 0.97, 0.98, 0.985, 0.99, 0.95, 0.98)
LEVELS = (0.0001, 0.0002, 0.0005, 0.002, 0.005, 0.01, 0.02, 0.05)
# Where each slider is turned; values of the study's own budgets are filled in.
SETTINGS = {"gamma": GAMMAS, "alpha": LEVELS, "alpha_zeta": LEVELS}
SLIDERS: Mapping[str, Mapping[str, Sequence[float]]] = {
    "overview": {**SETTINGS, "draws": ()},
    "acr_time": SETTINGS,
    "certified_accuracy": SETTINGS,
    "zeta_table": {**SETTINGS, "n_p": ()},
    "pa_histogram": SETTINGS,
    "gamma_sweep": {**SETTINGS, "n_p": ()},
    "inputs": SETTINGS,
    "sample_sizes": {
        "plan_p": (0.6, 0.7, 0.8, 0.9, 0.97, 0.99, 0.999, 1.0),
        "plan_n": (100, 500, 1000, 5000, 20_000, 50_000, 100_000, 1_000_000),
        "plan_alpha": (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05),
        "plan_width": (0.002, 0.005, 0.01, 0.02, 0.05, 0.1),
    },
}
_KIB = 1024
_CHANGED = """(old) => {
  const captions = [...document.querySelectorAll('[data-testid=stCaptionContainer]')];
  const now = captions.find((one) => one.innerText.includes('· seed'));
  return now && now.innerText !== old;
}"""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=2, help="times that each slider goes through its values"
    )
    parser.add_argument("--no-browser", action="store_true", help="only the server")
    arguments = parser.parse_args(argv)
    from irs_core.hardware import describe_hardware

    load = os.getloadavg()[0]
    print(f"{describe_hardware()}; load average {load:.1f} before the measurement\n")
    measured = []
    for synthetic in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            measured.append(list(_measure(Path(folder), arguments, synthetic=synthetic)))
    _print(*measured)
    return 0


@dataclass(frozen=True)
class Row:
    """What was measured, in ms or another unit, and the most that it may be."""

    what: str
    values: Sequence[float]
    target: str
    unit: str = "ms"

    @property
    def cells(self) -> str:
        """Median and 95th percentile."""
        median, p95 = np.percentile(self.values, [50, 95])
        return f"{median:,.0f} {self.unit} | {p95:,.0f} {self.unit}"


def _print(shipped: Sequence[Row], synthetic: Sequence[Row]) -> None:
    print("| | shipped: median | p95 | 10,000 inputs: median | p95 | target |")
    print("|---|---|---|---|---|---|")
    for one, other in zip(shipped, synthetic, strict=True):
        assert one.what == other.what
        print(f"| {one.what} | {one.cells} | {other.cells} | {one.target} |")


def _measure(folder: Path, arguments: argparse.Namespace, *, synthetic: bool) -> Iterator[Row]:
    os.environ["IRS_STORE"] = str(folder / "store")
    os.environ.pop("IRS_SHIPPED", None)
    if synthetic:
        from ui_study import make_store

        make_store(folder / "store")
        (folder / "none").mkdir()
        os.environ["IRS_SHIPPED"] = str(folder / "none")
    study = _largest()
    print(f"{study.record.title}: {len(study.record.data.indices):,} inputs", flush=True)
    yield Row("open the study (manifest and counts)", [_open_ms(study)], "1 s")
    for page, sliders in SLIDERS.items():
        at, first = _first_run(page)
        yield Row(f"server, first run of {page}", [first], "2 s")
        for key, values in sliders.items():
            name, places = _slider(study, key, values)
            turns = _turned(at, name, places, arguments.rounds)
            yield Row(f"server, {key} on {page}", turns, "100 ms")
    if not arguments.no_browser and shutil.which("chromium"):
        yield from _browser(arguments.rounds)


def _slider(study: Study, key: str, values: Sequence[float]) -> tuple[str, Sequence[float]]:
    """A slider's key in the page, and its values."""
    budgets = study.record.spec.n_p
    if key == "draws":
        return f"draws_{study.record.id[:6]}", draw_steps(budgets)
    return key, values or budgets


def _timed(act: Callable[[], object]) -> float:
    clock = perf_counter()
    act()
    return 1000 * (perf_counter() - clock)


def _largest() -> Study:
    """The study that the pages open first."""
    return max(
        Library().studies(),
        key=lambda one: sum(one.record.data.reported) * len(one.record.compressed),
    )


def _open_ms(study: Study) -> float:
    from irs_core.analysis.kept_tally import open_tally

    open_tally(study, Library().root)
    return _timed(lambda: open_tally(study, Library().root))


def _first_run(page: str) -> tuple[AppTest, float]:
    """A page and the milliseconds that its script took: no network, no browser."""
    import streamlit as st

    st.cache_resource.clear()
    at = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=300)
    if page == PAGES[0]:
        return at, _timed(at.run)
    at.run()
    at.switch_page(f"pages/{page}.py")
    return at, _timed(at.run)


def _turned(at: AppTest, key: str, values: Sequence[float], rounds: int) -> list[float]:
    """Milliseconds of the script for each value of a slider, which is put back at the end."""
    before = at.select_slider(key=key).value
    turns = []
    for value in values * rounds:
        at.select_slider(key=key).set_value(value)
        turns.append(_timed(at.run))
    at.select_slider(key=key).set_value(before).run()
    assert not at.exception
    return turns


def _browser(rounds: int) -> Iterator[Row]:
    from playwright.sync_api import sync_playwright
    from screenshots import running_app

    with running_app() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        # The pages' content policy lets nobody ask them by a text, as is done here.
        page = browser.new_page(viewport={"width": 1440, "height": 1000}, bypass_csp=True)
        page.set_default_timeout(180_000)
        received: list[int] = []
        page.on(
            "websocket",
            lambda socket: socket.on("framereceived", lambda frame: received.append(len(frame))),
        )
        paints = []
        for _ in range(2):
            paints = [_first_paint(page, address, name) for name in PAGES]
        yield Row("browser, first paint of a page, warm", paints, "2 s")
        # A researcher sees the caption without unfolding it.
        _first_paint(page, address, "overview?reader=researcher")
        turns, sizes = _turns(page, rounds, received)
        yield Row("browser, gamma on overview to paint", turns, "300 ms")
        yield Row("payload of a rerun", [one / _KIB for one in sizes], "1,024 KiB", "KiB")
        browser.close()


def _first_paint(page, address: str, name: str) -> float:  # type: ignore[no-untyped-def]
    """Milliseconds until the page has its title and no placeholder any more."""
    clock = perf_counter()
    page.goto(f"{address}/{'' if name == PAGES[0] else name}")
    page.wait_for_selector("h1")
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")
    return 1000 * (perf_counter() - clock)


def _turns(page, rounds: int, received: list[int]) -> tuple[list[float], list[int]]:  # type: ignore[no-untyped-def]
    """Milliseconds from a key on gamma until the caption names the new value, and bytes sent."""
    page.locator(".st-key-settings").get_by_role("button").first.click()
    slider = page.locator(".st-key-gamma").get_by_role("slider")
    slider.focus()
    turns, sizes = [], []
    for turn in range(8 * rounds):
        before = len(received)
        text = page.locator(
            "[data-testid=stCaptionContainer]", has_text="· seed"
        ).first.inner_text()
        clock = perf_counter()
        slider.press("ArrowLeft" if turn % 8 < 4 else "ArrowRight")
        page.wait_for_function(
            _CHANGED,
            arg=text,
            polling="raf",
        )
        turns.append(1000 * (perf_counter() - clock))
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        sizes.append(sum(received[before:]))
    return turns, sizes


if __name__ == "__main__":
    sys.exit(main())
