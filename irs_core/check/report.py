"""What a dry run found."""

from dataclasses import asdict, dataclass
from typing import Any

from irs_core.decide import Flag
from irs_core.spec.study import DataSpec


@dataclass(frozen=True)
class CheckRow:
    """What a dry run measured of one classifier; shares in [0, 1].

    Args:
        clean: Accuracy on the images as they are.
        noisy: Accuracy on noisy copies of them.
        voted: Accuracy of the most frequent class among an image's copies, which is what
            smoothing certifies.
        agreement: Share of noisy copies on which it answers as the original.
        rate: Predictions per second.
        digest: SHA-256, as in the key of its evidence.
        execution: What ran it.
        fixed: What was measured of it as a function of one image, in a sentence.
    """

    name: str
    title: str
    clean: float
    noisy: float
    voted: float
    agreement: float
    rate: float
    size_bytes: int
    digest: str
    execution: str
    fixed: str


@dataclass(frozen=True)
class CheckReport:
    """A dry run.

    Args:
        model: What the original is, in a sentence.
        data: The images, in a sentence.
        rows: The original, then each compressed classifier.
        warnings: Sentences about what is likely to disappoint or to be a mistake.
        offers: What to type for each of `ways` and to compare them, a sentence each.
        notes: What is done to images, labels and scores, in a few words each.
        sees: Ranges of the pixels, and of what the network gets after normalisation.
        flags: What makes the accuracy doubtful.
        spec: The data as they were read, with what was changed to fit the model.
        ways: Of a model that was not trained under the noise, by the names of
            `irs_core.ways.Way`, what helps it: `denoised`, `fine-tuned`; empty for others.
    """

    model: str
    data: str
    rows: tuple[CheckRow, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    sees: str
    flags: tuple[Flag, ...]
    spec: DataSpec
    ways: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """All of it, JSON-serialisable."""
        return asdict(self)
