"""The tasks of three first-time readers, with the clicks they take; answers come off the page."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from settled import keyed

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import preset_requirement, study_decisions
from irs_core.analysis.tally import tally_study
from irs_core.decide import Requirement
from irs_core.spec.settings import Settings
from irs_core.store import Library, Study

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect

STUDY = "f6529b7bc937d8e7"
TIMEOUT = 120_000


class Clicks:
    """A page whose clicks are counted."""

    def __init__(self, page: Page) -> None:
        self.page, self.count = page, 0

    def on(self, what: Any) -> None:
        expect(what).to_be_visible(timeout=TIMEOUT)
        what.click()
        self.count += 1


@pytest.fixture
def clicks(page: Page) -> Clicks:
    expect.set_options(timeout=TIMEOUT)
    page.set_viewport_size({"width": 1440, "height": 900})
    return Clicks(page)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Library(tmp_path_factory.mktemp("store")).open(STUDY)


@pytest.fixture(scope="module")
def analysis(study: Study) -> Analysis:
    return Analysis(tally_study(study), Settings.of(study.record.spec))


def shown(words: str) -> str:
    """A sentence of the engine as a pattern: pages may break it anywhere."""
    return r"\s+".join(map(re.escape, words.split()))


def test_a_stakeholder_reads_whether_how_sure_and_what_it_gains(
    app: str, clicks: Clicks, study: Study, analysis: Analysis
) -> None:
    """Nothing to click, nothing to scroll."""
    page = clicks.page
    page.goto(f"{app}/?study={STUDY}&reader=stakeholder")
    asked = preset_requirement(study.record.spec.noise.sigma)
    decided = study_decisions(study.record, analysis, asked)["int8"]
    assert decided.verdict == "holds"
    answer = page.get_by_text(re.compile(shown(decided.sentence))).first
    expect(answer).to_be_in_viewport()
    said = answer.inner_text()
    assert "99% sure" in said
    assert re.search(r"[\d.]+× smaller", page.get_by_test_id("stAlert").first.inner_text())
    assert clicks.count == 0
    # What only those who run or diagnose need is out of the way.
    expect(page.get_by_role("link", name="Jobs", exact=True)).to_have_count(0)


def test_an_engineer_finds_out_which_models_may_ship(
    app: str, clicks: Clicks, study: Study, analysis: Analysis
) -> None:
    """Another model takes two clicks: the picker and the model."""
    page = clicks.page
    page.goto(f"{app}/?study={STUDY}")
    asked = preset_requirement(study.record.spec.noise.sigma)
    found = study_decisions(study.record, analysis, asked)
    clicks.on(keyed(page, "model").get_by_role("combobox"))
    clicks.on(page.get_by_role("option", name="prune 20%"))
    other = next(one for name, one in found.items() if name == "prune:0.2")
    assert other.verdict != "holds"
    expect(page.get_by_text(re.compile(shown(other.sentence))).first).to_be_visible()
    assert clicks.count == 2


def test_an_engineer_asks_for_another_radius(
    app: str, clicks: Clicks, study: Study, analysis: Analysis
) -> None:
    """The requirement is typed, and the address keeps it."""
    page = clicks.page
    page.goto(f"{app}/?study={STUDY}")
    box = page.get_by_role("spinbutton", name="Radius", exact=True)
    expect(box).to_be_visible()
    box.fill("0.25")
    box.press("Enter")
    asked = Requirement(radius=0.25, tolerance=0.05, max_loss=0.01, confidence=0.99)
    decided = study_decisions(study.record, analysis, asked)["int8"]
    expect(page.get_by_text(re.compile(shown(decided.sentence))).first).to_be_visible()
    expect(page).to_have_url(re.compile(r"radius_\w+=0\.25"))


def test_a_researcher_takes_numbers_with_their_settings(
    app: str, clicks: Clicks, analysis: Analysis, tmp_path: Path
) -> None:
    """A curve as CSV: the page and the button."""
    page = clicks.page
    page.goto(f"{app}/?study={STUDY}&reader=researcher")
    clicks.on(page.get_by_role("link", name="ACR vs time", exact=True))
    button = page.get_by_role("button", name="CSV").first
    expect(button).to_be_visible()
    with page.expect_download() as download:
        clicks.on(button)
    download.value.save_as(tmp_path / "curve.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "curve.csv").read_text())))
    assert clicks.count == 2
    assert download.value.suggested_filename.startswith(STUDY[:6])
    assert {float(row["alpha"]) for row in rows} == {analysis.settings.alpha}
    point = analysis.compare("int8").points("cirs")[-1]
    last = [row for row in rows if row["model"] == "int8" and row["method"] == "CIRS"][-1]
    assert float(last["ACR"]) == pytest.approx(point.acr.value, abs=1e-9)
