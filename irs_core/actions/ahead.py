"""Counts of the shipped studies, made before anybody opens one.

A fresh store has none, and counting a study of many models takes seconds. Studies of one's own are
counted when they end, and what others sent when somebody opens it.
"""

import atexit
import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from irs_core.analysis.kept_tally import open_tally
from irs_core.errors import IrsError
from irs_core.foreign.asking import check_bundle
from irs_core.people.register import is_demo
from irs_core.store import Library, Study

logger = logging.getLogger(__name__)

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
    log = root / "logs" / "ahead.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            started = subprocess.Popen(
                [sys.executable, "-m", __name__, str(root)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
    except OSError as error:
        logger.info("shipped studies are counted when they are opened: %s", error)
        return None
    atexit.register(started.terminate)
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
