"""The command that recomputes a published table."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from irs_core.cli.options import add_json_option, draw_bar, path
from irs_core.cli.printing import print_json
from irs_core.papers import (
    ACCOUNTINGS,
    SOURCES,
    TABLES,
    Part,
    Row,
    find_part,
    find_table,
    meaning,
    measure_table,
)
from irs_core.papers.published import PaperTable
from irs_core.papers.reproduction import PARTS, parts_of
from irs_core.run.options import RunOptions
from irs_core.spec.study import BACKENDS, DataSpec
from irs_core.store import SUFFIX, Library, Study, default_root

if TYPE_CHECKING:
    pass


def add_reproduce(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `reproduce`."""
    parser = commands.add_parser(
        "reproduce",
        help="measure the numbers of a published table",
        description="Numbers come from stored and shipped studies; studies that are missing are "
        "computed where --root names the CIFAR-10 images, and continue where they were stopped.",
    )
    parser.add_argument(
        "--table",
        choices=[table.key for table in TABLES],
        help="its number in the IRS paper, or intrs-NUMBER",
    )
    parser.add_argument("--part", choices=[part.key for part in PARTS], help="one study alone")
    parser.add_argument(
        "--data",
        choices=("cifar10", "image-folder"),
        default="cifar10",
        help="how the images are stored (default: %(default)s)",
    )
    parser.add_argument("--root", help="folder of the images, for studies that are missing")
    parser.add_argument(
        "--bundles", type=path, metavar="DIR", help="also write each study computed as a bundle"
    )
    parser.add_argument(
        "--images", type=int, metavar="N", help="reported images per study (default: as published)"
    )
    parser.add_argument("--backend", choices=BACKENDS, default="auto", help="what runs the models")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument(
        "--store", type=path, default=default_root(), help="folder of the live store"
    )
    add_json_option(parser)
    parser.set_defaults(run=_reproduce)


def _reproduce(arguments: argparse.Namespace) -> None:
    library = Library(arguments.store)
    wanted = [part for part in PARTS if part.key == arguments.part]
    table = find_table(arguments.table) if arguments.table else None
    if table is not None and not wanted:
        wanted = list(parts_of(table))
    computed = []
    for part in wanted or ([] if table else PARTS):
        if arguments.root and not _enough(find_part(library.studies(), part), part, arguments):
            computed.append(_compute(part, library, arguments))
    if arguments.json:
        print_json("reproduce", {"computed": computed, "table": _as_json(table, library)})
    elif table is not None:
        print(f"{table.place}: {table.title} ({table.unit})\n{SOURCES[table.paper]}")
        print(text_table(measure_table(table, library.studies())))


def _enough(study: Study | None, part: Part, arguments: argparse.Namespace) -> bool:
    wanted = arguments.images or part.images
    return study is not None and sum(study.record.data.reported) >= wanted


def _compute(part: Part, library: Library, arguments: argparse.Namespace) -> str:
    """Compute a study; its id."""
    # torch takes seconds to import; only a run needs it.
    from irs_core.papers.compute import compute_study

    options = RunOptions(arguments.device, None, arguments.backend)
    data = DataSpec(arguments.data, root=arguments.root)
    spec = part.spec(data, images=arguments.images)
    print(f"computing {part.key}", file=sys.stderr)
    with draw_bar() as show:
        record = compute_study(spec, library, options=options, on_progress=show)
    print(f"gamma {record.spec.gamma:g}, chosen on held-out images", file=sys.stderr)
    if arguments.bundles:
        arguments.bundles.mkdir(parents=True, exist_ok=True)
        library.export(record.id, arguments.bundles / f"{part.key}{SUFFIX}")
    return record.id


def _as_json(table: PaperTable | None, library: Library) -> dict[str, Any] | None:
    if table is None:
        return None
    rows = measure_table(table, library.studies())
    described = {"key": table.key, "place": table.place, "title": table.title}
    return {
        **described,
        "unit": table.unit,
        "source": SOURCES[table.paper],
        "accountings": {one.name: one.rule for one in ACCOUNTINGS} if meaning(rows) else {},
        "meaning": meaning(rows),
        "rows": [{**_plain_row(row), "agrees": row.agrees} for row in rows],
    }


def _plain_row(row: Row) -> dict[str, Any]:
    return {name: value for name, value in asdict(row).items() if name != "side"}


def text_table(rows: list[Row]) -> str:
    """Published and measured numbers side by side, and below them why they differ."""
    import pandas as pd

    frame = pd.DataFrame([_cells(row) for row in rows])
    if any(row.rate == row.rate for row in rows):
        frame["draws/s"] = ["-" if row.rate != row.rate else f"{row.rate:,.0f}" for row in rows]
    notes = dict.fromkeys(row.note for row in rows if row.note)
    numbered = {note: number for number, note in enumerate(notes, start=1)}
    frame["note"] = [f"[{numbered[row.note]}]" if row.note else "" for row in rows]
    below = "\n".join(f"[{number}] {note}" for note, number in numbered.items())
    return "\n".join([frame.to_string(index=False, na_rep="-"), below, *_accounted(rows)])


def _accounted(rows: list[Row]) -> list[str]:
    """What the columns of accountings mean; nothing where there are none."""
    said = meaning(rows)
    rules = [f"{one.name} (in draws): {one.rule}" for one in ACCOUNTINGS]
    return ["", *rules, said] if said else []


def _cells(row: Row) -> dict[str, object]:
    value, low, high = row.texts
    return {
        **row.published.row,
        "published": f"{row.published.value:g}",
        "measured": value,
        "images": row.images or "-",
        "95% interval": "-" if value == "-" else f"{low} to {high}",
        **{name: f"{found.value:.2f}" for name, found in row.accountings.items()},
    }
