"""Short HTML for the cell of a notebook: no script, no network, all foreign text escaped."""

from collections.abc import Mapping

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.ledger import Ledger
from irs_core.report.html import table_html
from irs_core.report.tables import study_table
from irs_core.store import StudyRecord
from irs_core.text import html as escape

_COLUMNS = ("model", "ACR", "ACR low", "ACR high", "accuracy", "n_p", "bytes")


def study_html(record: StudyRecord, analysis: Analysis, ledger: Ledger, banner: str = "") -> str:
    """A study in a cell: title, table of models, what the certificates promise.

    Args:
        banner: What has to be said of a study that others reported; see `Study.banner`.
    """
    frame = study_table(record, analysis, "summary")
    shown = frame[[one for one in _COLUMNS if one in frame]]
    shown.attrs = frame.attrs
    parts = [
        f"<p><strong>{escape(record.title)}</strong>, study <code>{record.id}</code>, "
        f"{len(analysis.labels)} inputs</p>",
        f"<p><strong>{escape(banner)}</strong></p>" if banner else "",
        table_html(shown),
        f"<p><small>{escape(ledger.text)}</small></p>",
    ]
    return f"<div>{''.join(parts)}</div>"


def facts_html(title: str, facts: Mapping[str, str]) -> str:
    """A title and a fact a line."""
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts.items()
    )
    return f"<div><p><strong>{escape(title)}</strong></p><table>{rows}</table></div>"
