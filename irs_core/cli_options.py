"""Options that several commands take."""

import argparse
from pathlib import Path

from irs_core.store import default_root


def add_store_option(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """The option that every command on stored things takes.

    Args:
        again: The command above takes it too; what was said there holds unless it is repeated.
    """
    default = default_root()
    parser.add_argument(
        "--store",
        type=Path,
        default=argparse.SUPPRESS if again else default,
        metavar="DIR",
        help=f"folder of the live store (default: IRS_STORE or {default})".replace("%", "%%"),
    )
