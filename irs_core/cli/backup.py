"""The command `backup`: a copy of the store that can be put in its place."""

import argparse

from irs_core.cli.options import add_json_option, add_store_option, path
from irs_core.cli.printing import print_json
from irs_core.jobs.backup import copy_queue
from irs_core.store.backup import copy_store

_MB = 1e6


def add_backup(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `backup`."""
    parser = commands.add_parser(
        "backup",
        help="copy the store and its queue while jobs run",
        description="The copy is a store of its own: --store FOLDER opens it, and put in the place "
        "of a lost store it goes on with the jobs that were waiting (docs/operations.md).",
    )
    parser.add_argument("folder", type=path, help="a new or an empty folder outside the store")
    add_store_option(parser)
    add_json_option(parser)
    parser.set_defaults(run=_backup)


def _backup(arguments: argparse.Namespace) -> None:
    copied = copy_store(arguments.store, arguments.folder)
    queue = copy_queue(arguments.store, arguments.folder)
    if arguments.json:
        print_json(
            "backup",
            {
                "folder": str(arguments.folder),
                "files": copied.files,
                "bytes": copied.size_bytes,
                "queue": queue,
            },
        )
        return
    print(
        f"copied {copied.files:,} files ({copied.size_bytes / _MB:,.1f} MB)"
        f"{' and the job queue' if queue else ''} to {arguments.folder}"
    )
