"""What each chunk of an array holds, as it lies on disk."""

from typing import Literal

from irs_core.store.evidence import CHUNK_DRAWS, ChunkId, EvidenceArray, predictions_digest
from irs_core.store.notes import Vouched, chunk_digest

# Predictions that a note gives the digest of, predictions noted in the old form without one,
# predictions that no note vouches for, bytes that are no chunk, or nothing.
State = Literal["sound", "unsealed", "foreign", "damaged", "absent"]
_STATES: dict[Vouched, State] = {"digest": "sound", "old": "unsealed", "no": "foreign"}


def chunk_states(array: EvidenceArray, draws: int) -> dict[ChunkId, State]:
    """What each chunk of the first `draws` holds.

    Where nothing is there a chunk is damaged if its journal notes one, and absent otherwise.
    """
    noted = array.journal.noted()
    last = -(-draws // CHUNK_DRAWS)
    return {at: _state(array, at, noted) for at in array.chunks(0, last)}


def _state(array: EvidenceArray, at: ChunkId, noted: set[ChunkId]) -> State:
    try:
        found = array.raw_chunk(at)
    except Exception:
        return "damaged"
    if (found == array.missing).all():
        return "damaged" if at in noted else "absent"
    return _STATES[array.journal.vouches(at, found)]


def raw_digest(array: EvidenceArray, draws: int) -> str:
    """As `EvidenceArray.digest`, of what is stored whether or not the journal vouches for it."""
    return predictions_digest(array.raw(draws))


def vouch(array: EvidenceArray, draws: int) -> int:
    """Note the digests of the chunks of the first `draws` that have none.

    Only for predictions that match the digest of a study that can be trusted. A chunk with further
    draws, which that digest does not cover, is left as it is.

    Returns:
        Chunks that were left.

    Raises:
        StoreError: The array is read-only, or the disk refuses.
    """
    left = 0
    with array.locked():
        for at, state in chunk_states(array, draws).items():
            if state not in ("unsealed", "foreign"):
                continue
            found = array.raw_chunk(at)
            if (found[:, max(0, draws - at.chunk * CHUNK_DRAWS) :] != array.missing).any():
                left += 1
                continue
            content = chunk_digest(array.id, at, found)
            array.journal.add(at, content, seconds=0, draws=0, hardware="")
        array.settle()
    return left
