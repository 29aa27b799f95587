"""What lost an input, against a recount one input after the other."""

from dataclasses import replace

import numpy as np
import pytest
from synthetic import synthetic_study

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.equal_draws import equal_draws
from irs_core.analysis.losses import Loss, losses
from irs_core.analysis.tally import tally_study
from irs_core.certify import ABSTAIN
from irs_core.spec.settings import Settings
from irs_core.store import Library


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("store"), tmp_path_factory.mktemp("none"))
    record = synthetic_study(library, skewed=True)
    study = library.open(record.id)
    return Analysis(tally_study(study), Settings.of(record.spec))


def slowly(base, model, labels, equal) -> list[Loss]:
    found = []
    for row, label in enumerate(labels):
        if base.predicted[row] != label or model.predicted[row] == label:
            found.append(Loss.NONE)
        elif equal is None:
            found.append(Loss.UNKNOWN)
        elif equal.original.predicted[row] != label:
            found.append(Loss.BUDGET)
        elif equal.model.predicted[row] != label:
            found.append(Loss.COMPRESSION)
        else:
            found.append(Loss.METHOD)
    return found


@pytest.mark.parametrize("method", ["irs", "cirs", "rs"])
@pytest.mark.parametrize("budget", [0, 2])
def test_every_loss_has_the_cause_of_a_literal_recount(made, method, budget) -> None:
    for name in ("fp16", "prune:0.1"):
        model, equal = made.certify(name, method, budget), equal_draws(made, name, budget)
        for pair in (equal, None):
            assert losses(made.base, model, made.labels, pair).tolist() == slowly(
                made.base, model, made.labels, pair
            )


def test_each_cause_is_found_where_it_is_planted(made) -> None:
    equal = equal_draws(made, "fp16")
    rows = np.flatnonzero((equal.equal > 0) & (equal.compressed > 0))[:3]

    def abstaining(one, which):
        predicted, radius = one.predicted.copy(), one.radius.copy()
        predicted[which], radius[which] = ABSTAIN, 0.0
        return replace(one, predicted=predicted, radius=radius)

    pair = replace(
        equal,
        original=abstaining(equal.original, rows[:1]),
        model=abstaining(equal.model, rows[:2]),
    )
    found = losses(made.base, abstaining(made.base, rows), made.labels, pair)
    assert found[rows].tolist() == [Loss.BUDGET, Loss.COMPRESSION, Loss.METHOD]
    assert (np.delete(found, rows) == Loss.NONE).all()
