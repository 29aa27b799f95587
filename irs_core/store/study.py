"""A study that was opened: its record, where it is from, and access to its evidence."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from irs_core.errors import StoreError
from irs_core.store.bundle import Bundle
from irs_core.store.evidence import EvidenceArray, read_evidence
from irs_core.store.records import StudyRecord

Origin = Literal["live", "shipped", "imported"]


@dataclass(frozen=True)
class Study:
    """A study with access to its evidence.

    Args:
        folder: Where live evidence lies.
        bundle: What holds the evidence of a study that is not live.
        origin: Computed here, come with the program, or reported by somebody else.
        sealed: Whether its manifest carries a digest, or the bundle that it came in.
        owner: Name of whom it belongs to; empty for nobody, and so for admins.
        archived: Put away: left out of lists and pickers, and opened by links.
        pinned: First in lists and pickers.
        tags: Words by which it is found.
    """

    record: StudyRecord
    folder: Path
    bundle: Bundle | None = None
    origin: Origin = "live"
    sealed: bool = True
    owner: str = ""
    archived: bool = False
    pinned: bool = False
    tags: tuple[str, ...] = ()

    @property
    def shipped(self) -> bool:
        """Whether it comes from a bundle, of either origin, and cannot be extended in place."""
        return self.bundle is not None

    @property
    def banner(self) -> str:
        """What has to stand above its results: nothing, unless somebody else reported them."""
        return "Reported by others, not recomputed here." if self.origin == "imported" else ""

    def evidence(self, evidence_id: str) -> EvidenceArray:
        """One of its arrays.

        Raises:
            StoreError: It is not there, cannot be opened, or is of other inputs.
        """
        if self.bundle is not None:
            return self.bundle.evidence(evidence_id)
        place = self.folder / evidence_id
        array = read_evidence(place, place / "journal.jsonl")
        inputs = len(self.record.data.indices)
        if array.n_inputs != inputs:
            raise StoreError(
                f"evidence {evidence_id} is of {array.n_inputs} inputs; the study has {inputs}"
            )
        return array
