import hashlib
from fractions import Fraction
from itertools import pairwise

import mpmath
import numpy as np
import pytest
from scipy.stats import chisquare

from irs_core.errors import SpecError
from irs_core.sampling.integer_noise import distance_bound, integer_law
from irs_core.sampling.noise import noise_blocks, noisy
from irs_core.spec.study import NoiseSpec
from irs_core.stats import certified_radius, discrete_certified_radius

KINDS = ("discrete", "rounded")
# sigma and scale whose product is 1, 16, 63.75 and 255 grid steps.
STEPS = [(1.0, 1), (1.0, 16), (0.25, 255), (1.0, 255)]
SHAPE = (3, 8, 8)


def exact_probabilities(kind, sigma, scale):
    """The law at 30 digits, by another library."""
    mpmath.mp.dps = 30
    s = mpmath.mpf(sigma) * scale
    reach = range(-int(10 * s) - 2, int(10 * s) + 3)
    if kind == "rounded":
        edge = [
            mpmath.ncdf((mpmath.mpf(z) - mpmath.mpf(1) / 2) / s) for z in (*reach, reach[-1] + 1)
        ]
        return dict(zip(reach, (b - a for a, b in pairwise(edge)), strict=True))
    weights = [mpmath.exp(-(mpmath.mpf(z) ** 2) / (2 * s * s)) for z in reach]
    total = mpmath.fsum(weights)
    return {z: weight / total for z, weight in zip(reach, weights, strict=True)}


def draws(noise, stream="estimate", group=0, chunk=0, scale=255, **options):
    blocks = noise_blocks(noise, stream, group, chunk, shape=SHAPE, scale=scale, **options)
    return np.concatenate(list(blocks))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("sigma", "scale"), STEPS)
def test_probabilities_equal_those_of_mpmath(kind, sigma, scale):
    exact = exact_probabilities(kind, sigma, scale)
    own = integer_law(kind, sigma, scale).probabilities
    assert sum(own.values()) == 1
    assert set(own) <= set(exact)
    for z, probability in exact.items():
        # Two thresholds, each rounded to the nearest multiple of 2^-64.
        given = own.get(z, Fraction(0))
        assert abs(mpmath.mpf(given.numerator) / given.denominator - probability) <= 2.0**-64


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("sigma", "scale"), STEPS)
def test_the_law_is_symmetric(kind, sigma, scale):
    own = integer_law(kind, sigma, scale).probabilities
    assert all(own[z] == own[-z] for z in own)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("sigma", "scale"), STEPS)
def test_ten_million_draws_follow_the_law(kind, sigma, scale):
    law, count = integer_law(kind, sigma, scale), 10_000_000
    generator = np.random.Generator(np.random.SFC64(5))
    found = law.draw(generator, count)
    likely = {z: float(p) * count for z, p in law.probabilities.items() if p * count >= 25}
    low, high = min(likely), max(likely)
    counts = np.bincount(np.clip(found, low - 1, high + 1) - (low - 1), minlength=high - low + 3)
    observed = np.append(counts[1:-1], counts[0] + counts[-1])
    expected = np.append([likely[z] for z in range(low, high + 1)], count - sum(likely.values()))
    assert chisquare(observed, expected, sum_check=False).pvalue > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_a_draw_is_the_number_of_thresholds_reached(kind):
    law = integer_law(kind, 0.25, 255)
    raw = np.random.SFC64(2).random_raw(20_000)
    slow = [
        law.first + sum(1 for t in law.thresholds.tolist() if t <= u) for u in raw[:50].tolist()
    ]
    drawn = law.draw(np.random.Generator(np.random.SFC64(2)), 20_000)
    assert drawn[:50].tolist() == slow
    assert np.array_equal(drawn, law.first + np.searchsorted(law.thresholds, raw, side="right"))


@pytest.mark.parametrize(
    ("kind", "expected"), [("discrete", "7617ec0ac69ab9a7"), ("rounded", "44b59902eda2c869")]
)
def test_these_exact_values_on_every_platform(kind, expected):
    values = draws(NoiseSpec(0.25, seed=3, kind=kind))
    assert values.ravel()[:4].tolist() == [32, -24, 85, 121]
    assert hashlib.sha256(values.astype("<i2").tobytes()).hexdigest()[:16] == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("block", [1, 7, 10_000])
