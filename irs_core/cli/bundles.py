"""The commands `export` and `import`: studies as bundles, and results of others."""

import argparse
from pathlib import Path

from irs_core.actions import Acting
from irs_core.cli.options import add_json_option, add_store_option, path
from irs_core.cli.printing import print_json
from irs_core.spec.outward import down
from irs_core.store import Library

_TEXTS = (".tsv", ".txt", ".csv")
# More than the first line.
_START = 4096
_PACKED = b"\x1f\x8b"


def add_export(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `export`."""
    parser = commands.add_parser("export", help="write a study and its evidence to a bundle")
    parser.add_argument("id", help="study id, from the command studies")
    parser.add_argument("file", type=path, help="where to write, NAME.irs.zip")
    add_json_option(parser)
    add_store_option(parser)
    parser.set_defaults(run=_export)


def add_import(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `import`."""
    parser = commands.add_parser(
        "import", help="verify a bundle and add its study, or read results per input (.tsv)"
    )
    parser.add_argument("file", type=path)
    parser.add_argument(
        "--replace",
        action="store_true",
        help="show this bundle in place of one of the same study, which is kept aside",
    )
    add_json_option(parser)
    add_store_option(parser)
    parser.set_defaults(
        run=lambda a: import_file(a.file, a.store, replace=a.replace, as_json=a.json)
    )


def _export(arguments: argparse.Namespace) -> None:
    from irs_core.actions.studies import export

    export(Acting(arguments.store), arguments.id, arguments.file)
    if arguments.json:
        study = Library(arguments.store).open(arguments.id)
        size = arguments.file.stat().st_size
        known = {"study": study.record.id, "origin": study.origin, "banner": study.banner}
        print_json("export", {**known, "file": str(arguments.file), "bytes": size})


def import_file(file: Path, store: Path, *, replace: bool = False, as_json: bool = False) -> None:
    """Import a bundle, or results in the format of Cohen et al. 2019, whatever they are called.

    Args:
        replace: Show a bundle in place of one of the same study, which is kept aside.
        as_json: Print the result as JSON.
    """
    if _is_text(file):
        _import_results(file, store, as_json=as_json)
        return
    from irs_core.actions.studies import import_bundle

    record = import_bundle(Acting(store), file, replaces=replace)
    if as_json:
        print_json("import", {"study": record.id, "title": record.title, "results": None})
    else:
        print(record.id)


def _import_results(file: Path, store: Path, *, as_json: bool) -> None:
    from irs_core.actions.studies import import_results

    found = import_results(Acting(store), file)
    if as_json:
        results = {
            "name": found.name,
            "inputs": len(found),
            "acr": found.acr,
            "rounded": found.rounded,
            "verified": False,
            "origin": found.origin or None,
            "digest": found.digest,
        }
        print_json("import", {"study": None, "title": None, "results": results})
        return
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
