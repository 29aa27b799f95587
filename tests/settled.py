"""When a page in a browser is whole."""

from typing import Any

IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"


def settle(page: Any) -> None:
    """Wait for a headline, the end of the script, and for what it sent to be drawn.

    The headline comes first: before the page has connected, its script counts as not running.

    Args:
        page: Of playwright, which may not be installed where this is imported.
    """
    page.locator("h1").first.wait_for()
    page.locator(IDLE).wait_for()
    page.wait_for_selector("[data-testid=stSkeleton]", state="detached")


def keyed(page: Any, key: str) -> Any:
    """What stands under a key; the newest of it while a list that moved shows it twice.

    A page is drawn from the top, so what is left of the last drawing stands below.

    Args:
        page: Of playwright.
        key: As the page gave it.
    """
    return page.locator(f".st-key-{key}").first
