"""`python -m irs_core`."""

import atexit
import os
import sys
from typing import NoReturn


def run() -> NoReturn:
    """The command `irs`: `main`, and the end of the process with its exit code."""
    ended: list[int] = []
    # Before the import, because what registers first is called last.
    atexit.register(_leave_at_once, ended)
    try:
        from irs_core.cli.main import main
    except KeyboardInterrupt:
        # Nothing was begun yet; see `main`.
        sys.exit(4)

    ended.append(main())
    sys.exit(ended[0])


def _leave_at_once(ended: list[int]) -> None:
    """End the process with the code in `ended`; without one Python says what happened.

    The interpreter would look for cycles among all objects first, most of a second with torch, and
    some packages would list what they still hold.
    """
    try:
        for stream in (sys.stdout, sys.stderr):
            # None where the caller closed it.
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        return  # Nobody reads any more; Python ends such a process with a code of its own.
    if ended:
        os._exit(ended[0])


if __name__ == "__main__":
    run()
