"""A report on paper: the decision on a sheet of its own, nothing cut at the side."""

import re
from pathlib import Path

import pytest

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.kept_tally import open_tally
from irs_core.report import html_report
from irs_core.spec.settings import Settings
from irs_core.store import Library

_WIDER = """() => [...document.querySelectorAll('table, figure, svg, p, h1, h2')]
  .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1
    || one.scrollWidth > one.clientWidth + 1 && one.tagName === 'TABLE').length"""


@pytest.mark.parametrize(("paper", "width"), [("A4", 703), ("Letter", 725)])
def test_a_report_prints_without_cuts(browser, tmp_path: Path, paper: str, width: int) -> None:  # type: ignore[no-untyped-def]
    library = Library(tmp_path)
    study = next(one for one in library.studies() if one.record.id.startswith("f6529b"))
    analysis = Analysis(open_tally(study, library.root), Settings.of(study.record.spec))
    page = browser.new_page(viewport={"width": width, "height": 1000})
    page.set_content(html_report(study.record, analysis, made="2026-11-26"))
    page.emulate_media(media="print")
    assert page.evaluate(_WIDER) == 0
    assert page.locator(".sheet").bounding_box()["height"] < 1040
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format=paper))) < 9
    page.close()
