"""Results as files: tables, the field's text format, a report in one HTML file."""

from irs_core.analysis.tsv import HEADER
from irs_core.report.cohen import (
    CohenResults,
    import_cohen,
    imported_results,
    is_results,
    parse_cohen,
    read_results,
)
from irs_core.report.formats import FORMATS, table_bytes
from irs_core.report.html import html_report
from irs_core.report.tables import TABLES, study_table
from irs_core.report.write import write_report

__all__ = [
    "FORMATS",
    "HEADER",
    "TABLES",
    "CohenResults",
    "html_report",
    "import_cohen",
    "imported_results",
    "is_results",
    "parse_cohen",
    "read_results",
    "study_table",
    "table_bytes",
    "write_report",
]
