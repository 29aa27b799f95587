"""axe-core on every page: no serious violation of the project's own making."""

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


@pytest.mark.parametrize("name", PAGES)
def test_page_has_no_serious_violation(app: str, page: Page, name: str) -> None:
    page.goto(f"{app}/{'' if name == PAGES[0] else name}")
    settle(page)
    # Evaluated and not added as a tag: the app's policy lets no page have scripts written into it.
    page.evaluate((files(axe) / "axe.min.js").read_text())
    assert page.evaluate(_RUN, list(FRAMEWORK)) == []
