"""Pages of difficult studies look as they were approved.

`IRS_APPROVE=1 pytest tests/browser/test_pictures.py` writes the approved pictures anew; look at
each before it is committed. Fonts and rendering differ between machines, so that pictures are
compared blurred: what moves, vanishes or lies over something else is seen, letters are not.
"""

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from difficult import STUDIES
from settled import settle

pytest.importorskip("playwright.sync_api")
from PIL import Image, ImageFilter
from playwright.sync_api import Page

APPROVED = Path(__file__).parent / "approved"
PAGES = ("decide", "overview", "acr_time")
SIZE = (1280, 1400)
# Stored at a third of the size; a difference counts where blurred greys differ by more than this,
# and a page has changed where more than this share of it differs.
_SCALE, _GREYS, _SHARE = 3, 12, 0.02


@pytest.fixture
def shown(serve: Callable[..., str], tmp_path: Path, page: Page) -> Callable[[str], str]:
    """Starts an app that has one difficult study alone; its address."""

    def start(name: str) -> str:
        store = tmp_path / "store"
        STUDIES[name](store)
        page.set_viewport_size({"width": SIZE[0], "height": SIZE[1]})
        return serve(shipped=False, store=store)

    return start


@pytest.mark.parametrize("name", STUDIES)
def test_a_page_looks_as_it_was_approved(
    shown: Callable[[str], str], page: Page, name: str
) -> None:
    address = shown(name)
    changed = []
    for at in PAGES:
        page.goto(f"{address}/{'' if at == PAGES[0] else at}")
        settle(page)
        page.wait_for_timeout(1500)
        taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        small = taken.resize((SIZE[0] // _SCALE, SIZE[1] // _SCALE), Image.Resampling.BOX)
        approved = APPROVED / f"{name}-{at}.png"
        if os.environ.get("IRS_APPROVE"):
            approved.parent.mkdir(exist_ok=True)
            small.quantize(64).save(approved, optimize=True)
        share = difference(small, Image.open(approved).convert("RGB"))
        if share > _SHARE:
            taken.save(Path(os.environ.get("TMPDIR", "/tmp")) / f"{name}-{at}-now.png")
            changed.append(f"{at}: {share:.1%} differs")
    assert changed == []


def difference(one: Image.Image, other: Image.Image) -> float:
    """Share of the blurred pictures that differs."""
    greys = [
        np.asarray(each.convert("L").filter(ImageFilter.GaussianBlur(2)), np.int16)
        for each in (one, other)
    ]
    return float(np.mean(np.abs(greys[0] - greys[1]) > _GREYS))


def test_a_block_that_vanishes_is_a_difference() -> None:
    """The measure itself: a missing line of text is none, a missing figure is one."""
    first = Image.open(APPROVED / "one_model-decide.png").convert("RGB")
    blank = first.copy()
    width, height = first.size
    blank.paste((255, 255, 255), (width // 3, height // 4, width, height // 2))
    assert difference(first, first) == 0
    assert difference(first, blank) > _SHARE
