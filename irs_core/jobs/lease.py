"""Who works on a job: names of workers, and whether one of them is alive."""

import os
import platform
import uuid

# A job whose worker was silent for so long goes back to the queue.
LEASE_SECONDS = 15.0
# A job whose process disappears is tried so many times.
MAX_ATTEMPTS = 3


def worker_name() -> str:
    """A name for this process as a worker, unlike any other."""
    return f"{platform.node()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"


def worker_is_dead(name: str) -> bool:
    """Whether a worker ran on this machine and its process is gone; False where unknown."""
    node, _, rest = name.rpartition(":")[0].rpartition(":")
    if node != platform.node() or not rest.isdigit():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
