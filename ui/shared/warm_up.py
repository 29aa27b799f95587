"""What makes reruns of the app quick, done once per process."""

import gc
from functools import cache

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

from irs_core.actions.tidy import tidy
from ui.shared.library import store_root


@cache
def settle() -> None:
    """To be called when the first page has been shown and all is imported."""
    # What the imports left stays for ever; to look through it again takes 100 ms each time.
    gc.collect()
    gc.freeze()
    # Products of this size gain nothing from threads, which spin where the browser could run.
    threadpool_limits(1, user_api="blas")
    tidy(store_root())
