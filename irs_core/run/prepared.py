"""A classifier of a study, and what makes sure that it is a fixed function of one image."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from irs_core.backends import Measurable
from irs_core.data import Dataset
from irs_core.sampling.fixed_function import Fixedness, held_fixed, trial_images
from irs_core.spec.cost import Size
from irs_core.spec.study import NoiseSpec

if TYPE_CHECKING:
    from irs_core.sampling.payload import ModelPayload


@dataclass(frozen=True, eq=False)
class Prepared:
    """A classifier ready to run, with what a study records about it.

    Args:
        pack: Makes what another process needs to run the same classifier.
        fixed: What was measured of it as a function of one image; empty before that.
        sized: Looks at its weights; None where nobody can.
        clean: Its answers to the inputs without noise, where they are known.
    """

    name: str
    title: str
    digest: str
    note: str
    size_bytes: int
    nonzero: int
    predictor: Measurable
    pack: "Callable[[], ModelPayload]"
    fixed: str = ""
    sized: Callable[[], Size] | None = None
    clean: tuple[int, ...] = ()

    def size(self) -> Size:
        """What its weights take, packed and as they are held here."""
        return Size(self.size_bytes, self.size_bytes) if self.sized is None else self.sized()


def as_fixed(prepared: Prepared, dataset: Dataset, noise: NoiseSpec) -> Prepared:
    """A classifier as it can be certified, with a sentence on what was measured of it.

    What depends on the batch runs one image at a time; its execution and its note say so.

    Raises:
        ModelOutputError: It is random, hides NaN, or cannot run one image at a time although its
            answers depend on the batch.
    """
    steps = noise.integer and getattr(prepared.predictor, "takes_steps", False)
    images = trial_images(dataset, noise, steps=steps)
    predictor, found = held_fixed(prepared.title, prepared.predictor, images)
    if not found.one_by_one:
        return replace(prepared, fixed=found.sentence)
    return _alone(prepared, predictor, found)


def _alone(prepared: Prepared, predictor: Measurable, found: Fixedness) -> Prepared:
    def pack() -> "ModelPayload":
        return replace(prepared.pack(), execution=predictor.execution)

    return replace(
        prepared,
        predictor=predictor,
        pack=pack,
        fixed=found.sentence,
        note=f"{prepared.note} It runs one image at a time, since its answers depend on the batch.",
    )
