"""What one person waits for who turns the sliders of a shipped study: `.venv/bin/python
benchmarks/sliders.py`.

A server of its own for each page, on an empty store. The page is opened, read for some seconds, in
which the app may look ahead, and each slider is turned through values that nobody has looked at,
then through the same ones again. Milliseconds from the turn until all of the page has arrived.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT / name) for name in ("", "benchmarks", "scripts")]

from scale import PAGES  # noqa: E402
from screenshots import running_app  # noqa: E402
from sessions import sessions  # noqa: E402

from irs_core.hardware import describe_hardware  # noqa: E402
from ui.shared.foresight import AHEAD  # noqa: E402

STUDY = "f6529b7bc937d8e7"
LEVELS = ("0.0001", "0.0002", "0.0005", "0.002", "0.005", "0.01", "0.02", "0.05")
VALUES = {
    "gamma": ("0.9", "0.91", "0.92", "0.95", "0.96", "0.97", "0.98", "0.985"),
    "alpha": LEVELS,
    "alpha_zeta": LEVELS,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pause", type=float, default=6.0, help="seconds in which a page is read")
    parser.add_argument("--pages", nargs="*", choices=PAGES, default=PAGES)
    parser.add_argument("--not-ahead", action="store_true", help=f"with {AHEAD}=0")
    arguments = parser.parse_args(argv)
    if arguments.not_ahead:
        os.environ[AHEAD] = "0"
    print(f"{describe_hardware()}; load average {os.getloadavg()[0]:.1f} before the measurement\n")
    print("| page, slider | new: median | p95 | seen: median | p95 |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["IRS_STORE"] = folder
        for page in arguments.pages:
            with running_app() as address:
                # The very first visit is told its pages and runs once more.
                with sessions(address, "", f"study={STUDY}", 1):
                    pass
                for key, values in VALUES.items():
                    cells = _turned(address, page, key, values, arguments.pause)
                    print(f"| {page}, {key} | {cells} |", flush=True)
    return 0


def _turned(address: str, page: str, key: str, values: Sequence[str], pause: float) -> str:
    place = "" if page == PAGES[0] else page
    with sessions(address, place, f"study={STUDY}", 1) as (session,):
        time.sleep(pause)
        rounds = [[session.run(key, value) for value in values] for _ in range(2)]
    found = [np.percentile(one, part) for one in rounds for part in (50, 95)]
    return " | ".join(f"{one:,.0f} ms" for one in found)


if __name__ == "__main__":
    sys.exit(main())
