"""`python -m irs_core`."""

import atexit
import gc
import sys

from irs_core.cli.main import main

if __name__ == "__main__":
    # The interpreter looks for cycles among all objects when it ends: most of a second with torch.
    atexit.register(gc.freeze)
    sys.exit(main())
