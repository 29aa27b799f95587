"""`python -m irs_core`."""

import sys

from irs_core.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
