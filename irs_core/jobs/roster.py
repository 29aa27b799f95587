"""The workers that serve a store."""

from pathlib import Path

from irs_core.jobs.lease import clock
from irs_core.jobs.repair import forget_workers
from irs_core.jobs.table import Database
from irs_core.store.process import Process, parse


class Roster:
    """Workers that live, of all machines that share the store.

    A worker that was started is expected until it serves, so that nobody starts another meanwhile.
    """

    def __init__(self, root: Path) -> None:
        """Use the store at `root`."""
        self._database = Database(root)

    def expect(self, worker: Process) -> None:
        """Enter a worker that was just started."""
        with self._database.transaction() as db:
            db.execute("INSERT OR IGNORE INTO roster VALUES (?, ?, 0)", (str(worker), clock()))

    def sign_on(self, worker: Process, *, single: bool = False) -> bool:
        """Enter a worker as serving; False, and it is not entered, where it is one too many.

        Args:
            single: It is one too many where another one serves.
        """
        with self._database.transaction() as db:
            forget_workers(db)
            name = str(worker)
            db.execute("DELETE FROM roster WHERE process = ?", (name,))
            other = db.execute("SELECT 1 FROM roster WHERE serves").fetchone()
            if single and other is not None:
                return False
            db.execute("INSERT INTO roster VALUES (?, ?, 1)", (name, clock()))
        return True

    def beat(self, worker: Process) -> bool:
        """Say that a worker lives. False: it was silent for too long and has to sign on again."""
        with self._database.transaction() as db:
            changed = db.execute(
                "UPDATE roster SET beat = ? WHERE process = ? AND serves", (clock(), str(worker))
            )
            return changed.rowcount == 1

    def sign_off(self, worker: Process) -> None:
        """Say that a worker stopped."""
        with self._database.transaction() as db:
            db.execute("DELETE FROM roster WHERE process = ?", (str(worker),))

    def living(self) -> list[Process]:
        """Workers that serve or are about to."""
        with self._database.transaction() as db:
            forget_workers(db)
            rows = db.execute("SELECT process FROM roster").fetchall()
        return [found for row in rows if (found := parse(row["process"])) is not None]
