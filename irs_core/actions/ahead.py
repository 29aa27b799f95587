"""Counts of the shipped studies, made before anybody opens one.

A fresh store has none, and counting a study of many models takes seconds. Studies of one's own are
counted when they end, and what others sent when somebody opens it.
"""

import atexit
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

from irs_core.analysis.kept_tally import open_tally
from irs_core.errors import IrsError
from irs_core.foreign.asking import check_bundle
from irs_core.jobs.supply import start_module
from irs_core.people.register import is_demo
from irs_core.store import Library, Study

AHEAD = "IRS_COUNT_AHEAD"
_LEAST_PRIORITY = 19


def start(root: Path) -> "subprocess.Popen[bytes] | None":
    """Count them in another process, which runs when nothing else does and ends with this one.

    Its output goes to `logs/ahead.log` below the store.

    Returns:
        The process; None where IRS_COUNT_AHEAD is 0, in a demo, whose store nobody keeps, and
        where no process can be started.
    """
    if os.environ.get(AHEAD) == "0" or is_demo():
        return None
    started = start_module([__name__, str(root)], root / "logs" / "ahead.log")
    if started is not None:
        atexit.register(started.terminate)
        # Its end is asked for, so that no dead process stays in the list.
        Thread(target=started.wait, name="counting ahead", daemon=True).start()
    return started


def count_shipped(root: Path) -> None:
    """Keep the counts of every shipped study below a store, the longest first."""
    for study in sorted(_shipped(root), key=_size, reverse=True):
        with contextlib.suppress(IrsError):
            open_tally(study, root)


def _shipped(root: Path) -> Iterator[Study]:
    """Bundles that came with the program; files of others are not touched."""
    library = Library(root, check=check_bundle)
    for path, origin in library.files():
        if origin == "shipped":
            # What is wrong with it is said to whoever opens it.
            with contextlib.suppress(IrsError):
                yield library.open_file(path, origin)


def _size(study: Study) -> int:
    record = study.record
    return len(record.data.indices) * len(record.compressed) * record.spec.n


if __name__ == "__main__":
    os.nice(_LEAST_PRIORITY)
    count_shipped(Path(sys.argv[1]))
