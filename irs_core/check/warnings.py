"""What of a dry run is likely to disappoint, or to be a mistake."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from irs_core.check.case import Case
from irs_core.check.report import CheckRow
from irs_core.decide import (
    Flag,
    accuracy_flag,
    channel_order_flag,
    integer_sums_flag,
    normalisation_flags,
    permuted_labels_flag,
)
from irs_core.run.normalisations import Tried
from irs_core.run.prepare import prepare, prepare_fixed
from irs_core.run.prepared import as_fixed
from irs_core.spec.compressions import Compression, FileModel

# Accuracy that the vote loses to noise, or agreement lacking, that is worth a warning.
_DROP, _AGREEMENT = 0.1, 0.9


def noise_lost(original: CheckRow) -> bool:
    """Whether a model looks as if it was not trained under the noise.

    One that was loses accuracy on single copies, not in the vote.
    """
    return original.clean - original.voted > _DROP


def warned(case: Case, rows: Sequence[CheckRow]) -> tuple[str, ...]:
    """Sentences about the original, then about each compressed classifier."""
    original, *others = rows
    said = []
    if case.base.parts is not None:
        said += _denoiser_warning(case, original)
    if noise_lost(original):
        said.append(_noise_warning(case, original))
    for row, compression in zip(others, case.spec.compressions, strict=True):
        if row.agreement < _AGREEMENT:
            said.append(
                f"With {row.title}, only {row.agreement:.1%} of noisy images get the original's "
                "answer."
            )
            said += _other_normalisation(case, row, compression)
    return tuple(said)


def _denoiser_warning(case: Case, both: CheckRow) -> list[str]:
    """Whether a classifier loses, behind its denoiser, what it knows of clean images."""
    alone = replace(case.spec, model=replace(case.spec.model, denoiser=None), compressions=())
    (one,) = prepare_fixed(alone, case.base.classifier, case.dataset, case.options)
    answers = one.predictor(case.dataset.images(slice(None)))
    clean = float(np.mean(answers == case.dataset.labels))
    if clean - both.clean <= _DROP:
        return []
    return [
        f"Behind the denoiser the accuracy on clean images falls from {clean:.1%} to "
        f"{both.clean:.1%}: it was trained too short or for other images, or gives values in "
        "another range than [0, 1]."
    ]


def _noise_warning(case: Case, row: CheckRow) -> str:
    why = (
        "the denoiser in front does not take enough of it away, or gives other values than the "
        "classifier was trained on"
        if case.base.parts is not None
        else "the model was not trained under this noise"
    )
    return (
        f"Under noise sigma {case.spec.noise.sigma:g} the accuracy falls from {row.clean:.1%} to "
        f"{row.noisy:.1%} ({row.voted:.1%} by vote over copies), so certificates will be small or "
        f"missing: {why}. A smaller sigma costs less."
    )


def _other_normalisation(case: Case, row: CheckRow, compression: Compression) -> list[str]:
    """Whether a file agrees better with the normalisation left out, or put in front."""
    if not isinstance(compression, FileModel) or case.base.mean is None:
        return []
    other = replace(compression, normalize=not compression.normalize)
    spec = replace(case.spec, compressions=(other,))
    _, prepared = prepare(spec, case.base, case.dataset, case.options)
    found = case.row(as_fixed(prepared, case.dataset, spec.noise))
    if found.agreement <= row.agreement:
        return []
    return [
        f"As {str(other).partition(':')[0]}:{other.path}, that is "
        f"{'behind' if other.normalize else 'without'} the original's normalisation, it agrees on "
        f"{found.agreement:.1%}."
    ]


def accuracy_flags(case: Case, tried: Tried, rows: Sequence[CheckRow]) -> tuple[Flag, ...]:
    """What makes the accuracy doubtful.

    Args:
        tried: How the original answers when it is read in other ways.
    """
    clean, labels, classes = case.original.clean, case.dataset.labels, case.base.num_classes
    right = int(np.sum(clean == labels))
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (labels, clean), 1)
    found = [
        accuracy_flag(right, len(labels), classes),
        permuted_labels_flag(confusion),
        *normalisation_flags(
            guessed=False,
            used=(right, len(labels)),
            alternatives=tried.normalisations,
        ),
        None
        if tried.reversed is None
        else channel_order_flag(clean == labels, tried.reversed, options=tried.order),
        integer_sums_flag(row.execution for row in rows),
    ]
    return tuple(one for one in found if one is not None)
