"""The classifiers of a study, kept or made anew. Loads torch only where one is made."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from irs_core.backends import Predictor
from irs_core.data import Dataset
from irs_core.run.fit import check_fit, check_original
from irs_core.run.kept import KeptClassifiers
from irs_core.run.options import Progress, RunOptions
from irs_core.run.outlook import preparing
from irs_core.run.prepared import Prepared
from irs_core.run.timings import read_timings
from irs_core.spec.study import StudySpec
from irs_core.store import Library

_CLEAN_BLOCK = 256


@dataclass(frozen=True)
class Ready:
    """A study's classifiers, ready to run.

    Args:
        classes: Number of classes of the model.
        kept: All of them were prepared before; None where some were.
    """

    classifiers: list[Prepared]
    classes: int
    kept: bool | None


def prepared_classifiers(
    spec: StudySpec,
    library: Library,
    dataset: Dataset,
    options: RunOptions,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Ready:
    """The classifiers that are kept; those that are not are made anew, and kept.

    Raises:
        IrsError: A model or a compression does not fit.
    """
    check_original(spec, options)
    kept = KeptClassifiers(library.root, spec, dataset, options)
    known = kept.known()
    if kept.is_whole(known):
        return Ready(list(known.values()), kept.classes, kept=True)
    timings, inputs = read_timings(library.root), len(dataset.labels)
    on_progress(preparing(spec, inputs, timings, options, 0.0))
    began = perf_counter()
    # Torch takes seconds to import, and only what is prepared anew needs it.
    from irs_core.models import load_model
    from irs_core.models.registry import extended
    from irs_core.run.prepare import prepare_fixed

    base = load_model(spec.model, programs=options.programs)
    check_fit(spec, base, dataset)
    made = list[Prepared]()
    for one in prepare_fixed(spec, base, dataset, options, known):
        made.append(one if one.clean else replace(one, clean=_clean(one.predictor, dataset)))
        on_progress(preparing(spec, inputs, timings, options, perf_counter() - began))
    if not extended():
        kept.keep(made, base.num_classes, dataset.input_shape)
    return Ready(made, base.num_classes, kept=None if known else False)


def _clean(predictor: Predictor, dataset: Dataset) -> tuple[int, ...]:
    """Its answers without noise, for metrics only: no certificate reads them."""
    found: list[int] = []
    for start in range(0, len(dataset), _CLEAN_BLOCK):
        rows = np.arange(start, min(start + _CLEAN_BLOCK, len(dataset)))
        found += predictor(dataset.images(rows)).tolist()
    return tuple(found)
