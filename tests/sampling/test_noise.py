import numpy as np
import pytest

from irs_core.sampling.noise import noise_blocks
from irs_core.spec.study import NoiseSpec
from irs_core.store import CHUNK_DRAWS

NOISE = NoiseSpec(0.5, seed=3)
SHAPE = (1, 8, 8)


def draws(noise=NOISE, stream="estimate", group=0, chunk=0, **options):
    return np.concatenate(list(noise_blocks(noise, stream, group, chunk, shape=SHAPE, **options)))


@pytest.mark.parametrize("block", [1, 7, 256, 10_000])
def test_batch_size_never_changes_the_noise(block):
    assert np.array_equal(draws(block=block), draws(block=100))


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (99, 100), (100, 500), (250, 251)])
def test_a_part_of_a_chunk_is_that_part(start, stop):
    assert np.array_equal(draws(start=start, stop=stop, block=64), draws()[start:stop])


@pytest.mark.parametrize(
    "other",
    [
        {"noise": NoiseSpec(0.5, seed=4)},
        {"stream": "select"},
        {"stream": "scratch-estimate"},
        {"group": 1},
        {"chunk": 1},
    ],
)
def test_everything_in_the_key_makes_other_noise(other):
    a, b = draws().ravel(), draws(**other).ravel()
    assert abs(np.corrcoef(a, b)[0, 1]) < 5 / np.sqrt(len(a))


def test_sigma_only_scales():
    assert np.allclose(draws(NoiseSpec(1.0, seed=3)), 2 * draws(), rtol=1e-6)


def test_noise_is_standard_normal_times_sigma():
    values = np.concatenate([draws(chunk=chunk).ravel() for chunk in range(10)]) / 0.5
    n = len(values)
    assert abs(values.mean()) < 5 / np.sqrt(n)
    assert abs(values.var() - 1) < 5 * np.sqrt(2 / n)
    assert abs((values < -1.2815515655446004).mean() - 0.1) < 5 * np.sqrt(0.09 / n)
    assert values.dtype == np.float32


def test_these_exact_values_on_every_platform():
    first = draws(stop=1).ravel()[:4]
    assert first.tobytes().hex() == "c1adc4bc1f241dbf06af9dbe08fd863e"


def test_a_chunk_has_its_full_length():
    assert draws().shape == (CHUNK_DRAWS, *SHAPE)
