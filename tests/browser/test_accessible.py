"""Every page on small and large screens, and axe-core on it: nothing serious is found."""

from importlib.resources import files

import pytest

pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python")
from playwright.sync_api import Page  # noqa: E402
from settled import settle  # noqa: E402

from ui.shared.page_list import PAGES  # noqa: E402

# Widgets that Streamlit draws; what is written into them is not left out.
FRAMEWORK = (
    "[data-testid=stDataFrame]",
    "[data-testid=stSidebarNav]",
    "[data-testid=stHeader]",
    "[data-baseweb]",
    "[data-testid=stFileUploader]",
    "[data-testid=stSlider]",
    "[data-testid=stCode]",
)
_RUN = """async (left_out) => {
  const found = await axe.run({ exclude: left_out.map((one) => [one]) }, {
    runOnly: ['wcag2a', 'wcag2aa'], resultTypes: ['violations'] });
  return found.violations
    .filter((one) => ['serious', 'critical'].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200))}`);
}"""


# CSS pixels: a phone, and a screen enlarged twice.
_NARROW = (320, 640)
_WIDEST = """() => {
  const main = document.querySelector('[data-testid=stMain]');
  return Math.max(document.documentElement.scrollWidth, main.scrollWidth);
}"""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_the_screen_and_can_be_read_by_everybody(
    app: str, page: Page, name: str
) -> None:
    """WCAG 2.2 A and AA; 1.4.10: at 320 pixels nothing but tables and figures is wider."""
    wide = page.viewport_size
    assert wide is not None
    page.set_viewport_size({"width": _NARROW[0], "height": 640})
    page.goto(f"{app}/{'' if name == PAGES[0] else name}")
    settle(page)
    widest = {}
    for width in _NARROW:
        page.set_viewport_size({"width": width, "height": 640})
        widest[width] = at_rest(page)
    assert [one for one, most in widest.items() if most > one + 1] == []
    page.set_viewport_size(wide)
    # Anew, because a bar that was folded away for a phone stays so.
    page.reload()
    settle(page)
    # Evaluated and not added as a tag: the app's policy lets no page have scripts written into it.
    page.evaluate((files(axe) / "axe.min.js").read_text())
    assert page.evaluate(_RUN, list(FRAMEWORK)) == []


def at_rest(page: Page) -> int:
    """The width that nothing changes any more: figures follow that of the window a little later."""
    found, before = -1, -2
    while found != before:
        page.wait_for_timeout(400)
        found, before = page.evaluate(_WIDEST), found
    return found
