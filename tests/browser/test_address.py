"""The address of a page, and what the keyboard reaches."""

import re

import pytest
from settled import settle

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect

TIMEOUT = 120_000


@pytest.fixture(autouse=True)
def patient() -> None:
    expect.set_options(timeout=TIMEOUT)


def study(page: Page) -> str:
    page.wait_for_url(re.compile("study="))
    return re.findall(r"study=(\w+)", page.url)[0]


def test_back_and_forward_show_what_the_address_says(app: str, page: Page) -> None:
    """One step each, although a page adds its study to the address."""
    page.goto(f"{app}/overview?reader=researcher")
    settle(page)
    first = study(page)
    page.get_by_role("link", name="Certified accuracy", exact=True).click()
    expect(page.get_by_role("heading", name="Certified accuracy", level=1)).to_be_visible()
    shows(page, "Certified accuracy", first)
    for step, name in ((page.go_back, "Overview"), (page.go_forward, "Certified accuracy")):
        step()
        settle(page)
        shows(page, name, first)


def shows(page: Page, name: str, first: str) -> None:
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    expect(page.get_by_role("combobox", name="Study")).to_have_value(re.compile(first[:6]))
    assert study(page) == first
    assert re.search(name.lower().replace(" ", "_"), page.url)


@pytest.mark.parametrize("asked", ["gamma=7", "gamma=x", "alpha=-1", "n_p=zero", "model=none"])
def test_nonsense_in_an_address_ends_in_no_traceback(app: str, page: Page, asked: str) -> None:
    page.goto(f"{app}/zeta_table?{asked}")
    settle(page)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_the_keyboard_reaches_the_answer_and_what_is_asked(app: str, page: Page) -> None:
    """Tab walks from the navigation through the question, and each stop can be seen."""
    # Other tests add studies of their own.
    page.goto(f"{app}/?study=f6529b7bc937d8e7")
    settle(page)
    expect(page.get_by_text("may ship").first).to_be_visible()
    named, unseen = set(), []
    for _ in range(60):
        page.keyboard.press("Tab")
        stop = page.evaluate(
            """() => {
              const one = document.activeElement, style = getComputedStyle(one);
              const box = one.getBoundingClientRect();
              const around = one.closest('[data-baseweb]') ?? one;
              const marked = [one, around, one.parentElement].some((each) => {
                const look = getComputedStyle(each);
                return look.outlineStyle !== 'none' || look.boxShadow !== 'none'
                  || look.borderColor !== '';
              });
              return { name: one.getAttribute('aria-label') || one.innerText.slice(0, 60),
                seen: box.width > 0 && box.height > 0 && style.visibility !== 'hidden' && marked,
                html: one.outerHTML.slice(0, 120) };
            }"""
        )
        named.add(stop["name"].strip())
        # Past the last stop the browser's own bars have the focus.
        if not stop["seen"] and not stop["html"].startswith("<body"):
            unseen.append(stop["html"])
    everything = " | ".join(named)
    for asked in ("Study", "May this model replace", "Radius"):
        assert asked in everything
    assert unseen == []
