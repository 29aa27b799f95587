"""The command that writes results to a file."""

import argparse

from irs_core import methods
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import study_flags
from irs_core.analysis.kept_tally import open_tally
from irs_core.analysis.ledger import ledger_in
from irs_core.cli.options import add_json_option, add_store_option, path
from irs_core.cli.printing import print_json
from irs_core.cli.results import add_radii_option, chosen_radii
from irs_core.spec.settings import Settings
from irs_core.store import BASE, Library
from irs_core.store.files import write_bytes


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
    parser.add_argument(
        "--model",
        default=BASE,
        help="whose results, for .tsv; the model that is decided about, for .html",
    )
    parser.add_argument("--method", choices=methods.names(), help="by what, for .tsv")
    add_radii_option(parser)
    add_store_option(parser)
    add_json_option(parser)
    parser.set_defaults(run=_report)


def _report(arguments: argparse.Namespace) -> None:
    from irs_core.report import write_report
    from irs_core.report.model_card import model_card

    library = Library(arguments.store)
    study = library.open(arguments.id)
    settings = chosen_radii(Settings.of(study.record.spec), arguments)
    analysis = Analysis(open_tally(study, library.root), settings)
    ledger = ledger_in(library, study, settings)
    if arguments.format == "card":
        flags = study_flags(study.record, analysis)
        card = model_card(study.record, analysis, ledger=ledger, flags=flags, banner=study.banner)
        write_bytes(arguments.file, card.encode())
    else:
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
    if arguments.json:
        known = {"study": study.record.id, "origin": study.origin, "banner": study.banner}
        print_json("report", {**known, "file": str(arguments.file)})