def test_batch_size_and_window_never_change_the_noise(kind, block):
    noise = NoiseSpec(0.25, kind=kind)
    assert np.array_equal(draws(noise, block=block, stop=50), draws(noise)[:50])
    assert np.array_equal(draws(noise, start=30, stop=50, block=block), draws(noise)[30:50])


def test_kind_and_scale_make_other_noise():
    one = draws(NoiseSpec(0.5, kind="rounded"), stop=1)
    assert not np.array_equal(one, draws(NoiseSpec(0.5, kind="rounded"), scale=16, stop=1))
    assert one.dtype == np.int16
    assert draws(NoiseSpec(0.5), stop=1).dtype == np.float32


def test_noisy_images_are_whole_steps_or_those_steps_in_pixel_units():
    image = np.array([[[0, 255]]], np.uint8)
    values = np.array([[[[-3, 5]]]], np.int16)
    whole = noisy(image, values, 255, steps=True)
    assert whole.tolist() == [[[[-3, 260]]]]
    assert whole.dtype == np.int16
    units = noisy(image, values, 255, steps=False)
    assert units.dtype == np.float32
    assert np.array_equal(units, np.array([[[[-3, 260]]]], np.float32) / np.float32(255))


@pytest.mark.parametrize(("sigma", "scale"), [(9.0, 255), (0.0, 255)])
def test_noise_that_is_too_wide_is_refused(sigma, scale):
    with pytest.raises(SpecError, match="grid steps"):
        integer_law("rounded", sigma, scale)


def test_the_drawn_law_is_close_to_the_stated_one():
    law = integer_law("rounded", 1.0, 255)
    exact = exact_probabilities("rounded", 1.0, 255)
    apart = sum(
        abs(mpmath.mpf(p.numerator) / p.denominator - exact[z])
        for z, p in law.probabilities.items()
    )
    assert apart / 2 <= distance_bound(law, 1) < 1e-15


def worst_kept(law, p, shift):
    """The least probability, after a shift of one pixel, of an event of probability p before.

    By the Neyman-Pearson lemma it is that of the lowest noises, with a part of the last one.
    """
    kept = Fraction(0)
    for z, probability in law.items():
        taken = min(probability, p)
        kept += law.get(z - shift, Fraction(0)) * taken / probability
        p -= taken
    return kept


@pytest.mark.parametrize("steps", [1, 3, 16])
@pytest.mark.parametrize("p", [0.55, 0.7, 0.9, 0.99, 0.9999])
def test_radii_hold_along_one_pixel(steps, p):
    for kind, radius in (("rounded", certified_radius), ("discrete", discrete_certified_radius)):
        law = integer_law(kind, 1.0, steps).probabilities
        for shift in range(1, int(radius(p, steps)) + 1):
            assert worst_kept(law, Fraction(p), shift) > Fraction(1, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_no_radius_holds_for_images_off_the_grid(kind):
    """The condition that perturbations are on the grid: a constant step decides otherwise.

    Behind rounding half a step can move every draw by a whole one, so nothing off the grid may
    be claimed without rounding first: f(x) = [x is on the grid] is certain at every noisy image
    on the grid, and certainly different beside it.
    """
    values = draws(NoiseSpec(1.0, kind=kind), stop=10).astype(float)
    on_grid = lambda x: float(x).is_integer()  # noqa: E731
    assert all(on_grid(7 + z) for z in values.ravel())
    assert not any(on_grid(7.25 + z) for z in values.ravel())


def test_the_proven_discrete_radius_lies_below_the_claimed_one():
    p = np.linspace(0, 0.99999, 1000)
    proven, claimed = discrete_certified_radius(p, 0.5), certified_radius(p, 0.5)
    assert (proven[p <= 0.5] == 0).all()
    above = p > 0.5
    assert (proven[above] <= claimed[above]).all()
    assert (proven[p > 0.51] >= 0.79 * claimed[p > 0.51]).all()
