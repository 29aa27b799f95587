"""What the app does for jobs while nobody looks."""

from functools import cache
from pathlib import Path
from threading import Thread

from irs_core.jobs import keep
from ui.shared.library import store_root


def start() -> None:
    """Tend the store's jobs from here on, in a thread of its own."""
    _start(store_root())


@cache
def _start(root: Path) -> None:
    Thread(target=keep, args=(root,), name="keeper", daemon=True).start()
