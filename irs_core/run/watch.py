"""Notices while units run on a Dask cluster that nobody is left to run them.

joblib waits for answers and nothing else: without this, the loss of all workers would show only
as silence. Units that take long on workers that live are left alone.
"""

import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from irs_core.errors import EngineError

# How often the scheduler is asked for its workers, and how long it may be silent, or have none
# (a worker's nanny starts it anew within a few seconds).
ASK_SECONDS = 5.0
GONE_SECONDS = 20.0
KEPT = "what was computed is kept, so it can be resumed"


class Watch:
    """A thread that asks the scheduler for its workers until it is stopped."""

    def __init__(self, client: Any, address: str, fail: Callable[[EngineError], None]) -> None:
        """Begin.

        Args:
            client: A Dask client.
            fail: Called once, in the thread, with the sentence that ends the run.
        """
        self._client, self._address, self._fail = client, address, fail
        self._stopped = threading.Event()
        threading.Thread(target=self._run, name="dask-watch", daemon=True).start()

    def stop(self) -> None:
        """Ask no more."""
        self._stopped.set()

    def _run(self) -> None:
        seen = time.monotonic()
        while not self._stopped.wait(ASK_SECONDS):
            workers = self._workers()
            if workers:
                seen = time.monotonic()
            elif time.monotonic() - seen >= GONE_SECONDS and not self._stopped.is_set():
                self._fail(EngineError(self._sentence(workers)))
                return

    def _workers(self) -> int | None:
        """How many workers the scheduler has; None where it does not answer."""
        try:
            # Patient, so that a scheduler which is only busy is not taken for one that is gone.
            ask = self._client.scheduler.ncores
            return len(self._client.sync(ask, callback_timeout=GONE_SECONDS))
        except Exception:  # whatever it is: there was no answer
            return None

    def _sentence(self, workers: int | None) -> str:
        if workers is None:
            return f"the Dask scheduler at {self._address} is gone; {KEPT}"
        return f"all workers of the Dask scheduler at {self._address} are gone; {KEPT}"


@cache
def backend_class() -> Any:
    """joblib's Dask backend with three changes.

    It uses the cluster also for one worker thread; it hands on what Dask says about a unit that
    cannot be computed, which joblib's own leaves as silence; and it can be told to give up.
    """
    from distributed import KilledWorker
    from joblib._dask import DaskDistributedBackend

    class Backend(DaskDistributedBackend):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)  # type: ignore[no-untyped-call]
            self._waiting: dict[int, Callable[[object], None]] = {}

        def effective_n_jobs(self, n_jobs: int) -> int:
            threads: int = super().effective_n_jobs(n_jobs)  # type: ignore[no-untyped-call]
            return max(2, threads)

        def submit(self, func: Any, callback: Any = None) -> Any:
            number = id(callback)

            def answered(out: object) -> None:
                self._waiting.pop(number, None)
                callback(out)

            def ended(future: Any) -> None:
                error = future.exception()
                if error is not None:
                    answered(error)

            self._waiting[number] = callback
            future = super().submit(func, answered)  # type: ignore[no-untyped-call]
            future.add_done_callback(ended)
            return future

        def retrieve_result_callback(self, out: Any) -> Any:
            if isinstance(out, KilledWorker):
                raise EngineError(
                    "a unit of work ended every worker that tried it, perhaps for want of memory; "
                    f"see the workers' logs; {KEPT}"
                )
            if isinstance(out, BaseException):
                raise out
            return super().retrieve_result_callback(out)  # type: ignore[no-untyped-call]

        def fail(self, error: EngineError) -> None:
            """Let every open unit end with this error."""
            for callback in list(self._waiting.values()):
                callback(error)

    return Backend
