"""Certificates under floating-point noise can be wrong; under integer noise they are not.

In the spirit of Voracek & Hein 2023: sums of floats keep traces of the image in their last bits,
which exact arithmetic would not, and a classifier may read them.
"""

import numpy as np

from irs_core.certify import certify_rs
from irs_core.methods.kit.counting import count_classes
from irs_core.sampling.sampler import Request, sample
from irs_core.spec.study import NoiseSpec

SHAPE = (3, 32, 32)
SIGMA, N0, N, ALPHA = 0.25, 50, 400, 0.001
# Two images on the grid, all black and one step brighter everywhere: 0.217 apart.
BLACK, BRIGHTER = (np.full(SHAPE, value, np.uint8) for value in (0, 1))
DISTANCE = float(np.linalg.norm((BRIGHTER.astype(float) - BLACK) / 255))


class LastBits:
    """Class 0 where some pixel near 0 has finer bits than a sum of 1/255 and noise can have."""

    execution = "test"

    def __call__(self, inputs):
        units = inputs.astype(np.float64)
        fine = units * 2.0**33
        found = (np.abs(units) < 2.0**-11) & (fine != np.rint(fine))
        return np.where(found.any(axis=(1, 2, 3)), 0, 1).astype(np.int64)


def certificate(image, kind):
    """Cohen's certificate of the classifier at an image."""
    noise = NoiseSpec(SIGMA, seed=4, kind=kind)
    tile = image[None] if noise.integer else (image / np.float32(255)).astype(np.float32)[None]
    counts = []
    for stream, draws in (("select", N0), ("estimate", N)):
        (found,) = sample(
            tile,
            [0],
            [Request(LastBits(), np.ones(1, bool))],
            noise=noise,
            stream=stream,
            chunk=0,
            start=0,
            stop=draws,
        )
        counts.append(count_classes(found.classes.astype(np.uint8), 2))
    return certify_rs(*counts, n0=N0, n=N, alpha=ALPHA, sigma=SIGMA)


def test_the_float_certificate_is_wrong():
    black, brighter = certificate(BLACK, "gaussian"), certificate(BRIGHTER, "gaussian")
    assert black.predicted[0] == 0
    assert black.radius[0] > DISTANCE
    # Within that radius lies an image at which every draw answers the other class.
    assert brighter.predicted[0] == 1
    assert brighter.radius[0] > DISTANCE


def test_the_integer_certificate_is_not():
    for kind in ("rounded", "discrete"):
        black, brighter = certificate(BLACK, kind), certificate(BRIGHTER, kind)
        assert black.radius[0] > DISTANCE
        assert black.predicted[0] == brighter.predicted[0] == 1


def test_exact_sums_hide_the_image():
    """With the same floats for the noise but exact sums, the trace in the bits is another one."""
    values = np.random.Generator(np.random.SFC64(1)).standard_normal(10_000, np.float32) * SIGMA
    single = (np.float32(1) / np.float32(255) + values).astype(np.float64)
    exact = 1 / 255 + values.astype(np.float64)
    assert (single != exact).mean() > 0.5
