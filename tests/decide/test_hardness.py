"""Hard and easy inputs are told apart by the original alone."""

import numpy as np
import pytest

from irs_core.decide import HARDNESS, gains_and_losses, hardness
from irs_core.errors import InvalidSampleError


def test_every_input_is_of_one_kind() -> None:
    votes = [0.3, 0.5, 0.51, 0.9, 0.91, 0.98, 0.99, 1.0, 1.0]
    right = [True] * 8 + [False]
    groups = hardness(votes, right)
    assert tuple(groups) == tuple(HARDNESS)
    assert np.stack(list(groups.values())).sum(axis=0).tolist() == [1] * 9
    found = {name: np.flatnonzero(mask).tolist() for name, mask in groups.items()}
    assert found == {"wrong": [0, 1, 8], "hard": [2, 3], "middle": [4, 5], "easy": [6, 7]}


def test_gains_and_losses_do_not_cancel() -> None:
    groups = {"one": np.array([True, True, True, False]), "none": np.zeros(4, np.bool_)}
    found, empty = gains_and_losses([0.2, 0.4, 0.6, 1.0], [0.3, 0.1, 0.6, 0.0], groups)
    assert (found.inputs, found.gained, found.lost) == (3, 1, 1)
    assert (found.mean_gain, found.mean_loss) == pytest.approx((0.1 / 3, 0.1))
    assert found.low <= found.mean_gain - found.mean_loss <= found.high
    assert (empty.inputs, empty.mean_gain) == (0, 0.0)
    assert np.isnan(empty.low)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidSampleError, match="one share per input"):
        hardness([0.5], [True, False])
    with pytest.raises(InvalidSampleError, match="votes are shares"):
        hardness([1.5], [True])
    with pytest.raises(InvalidSampleError, match="one value per input"):
        gains_and_losses([0.1], [0.1], {"a": np.array([True, False])})
