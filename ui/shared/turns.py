"""Sessions take turns: scripts share one interpreter, and side by side each takes as long as all.

One after the other, the first of ten is done after a tenth of the time. A script that takes long
keeps nobody waiting: the others go on beside it.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

# Most scripts take less; whoever has waited so long goes on beside the others.
WAIT_SECONDS = 0.5
# Whoever turns a slider goes on turning it.
QUIET_SECONDS = 0.3
_turn = threading.Lock()
_began = 0.0


def wait_for_quiet() -> None:
    """Return when no turn has begun for `QUIET_SECONDS` and none is taken but by a slow script."""
    while (age := time.monotonic() - _began) < QUIET_SECONDS or (_turn.locked() and _is_young()):
        time.sleep(max(QUIET_SECONDS - age, 0.02))


@contextmanager
def taken() -> Iterator[None]:
    """Run the block alone, or beside a block that has been running for `WAIT_SECONDS`."""
    global _began
    first = _turn.acquire(timeout=WAIT_SECONDS) if _is_young() else _turn.acquire(blocking=False)
    if first:
        _began = time.monotonic()
    try:
        yield
    finally:
        if first:
            _turn.release()


def _is_young() -> bool:
    return time.monotonic() - _began < WAIT_SECONDS
