"""What is tried in a dry run, and how the original answered."""

from dataclasses import dataclass

import numpy as np

from irs_core.check.report import CheckRow
from irs_core.data import Dataset
from irs_core.models import LoadedModel
from irs_core.run.options import RunOptions
from irs_core.run.prepared import Prepared
from irs_core.run.trial import Answers, Trial
from irs_core.spec.study import StudySpec


@dataclass(frozen=True, eq=False)
class Case:
    """A model and compressed ones on the same images and noisy copies.

    Args:
        spec: With the data as they were made to fit the model.
        original: The answers of the original.
    """

    spec: StudySpec
    base: LoadedModel
    dataset: Dataset
    options: RunOptions
    trial: Trial
    original: Answers

    def row(self, one: Prepared, found: Answers | None = None) -> CheckRow:
        """What is measured of a classifier, which is run here where its answers are not known."""
        found = found or self.trial.answers(one.predictor)
        return CheckRow(
            one.name,
            one.title,
            clean=found.clean_accuracy,
            noisy=found.noisy_accuracy,
            voted=found.voted_accuracy,
            agreement=float(np.mean(found.copies == self.original.copies)),
            rate=found.rate,
            size_bytes=one.size_bytes,
            digest=one.digest,
            execution=one.predictor.execution,
            fixed=one.fixed,
        )
