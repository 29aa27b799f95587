"""A Dask cluster as the place where units of work run.

joblib distributes the units, and Dask redoes those of a worker that dies. Classifiers go from
here to each worker process that asks for them, once.
"""

import logging
import multiprocessing
from collections.abc import Mapping
from typing import Any

from irs_core.errors import EngineError
from irs_core.run.watch import KEPT, Watch, backend_class
from irs_core.sampling.payload import ModelPayload
from irs_core.sampling.remote import Missing, receive

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 5
WORKER_SECONDS = 30


class DaskCluster:
    """A connection to a Dask scheduler."""

    def __init__(self, address: str) -> None:
        """Connect.

        Raises:
            EngineError: Dask is not installed, or nothing answers at the address.
        """
        try:
            from distributed import CancelledError, Client
            from distributed.comm.core import CommClosedError
        except ImportError:
            raise EngineError(
                'a cluster needs Dask here and on the workers: pip install "dask[distributed]"'
            ) from None
        # joblib reports the first when nothing comes back, Dask the second when it drops units and
        # the third while the scheduler goes away.
        self.lost: tuple[type[BaseException], ...] = (
            multiprocessing.TimeoutError,
            CancelledError,
            CommClosedError,
        )
        self._address = address
        self._payloads: Mapping[str, ModelPayload] = {}
        self._served: dict[str, int] = {}
        self._watch: Watch | None = None
        level = logging.getLogger("distributed").level
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # it would print a traceback
        try:
            self._client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except Exception:  # what listens there may answer anything
            raise EngineError(f"no Dask scheduler answers at {address}") from None
        finally:
            logging.getLogger("distributed").setLevel(level)

    def load(self, payloads: Mapping[str, ModelPayload]) -> None:
        """Keep classifiers until a worker asks for them."""
        self._payloads = payloads

    def joblib(self, patience: float) -> Any:
        """See `irs_core.run.engine.Pool`.

        Raises:
            EngineError: The scheduler is gone, or no worker comes within 30 s.
        """
        from joblib import Parallel, parallel_config

        if self._client.status != "running":
            raise EngineError(f"the Dask scheduler at {self._address} is gone; {KEPT}")
        try:
            self._client.wait_for_workers(1, timeout=WORKER_SECONDS)
        except TimeoutError:
            raise EngineError(
                f"the Dask scheduler at {self._address} has no worker; start one with: "
                f"python -m dask worker {self._address}"
            ) from None
        backend = backend_class()(client=self._client)
        self._stop_watch()
        self._watch = Watch(self._client, self._address, backend.fail)
        with parallel_config(backend):
            return Parallel(
                batch_size=1,
                return_as="generator_unordered",
                # More than workers take at once, so that those which come later have work too.
                pre_dispatch="4*n_jobs",
                timeout=patience,
            )

    def deliver(self, missing: Missing) -> bool:
        """Send a worker process what it lacks, unless it got that since; False if it is gone."""
        if missing.received < self._served.get(missing.worker, 0):
            return True
        payloads = [self._payloads[key] for key in missing.models]
        try:
            got = self._client.run(receive, payloads, workers=[missing.address])
        except (OSError, ValueError, KeyError) as error:
            logger.warning("worker %s went away: %s", missing.worker, error)
            return False
        self._served[missing.worker] = got[missing.address]
        for payload in payloads:
            logger.info("sent %s to %s", payload.compression or "original", missing.worker)
        return True

    def close(self) -> None:
        """Withdraw what has not been begun and disconnect."""
        self._stop_watch()
        # A scheduler that is gone is not asked to withdraw anything.
        self._client.close(timeout=CONNECT_SECONDS)

    def _stop_watch(self) -> None:
        if self._watch is not None:
            self._watch.stop()
