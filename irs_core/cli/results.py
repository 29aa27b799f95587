"""What is printed of a study: its table, reasons, speedups, results per input, JSON."""

import argparse
import sys
from dataclasses import asdict, replace
from typing import Any

from irs_core import methods
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import study_flags
from irs_core.analysis.kept_tally import open_tally
from irs_core.analysis.ledger import Ledger, ledger_in
from irs_core.analysis.replay import live_runs
from irs_core.analysis.tables import labelled, speedup_table, summary_table
from irs_core.analysis.tsv import certificates_tsv
from irs_core.analysis.why import why_table
from irs_core.cli.printing import print_json, print_table, rows_of
from irs_core.errors import SpecError
from irs_core.sampling.statements import describe_noise
from irs_core.spec.convention import CONVENTIONS
from irs_core.spec.settings import Settings
from irs_core.spec.study_file import study_text
from irs_core.store import BASE, Library, Study


def add_result_options(parser: argparse.ArgumentParser, *, choose_method: bool = True) -> None:
    """Options that choose what is printed of a study."""
    parser.add_argument(
        "--tsv",
        metavar="MODEL",
        help=f"print per-input results of {BASE} or of a compression instead of the table",
    )
    parser.add_argument(
        "--why", metavar="MODEL", help="print branch, bounds and draws of each input under cirs"
    )
    parser.add_argument(
        "--speedups",
        action="store_true",
        help="print area speedups of all methods over certifying from scratch, with leave rates",
    )
    add_radii_option(parser)
    if choose_method:
        parser.add_argument(
            "--yaml", action="store_true", help="print the study as a file, for certify"
        )
        parser.add_argument(
            "--method",
            choices=methods.names(),
            help="method whose results --tsv prints (default: the model's main one)",
        )


def add_radii_option(parser: argparse.ArgumentParser) -> None:
    """The option that chooses the convention of radii."""
    parser.add_argument(
        "--radii",
        dest="convention",
        choices=CONVENTIONS,
        help="one-sided, as usual in the field, or two-sided: the most likely other class is "
        "bounded too where few selection draws gave the certified one (default: the study's own)",
    )


def chosen_radii(settings: Settings, arguments: argparse.Namespace) -> Settings:
    """The settings with the convention that a command names, if it names one."""
    return replace(settings, convention=arguments.convention or settings.convention)


def check_one_format(arguments: argparse.Namespace) -> None:
    """Refuse what is text by its nature as JSON.

    Raises:
        SpecError: Both were asked for.
    """
    for name in ("tsv", "yaml"):
        if arguments.json and getattr(arguments, name, None):
            raise SpecError(f"--{name} and --json are two formats; leave one of them out")


def show_results(arguments: argparse.Namespace) -> None:
    """Print a study's table, or one model's per-input results."""
    check_one_format(arguments)
    library = Library(arguments.store)
    study = library.open(arguments.id)
    spec = study.record.spec
    if getattr(arguments, "yaml", False):
        print(study_text(spec), end="")
        return
    settings = chosen_radii(Settings.of(spec), arguments)
    analysis = Analysis(open_tally(study, library.root), settings)
    if arguments.tsv:
        model, method = arguments.tsv, arguments.method
        print(certificates_tsv(study.record, analysis, model, method, banner=study.banner), end="")
        return
    if arguments.why or arguments.speedups:
        _show_table(study, analysis, arguments)
        return
    said = ledger_in(library, study, settings)
    if arguments.json:
        print_json("studies", _as_json(study, analysis, said))
        return
    if study.banner:
        print(study.banner)
    print(f"study {study.record.id}: {study.record.data.called}, sigma {spec.noise.sigma:g}")
    most = "up to " if spec.original_stops else ""
    inputs = len(analysis.labels)
    print(f"n0 {spec.n0}, n {most}{spec.n}, {inputs} reported inputs, {said.sentence}")
    for condition in said.conditions:
        print(condition)
    if study.record.base.note.startswith("The file "):
        print(study.record.base.note)
    if spec.noise.integer:
        law = describe_noise(spec.noise.kind, spec.noise.sigma, spec.data.scale)
        print(f"noise: {law.title}; {law.law}\n{law.guarantee}")
    print_table(labelled(summary_table(study.record, analysis), analysis))
    for line in _quoted(study, analysis):
        print(line)
    if study.record.compressed and spec.n_p[-1] < spec.n:
        print(
            "Compressed models have fewer draws than the original, which alone makes radii "
            f"smaller: ./irs decide {study.record.id[:6]} compares at equal draws."
        )
    for model in study.record.models:
        for run in live_runs(analysis, model.name):
            print(f"{model.title}, seq: {run.sentence}.")
    for flag in study_flags(study.record, analysis):
        print(f"warning: {flag.sentence} ({flag.anchor})", file=sys.stderr)


def _quoted(study: Study, analysis: Analysis) -> list[str]:
    """What of a study's results the rows of its compressed models leave out."""
    spec, compressed = study.record.spec, study.record.compressed
    if not compressed:
        return []
    short, said = study.record.id[:6], []
    if len(spec.n_p) > 1:
        sizes = ", ".join(map(str, spec.n_p[:-1]))
        said.append(
            f"Rows are at the largest n_p; those at {sizes}: "
            f"./irs report {short} curves.md --table curves"
        )
    quoted = {analysis.main_method(model.name) for model in compressed}
    others = [name for name in spec.methods if name not in quoted]
    if others and not quoted & set(spec.methods):
        said.append(
            f"Rows show {' and '.join(sorted(quoted))}, which the draws for "
            f"{' and '.join(others)} give as well; {others[0]} alone: "
            f"./irs studies {short} --tsv MODEL --method {others[0]}"
        )
    return said


def _show_table(study: Study, analysis: Analysis, arguments: argparse.Namespace) -> None:
    """The reasons of each input, or the speedups."""
    if arguments.why:
        name, last = "why", len(study.record.spec.n_p) - 1
        table = why_table(study.record, analysis, study.record.meant(arguments.why), last)
    else:
        name, table = "speedups", speedup_table(study.record, analysis)
    table = labelled(table, analysis)
    if arguments.json:
        known = {"study": study.record.id, "origin": study.origin, "banner": study.banner}
        print_json("studies", {**known, name: rows_of(table)})
        return
    if study.banner:
        print(study.banner)
    print_table(table)


def _as_json(study: Study, analysis: Analysis, said: Ledger) -> dict[str, Any]:
    record = study.record
    flags = study_flags(record, analysis)
    return {
        "study": record.id,
        "title": record.title,
        "finished": record.finished,
        "origin": study.origin,
        "banner": study.banner,
        "spec": record.spec.to_dict(),
        "inputs": len(analysis.labels),
        "confidence": said.text,
        "convention": analysis.settings.convention,
        "models": rows_of(summary_table(record, analysis)),
        "digests": {model.name: model.digest for model in record.models},
        "sequential": {
            model.name: [asdict(run) for run in live_runs(analysis, model.name)]
            for model in record.models
            if model is not record.base or record.spec.original_stops
        },
        "flags": [{"code": one.code, "sentence": one.sentence} for one in flags],
    }
