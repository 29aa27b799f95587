"""`python -m irs_core`."""

import atexit
import gc
import sys
from typing import NoReturn

from irs_core.cli.main import main


def run() -> NoReturn:
    """The command `irs`: `main`, and the end of the process with its exit code."""
    # The interpreter looks for cycles among all objects when it ends: most of a second with torch.
    atexit.register(gc.freeze)
    sys.exit(main())


if __name__ == "__main__":
    run()
