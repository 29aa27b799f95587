"""All pages in a browser, on a study whose texts attack: nothing is asked of another machine."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from foreign import REST, foreign_study, harmless, hostile
from settled import IDLE, settle

from irs_core.store import Library
from ui.shared.page_list import PAGES

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page

# What markup would add to a page, in the browser's own words.
MADE = (
    *("a[href]", "img", "iframe", "strong", "em", "code", "del", "table", "li", ".katex"),
    *("[data-testid=stIconMaterial]", "[class*=stMarkdownColored]", "svg a", "svg tspan[style]"),
)
WATCH = """
window.refused = [];
addEventListener('securitypolicyviolation', (event) =>
  window.refused.push(`${event.effectiveDirective} ${event.blockedURI}`));
"""
COUNT = """(all) => Object.fromEntries(
  all.map((one) => [one, document.querySelectorAll(one).length]))"""
UNFOLD = "document.querySelectorAll('details:not([open]) > summary').forEach((one) => one.click())"


@pytest.fixture(scope="module")
def apps(serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Addresses of the app on a hostile and on a harmless study."""
    found = {}
    for text in (hostile, harmless):
        store = tmp_path_factory.mktemp(text.__name__)
        foreign_study(Library(store), text)
        found[text.__name__] = serve(shipped=False, store=store)
    return found


@pytest.fixture(scope="module")
def context(browser: Any) -> Iterator[Any]:
    """One for all pages, which load the same scripts."""
    found = browser.new_context(viewport={"width": 1440, "height": 1000})
    found.set_default_timeout(120_000)
    yield found
    found.close()


def calm_down(page: Page) -> None:
    """Wait until the page is whole and nothing more is drawn."""
    settle(page)
    seen, calm = made(page), 0
    while calm < 4:
        page.wait_for_timeout(200)
        before, seen = seen, made(page)
        running = page.locator(IDLE).count() == 0
        calm = 0 if running or before != seen else calm + 1


def look_at_everything(page: Page) -> None:
    """Open what folds and point at the figures, so that all texts are drawn."""
    page.evaluate(UNFOLD)
    calm_down(page)
    for chart in page.locator(".js-plotly-plot").all():
        for share in (0.2, 0.5, 0.8):
            box = chart.bounding_box()
            if box:
                page.mouse.move(box["x"] + share * box["width"], box["y"] + 0.5 * box["height"])
    # Hovers come and go with the place of a point.
    page.mouse.move(0, 0)
    calm_down(page)


def made(page: Page) -> dict[str, int]:
    return dict(page.evaluate(COUNT, MADE))


def named(headline: str) -> str:
    """A headline with the names of models that it quotes as the harmless study's."""
    found = headline.replace("\u2060", "")
    for at in range(3):
        name = f"model{at}"
        found = found.replace(hostile(name, at).strip(), harmless(name, at))
    return found


def visit(page: Page, address: str) -> dict[str, Any]:
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    page.on("websocket", lambda one: asked.append(one.url))
    page.add_init_script(WATCH)
    page.goto(address)
    calm_down(page)
    look_at_everything(page)
    return {
        "asked": {urlsplit(one).netloc for one in asked if not re.match("data:|blob:", one)},
        "refused": page.evaluate("window.refused"),
        "headlines": [named(one) for one in page.locator("h1, h2").all_inner_texts()],
        "made": made(page),
        "shown": page.locator("[data-testid=stException]").count(),
    }


@pytest.mark.parametrize("name", PAGES)
def test_a_hostile_study_adds_nothing_to_a_page(
    apps: dict[str, str], context: Any, name: str
) -> None:
    seen = {}
    for kind, app in apps.items():
        page = context.new_page()
        seen[kind] = visit(page, f"{app}/{'' if name == PAGES[0] else name}")
        page.close()
        assert seen[kind]["asked"] == {urlsplit(app).netloc}
    assert seen["hostile"]["shown"] == seen["harmless"]["shown"] == 0
    assert seen["hostile"]["refused"] == seen["harmless"]["refused"] == []
    assert seen["hostile"]["headlines"] == seen["harmless"]["headlines"] != []
    assert seen["hostile"]["made"] == seen["harmless"]["made"]


def test_an_attack_in_the_address_is_shown_as_text(apps: dict[str, str], context: Any) -> None:
    app, page = apps["harmless"], context.new_page()
    found = visit(page, f"{app}/overview?study={quote(REST)}&radii={quote(REST)}")
    plain = visit(page, f"{app}/overview?study=none&radii=none")
    assert page.get_by_text("There is no study").count() == 1
    assert found["asked"] == {urlsplit(app).netloc}
    assert found["refused"] == []
    assert found["made"] == plain["made"]
