"""The page that prints is one sheet of paper, of either size."""

import re
from pathlib import Path

import pytest

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import preset_requirement, study_decision, study_flags
from irs_core.analysis.kept_tally import open_tally
from irs_core.analysis.ledger import study_ledger
from irs_core.analysis.together import study_together
from irs_core.decide import Flag
from irs_core.report.one_page import one_page
from irs_core.spec.settings import Settings
from irs_core.store import Library

LONG = "A warning that is as long as warnings get, with what was seen, and with what to do. " * 3


@pytest.mark.parametrize("more", [0, 2, 7])
def test_a_decision_fits_one_sheet(browser, tmp_path: Path, more: int) -> None:  # type: ignore[no-untyped-def]
    library = Library(tmp_path)
    study = next(one for one in library.studies() if one.record.id.startswith("f6529b"))
    record = study.record
    analysis = Analysis(open_tally(study, library.root), Settings.of(record.spec))
    asked = preset_requirement(0.5)
    text = one_page(
        record,
        analysis,
        "prune:0.2",
        study_decision(record, analysis, "prune:0.2", asked),
        ledger=study_ledger(record.spec, analysis.settings),
        flags=[*study_flags(record, analysis), *more * [Flag("made-up", LONG, "")]],
        together=study_together(record, analysis, asked),
        made="2026-11-25",
    )
    page = browser.new_page()
    page.set_content(text)
    for paper in ("A4", "Letter"):
        sheets = re.findall(rb"/Type\s*/Page\b", page.pdf(format=paper))
        assert len(sheets) == 1
    page.close()
