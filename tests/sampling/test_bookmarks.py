"""Going on where a generator was changes no value, and spares making what precedes."""

import numpy as np
import pytest

from irs_core.sampling import noise as noise_module
from irs_core.sampling.bookmarks import Bookmarks
from irs_core.sampling.noise import noise_blocks
from irs_core.sampling.sampler import Request, sample
from irs_core.spec.study import NOISE_KINDS, NoiseSpec

# An odd number of 32-bit values per draw, so that half a random word is left over between draws.
SHAPE = (1, 3, 3)
SPANS = [(0, 70), (70, 120), (180, 181), (120, 300), (10, 60), (150, 500), (499, 500)]


def draws(noise, marks, start, stop, group=0, **options):
    found = noise_blocks(
        noise, "estimate", group, 0, shape=SHAPE, start=start, stop=stop, marks=marks, **options
    )
    return np.concatenate(list(found))


@pytest.fixture
def made(monkeypatch):
    """Counts the draws that generators make."""
    counts, filling = [0], noise_module._filling

    def counted(*args):
        fill = filling(*args)

        def counting(values):
            counts[0] += len(values)
            fill(values)

        return counting

    monkeypatch.setattr(noise_module, "_filling", counted)
    return counts


@pytest.mark.parametrize("kind", NOISE_KINDS)
@pytest.mark.parametrize("block", [7, 256])
@pytest.mark.parametrize("most", [3, 1000])
def test_no_value_depends_on_what_was_made_before(kind, block, most):
    noise, marks = NoiseSpec(0.5, seed=3, kind=kind), Bookmarks(most)
    whole = {group: draws(noise, None, 0, 500, group) for group in (0, 1)}
    for start, stop in SPANS:
        for group in (0, 1):
            found = draws(noise, marks, start, stop, group, block=block)
            np.testing.assert_array_equal(found, whole[group][start:stop])


def test_another_sigma_goes_on_from_the_same_states_and_another_seed_does_not():
    marks = Bookmarks()
    draws(NoiseSpec(0.5, seed=3), marks, 0, 300)
    for noise in (NoiseSpec(1.0, seed=3), NoiseSpec(0.5, seed=4), NoiseSpec(0.5, 3, "rounded")):
        np.testing.assert_array_equal(
            draws(noise, marks, 290, 300), draws(noise, None, 0, 300)[290:]
        )


def test_what_precedes_is_made_once(made):
    noise, marks = NoiseSpec(0.5), Bookmarks()
    for start in range(0, 500, 100):
        draws(noise, marks, start, start + 100)
    assert made[0] == 500
    draws(noise, marks, 260, 270)
    assert made[0] == 500 + 20


def test_forgotten_places_cost_time_alone(made):
    noise, marks = NoiseSpec(0.5), Bookmarks(2)
    draws(noise, marks, 0, 500)
    draws(noise, marks, 100, 110)
    assert made[0] == 500 + 110


def test_a_row_starts_at_its_own_first_draw(made):
    class Zero:
        execution = "test"

        def __call__(self, inputs):
            return np.zeros(len(inputs), np.int64)

    mask = np.zeros((2, 500), bool)
    mask[0, 10:20] = mask[1, 400:410] = True
    marks = Bookmarks()
    for chosen, total in ((mask, 20 + 410), (np.roll(mask, 10, axis=1), 20 + 410 + 30 + 20)):
        sample(
            np.zeros((2, *SHAPE), np.float32),
            [0, 1],
            [Request(Zero(), np.ones(2, bool), chosen)],
            noise=NoiseSpec(0.5),
            stream="estimate",
            chunk=0,
            start=0,
            stop=500,
            marks=marks,
        )
        assert made[0] == total
