"""The commands that write results to files and read results of others."""

import argparse
from pathlib import Path

from irs_core import methods
from irs_core.actions import Acting
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import study_flags
from irs_core.analysis.kept_tally import open_tally
from irs_core.analysis.ledger import ledger_in
from irs_core.cli.options import add_store_option, path
from irs_core.spec.outward import down
from irs_core.spec.settings import Settings
from irs_core.store import BASE, Library
from irs_core.store.files import write_bytes

_TEXTS = (".tsv", ".txt", ".csv")
# More than the first line.
_START = 4096
_PACKED = b"\x1f\x8b"


def add_report(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `report`."""
    from irs_core.report import TABLES

    parser = commands.add_parser(
        "report",
        help="write a study's results to a file",
        description="The suffix decides: .html is a report in one file, .csv, .parquet, .md and "
        ".tex are tables, .tsv are results per input in the format of Cohen et al. 2019.",
    )
    parser.add_argument("id", help="study id, from the command studies")
    parser.add_argument("file", type=path, help="where to write")
    parser.add_argument(
        "--format",
        choices=("card",),
        help="card: the section of a model card, Markdown with YAML metadata, whatever the suffix",
    )
    parser.add_argument("--table", choices=tuple(TABLES), default="summary", help="which table")
    parser.add_argument("--model", default=BASE, help="whose results, for .tsv")
    parser.add_argument("--method", choices=methods.names(), help="by what, for .tsv")
    add_store_option(parser)
    parser.set_defaults(run=_report)


def _report(arguments: argparse.Namespace) -> None:
    from irs_core.report import write_report
    from irs_core.report.model_card import model_card

    library = Library(arguments.store)
    study = library.open(arguments.id)
    analysis = Analysis(open_tally(study, library.root), Settings.of(study.record.spec))
    ledger = ledger_in(library, study)
    if arguments.format == "card":
        flags = study_flags(study.record, analysis)
        card = model_card(study.record, analysis, ledger=ledger, flags=flags, banner=study.banner)
        write_bytes(arguments.file, card.encode())
        return
    write_report(
        arguments.file,
        study.record,
        analysis,
        table=arguments.table,
        model=arguments.model,
        method=arguments.method,
        banner=study.banner,
        ledger=ledger,
    )


def import_file(file: Path, store: Path, *, replace: bool = False) -> None:
    """Import a bundle, or results in the format of Cohen et al. 2019, whatever they are called.

    Args:
        replace: Show a bundle in place of one of the same study, which is kept aside.
    """
    from irs_core.actions.studies import import_bundle, import_results

    if not _is_text(file):
        print(import_bundle(Acting(store), file, replaces=replace).id)
        return
    found = import_results(Acting(store), file)
    exact = "radii rounded to three digits" if found.rounded else "radii with all digits"
    print(f"{found.name}: {len(found)} inputs, ACR {down(found.acr, 4)}, {exact}, not verified")
    if found.origin:
        print(f"origin, as the file says: {found.origin}")
    print(f"digest {found.digest}")


def _is_text(file: Path) -> bool:
    """Whether a file can only be meant as results per input: by its name, or by how it begins."""
    from irs_core.report import is_results

    if file.suffix.lower() in _TEXTS:
        return True
    try:
        with file.open("rb") as content:
            start = content.read(_START)
    except OSError:
        return False
    return start.startswith(_PACKED) or is_results(start)
