"""A study's results in a file whose suffix says what it becomes."""

from pathlib import Path

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.ledger import Ledger
from irs_core.analysis.tsv import certificates_tsv
from irs_core.errors import UnknownKeyError
from irs_core.report.formats import FORMATS, table_bytes
from irs_core.report.html import html_report
from irs_core.report.tables import study_table
from irs_core.store import BASE, StudyRecord
from irs_core.store.files import write_bytes


def write_report(
    path: Path,
    record: StudyRecord,
    analysis: Analysis,
    *,
    table: str = "summary",
    model: str = BASE,
    method: str | None = None,
    banner: str = "",
    ledger: Ledger | None = None,
) -> None:
    """Write a report (.html), a table (.csv, .parquet, .md, .tex) or results per input (.tsv).

    Args:
        table: Which table; for the four table formats.
        model: Whose results, for .tsv; which compressed model is decided about, for .html.
        method: By what, for .tsv; None for the model's main method.
        banner: What has to be said of a study that others reported; see `Study.banner`. Tables and
            per-input results have it as a column.
        ledger: What the confidence covers; None where no other study is at hand.

    Raises:
        UnknownKeyError: The suffix, the table or the model is unknown.
        StoreError: The disk refuses.
    """
    kind = path.suffix.removeprefix(".").lower()
    if kind == "html":
        about = None if model == BASE else model
        content = html_report(record, analysis, model=about, banner=banner, ledger=ledger).encode()
    elif kind == "tsv":
        content = certificates_tsv(record, analysis, model, method, banner=banner).encode()
    elif kind in FORMATS:
        frame = study_table(record, analysis, table)
        if banner:
            frame["origin"] = banner
        content = table_bytes(frame, kind)
    else:
        known = ", ".join(f".{one}" for one in ("html", "tsv", *FORMATS))
        raise UnknownKeyError(f"a report ends with one of {known}; got {path.name!r}")
    write_bytes(path, content)
