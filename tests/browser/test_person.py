"""What a person does: read, turn a slider, share, launch, cancel, take a study elsewhere."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from safetensors.torch import save_file
from settled import keyed

from irs_core.models import build

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, Page, expect

TIMEOUT = 120_000
HEADLINE = "keeps"


@pytest.fixture(autouse=True)
def patient() -> None:
    expect.set_options(timeout=TIMEOUT)


def headline(page: Page) -> str:
    place = page.get_by_role("heading").filter(has_text=HEADLINE)
    expect(place).to_be_visible()
    return place.inner_text()


def numbers(page: Page) -> list[str]:
    values = page.get_by_test_id("stMetricValue")
    expect(values).to_have_count(3)
    return values.all_inner_texts()


def gamma(page: Page) -> str:
    """The threshold that the caption names."""
    place = page.get_by_text(re.compile(r"γ = [\d.]+ ·")).first
    expect(place).to_be_visible()
    return re.findall(r"γ = ([\d.]+) ·", place.inner_text())[0]


def turn_gamma(page: Page) -> None:
    keyed(page, "settings").get_by_role("button").first.click()
    slider = keyed(page, "gamma").get_by_role("slider")
    expect(slider).to_be_visible()
    slider.focus()
    slider.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"[?&]gamma="))


def test_a_newcomer_reads_the_answer_without_scrolling(app: str, page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(app)
    answer = page.get_by_text("int8 may ship: wherever the original is right and provably")
    expect(answer).to_be_in_viewport(timeout=TIMEOUT)
    expect(
        page.get_by_text(re.compile(r"at most 1% exceptions among inputs like these"))
    ).to_be_visible()


def test_overview_is_read_turned_and_shared(app: str, page: Page, browser: Any) -> None:
    page.goto(f"{app}/overview?reader=researcher")
    said = headline(page)
    assert re.search(r"keeps [\d.]+% .* confidence is [\d.]+%", said)
    assert "%" in numbers(page)[0]
    before = gamma(page)
    turn_gamma(page)
    expect(page.get_by_text(f"γ = {before} ·")).to_have_count(0)
    after = gamma(page)
    assert float(after) < float(before)
    turned, link = numbers(page), page.url
    other = browser.new_context().new_page()
    other.set_default_timeout(TIMEOUT)
    other.goto(link)
    expect(other.get_by_text(f"γ = {after} ·").first).to_be_visible()
    assert headline(other) == headline(page)
    assert numbers(other) == turned
    other.context.close()


def test_study_is_launched_watched_and_another_cancelled(app: str, page: Page) -> None:
    small = "form_n=300&form_max=5&form_holdout=0&form_steps=2&form_kinds=16-bit+weights+(fp16)"
    page.goto(f"{app}/certify?{small}&form_name=quick")
    start = page.get_by_role("button", name="Start", exact=True)
    expect(page.get_by_text("draws", exact=False).first).to_be_visible()
    start.click()
    expect(page.get_by_text("is in the queue")).to_be_visible()
    page.goto(f"{app}/certify?form_n=500000&form_name=endless")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("is in the queue")).to_be_visible()
    endless = keyed(page, "job-2")
    endless.get_by_role("button", name="Cancel").click()
    # The badge's icon is text as well, so its word is not all of its text.
    expect(endless).to_contain_text("cancelled")
    quick = keyed(page, "job-1")
    expect(quick.get_by_role("link", name="Overview")).to_be_visible(timeout=3 * TIMEOUT)
    expect(quick).to_contain_text("done")
    quick.get_by_role("link", name="Overview").click()
    page.get_by_text("What this rests on").first.click()
    expect(page.get_by_text("5 inputs of handwritten digits").first).to_be_visible()
    assert "ACR" in page.get_by_test_id("stMetricLabel").first.inner_text()


def test_bundle_shows_the_same_numbers_elsewhere(
    app: str, serve: Callable[..., str], page: Page, tmp_path: Path
) -> None:
    page.goto(f"{app}/share")
    with page.expect_download() as download:
        page.get_by_role("button", name="Bundle", exact=True).click()
    bundle = tmp_path / download.value.suggested_filename
    download.value.save_as(bundle)
    page.goto(f"{app}/overview")
    said, seen = headline(page), numbers(page)
    elsewhere = serve(shipped=False)
    page.goto(f"{elsewhere}/share")
    expect(page.get_by_text("There is no study yet")).to_be_visible()
    keyed(page, "upload").locator("input[type=file]").set_input_files(bundle)
    expect(page.get_by_text("Imported:")).to_be_visible()
    page.get_by_role("link", name="Open it").click()
    imported = headline(page)
    reported = "Reported by others, not recomputed here."
    assert imported == said.partition("The confidence")[0] + reported
    expect(page.get_by_text(reported).first).to_be_visible()
    assert numbers(page) == seen


def test_figure_is_saved_as_a_picture(app: str, page: Page, tmp_path: Path) -> None:
    page.goto(f"{app}/pa_histogram")
    expect(keyed(page, "pa-histogram").locator(".main-svg").first).to_be_visible()
    for kind, start in (("PNG", b"\x89PNG"), ("SVG", b"<svg")):
        with page.expect_download() as download:
            page.get_by_role("button", name=re.compile(f"as {kind}$")).click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        assert path.read_bytes().startswith(start)
        assert path.stat().st_size > 3000
        assert re.fullmatch(rf"[0-9a-f]{{6}}-pa-histogram\.{kind.lower()}", path.name)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_figure_for_a_paper_is_on_white_in_a_font_that_is_everywhere(
    app: str, browser: Browser, tmp_path: Path, theme: Literal["light", "dark"]
) -> None:
    page = browser.new_page(color_scheme=theme)
    page.goto(f"{app}/certified_accuracy")
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    page.get_by_label(re.compile("^Size of figure")).first.select_option("column")
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("as SVG$")).first.click()
    assert download.value.suggested_filename.endswith("-column.svg")
    download.value.save_as(tmp_path / "f.svg")
    text = (tmp_path / "f.svg").read_text(encoding="utf-8")
    size = re.search(r'width="331" height="(\d+)"', text)
    assert size is not None
    assert int(size[1]) >= 260
    assert "Arial" in text
    assert "Source Sans" not in text
    assert re.search(r"background: (white|rgb\(255, 255, 255\))|fill: rgb\(255, 255, 255\)", text)
    # Nothing of the legend hangs over the edge of the picture.
    page.set_content(f'<body style="margin:0">{text}')
    outside = page.evaluate(
        """([width, height]) => [...document.querySelectorAll('text')].filter((one) => {
          const { left, right, bottom } = one.getBoundingClientRect();
          return left < -1 || right > width + 1 || bottom > height + 1;
        }).map((one) => one.textContent)""",
        [331, int(size[1])],
    )
    assert outside == []
    page.close()


def test_own_files_are_uploaded_and_run(app: str, page: Page, tmp_path: Path) -> None:
    pickled, weights = tmp_path / "pickled.pt", tmp_path / "mine.safetensors"
    torch.save({"state_dict": Path("anything")}, pickled)
    save_file(build("digits_resnet", 10, seed=3).state_dict(), weights, {"arch": "digits_resnet"})
    page.goto(f"{app}/models_and_data")
    page.get_by_text("Check your own model").click()
    chosen = keyed(page, "check_weights_upload")
    chosen.locator("input[type=file]").set_input_files(pickled)
    expect(page.get_by_test_id("stAlert")).to_contain_text("never loaded")
    chosen.get_by_role("button", name=re.compile("Remove|Delete")).click()
    # The widget is built anew when its file goes: who picks a file, sees that first.
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    chosen.locator("input[type=file]").set_input_files(weights)
    expect(page.get_by_test_id("stAlert")).to_contain_text("digits_resnet, 10 classes")
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_text("nothing is stored and nothing is certified")).to_be_visible()
