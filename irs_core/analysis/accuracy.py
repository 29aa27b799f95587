"""Accuracy of a study's classifiers, with and without noise; reads labels, certifies nothing."""

import numpy as np
from numpy.typing import NDArray

from irs_core.analysis.results import Interval, share_interval
from irs_core.methods.kit.counting import count_classes
from irs_core.spec.study import Stream
from irs_core.store import BASE, Study, StudyRecord


def clean_accuracy(record: StudyRecord, name: str) -> Interval:
    """Share of reported inputs that a classifier gets right without noise.

    NaN where the study does not hold its answers.
    """
    model = next(one for one in record.models if one.name == name)
    right = np.asarray(model.clean) == np.asarray(record.data.labels) if model.clean else []
    return share_interval(_reported(record, np.asarray(right, np.bool_)))


def vote_accuracy(study: Study, name: str) -> Interval:
    """Share of reported inputs whose most frequent class under noise is the true one.

    The vote is taken over all estimation draws of the base, and over all fresh draws of a
    compressed classifier, without a test and so without abstaining: it estimates the accuracy
    of the smoothed classifier, and guarantees nothing. Ties go to the lowest class.

    Raises:
        StoreError: The draws are not all stored.
    """
    record = study.record
    model = next(one for one in record.models if one.name == name)
    stream: Stream = "estimate" if name == BASE else "scratch-estimate"
    draws = record.spec.n if name == BASE else record.spec.n_p[-1]
    predictions = study.evidence(model.evidence[stream]).read_complete(draws)
    votes = count_classes(predictions, 1 + int(predictions.max())).argmax(axis=1)
    return share_interval(_reported(record, votes == np.asarray(record.data.labels)))


def _reported(record: StudyRecord, values: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return values[np.asarray(record.data.reported)] if len(values) else values
