"""Counts of the shipped studies, made before anybody opens one.

A fresh store has none, and counting a study of many models takes seconds. Studies of one's own are
counted when they end.
"""

import contextlib
import logging
import os
import subprocess
import sys
from pathlib import Path

from irs_core.analysis.kept_tally import open_tally
from irs_core.errors import IrsError
from irs_core.store import Library, Study

logger = logging.getLogger(__name__)

AHEAD = "IRS_COUNT_AHEAD"
_LEAST_PRIORITY = 19


def start(root: Path) -> "subprocess.Popen[bytes] | None":
    """Count them in another process, which runs when nothing else does.

    Returns:
        The process; None where IRS_COUNT_AHEAD is 0 or no process can be started.
    """
    if os.environ.get(AHEAD) == "0":
        return None
    try:
        return subprocess.Popen(
            [sys.executable, "-m", __name__, str(root)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        logger.info("shipped studies are counted when they are opened: %s", error)
        return None


def count_shipped(root: Path) -> None:
    """Keep the counts of every shipped study below a store, the longest first."""
    for study in sorted(Library(root).studies(), key=_size, reverse=True):
        if study.shipped:
            # What is wrong with it is said to whoever opens it.
            with contextlib.suppress(IrsError):
                open_tally(study, root)


def _size(study: Study) -> int:
    record = study.record
    return len(record.data.indices) * len(record.compressed) * record.spec.n


if __name__ == "__main__":
    os.nice(_LEAST_PRIORITY)
    count_shipped(Path(sys.argv[1]))
