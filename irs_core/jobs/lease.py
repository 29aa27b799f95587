"""Who holds a job, and whether that holder still lives.

A lease is a job and a number that grows with each claim: every write of a holder names both, so
one that was taken for dead and comes back changes nothing. Ages are read from a clock that runs
evenly since the machine started and that nobody sets; the time of day decides nothing.
"""

import sqlite3
import time
from dataclasses import dataclass

from irs_core.store.process import Process, machine, parse

# A holder that is silent for so long loses its lease, unless it is seen to be gone before.
LEASE_SECONDS = 15.0
# A job that is interrupted is tried so many times.
MAX_ATTEMPTS = 3


@dataclass(frozen=True)
class Lease:
    """The right to change a job.

    Args:
        job: Its id.
        fence: How often it was claimed when this right began; no later claim has the same.
    """

    job: int
    fence: int


def clock() -> float:
    """Seconds since this machine started, without those it slept; equal in all its processes."""
    return time.monotonic()


def why_lost(db: sqlite3.Connection, subject: str, holder: str | None, beat: float | None) -> str:
    """Why a holder's lease is over, in words; empty while it holds.

    Clocks of machines cannot be compared, so a holder elsewhere is judged by how long its sign of
    life has not changed, seen from here.

    Args:
        db: In a transaction that may write.
        subject: What is held, a name for each lease.
        holder: Text of its process.
        beat: Its last sign of life, by its own clock.
    """
    found = parse(holder)
    if found is not None and found.here:
        return _why_lost_here(found, beat)
    seen = db.execute(
        "SELECT beat, since FROM sightings WHERE machine = ? AND subject = ?", (machine(), subject)
    ).fetchone()
    if seen is None or seen["beat"] != beat:
        db.execute(
            "INSERT OR REPLACE INTO sightings VALUES (?, ?, ?, ?)",
            (machine(), subject, beat, clock()),
        )
        return ""
    if clock() - seen["since"] <= LEASE_SECONDS:
        return ""
    where = "" if found is None else f" on {found.node}"
    return f"its worker{where} gave no sign of life for {LEASE_SECONDS:g} s"


def surely_held(holder: str | None, beat: float | None) -> bool:
    """Whether a glance shows that a lease holds; False where more has to be asked."""
    found = parse(holder)
    return found is not None and found.here and not _why_lost_here(found, beat)


def stands_still(holder: str | None) -> bool:
    """Whether a holder cannot answer now: its process is of this machine and stopped or gone."""
    found = parse(holder)
    return found is not None and found.here and found.condition() != "runs"


def _why_lost_here(holder: Process, beat: float | None) -> str:
    if holder.condition() == "gone":
        return f"its worker (process {holder.pid}) was killed or ended"
    if beat is None or clock() - beat > LEASE_SECONDS:
        stopped = "was stopped" if holder.condition() == "stopped" else "gave no sign of life"
        return f"its worker (process {holder.pid}) {stopped} for {LEASE_SECONDS:g} s"
    return ""
