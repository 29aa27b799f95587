import numpy as np
import pytest

from irs_core.approx.integer_form import integer_form
from irs_core.data import load_dataset
from irs_core.models import load_model
from irs_core.sampling.noise import noise_blocks, noisy
from irs_core.spec.compressions import IntegerOnly
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec

NOISE = NoiseSpec(0.5, seed=1, kind="rounded")


@pytest.fixture(scope="session")
def digits():
    """The shipped float network."""
    return load_model(ModelSpec("shipped:digits-0.50")).module


@pytest.fixture(scope="session")
def calibration():
    """Noisy training images in pixel units."""
    images = load_dataset(DataSpec(split="train", max=300)).images(slice(None))
    return images + 0.5 * np.random.default_rng(0).standard_normal(images.shape, np.float32)


@pytest.fixture(scope="session")
def network(digits, calibration):
    """Its integer form."""
    return integer_form(
        digits, IntegerOnly(), calibration=calibration, scale=16, input_shape=(1, 8, 8)
    )


@pytest.fixture(scope="session")
def steps():
    """2,000 noisy test images in whole grid steps."""
    pixels = load_dataset(DataSpec(max=20)).pixels
    return np.concatenate(
        [
            noisy(image, values, 16, steps=True)
            for group, image in enumerate(pixels)
            for values in noise_blocks(
                NOISE, "estimate", group, 0, shape=(1, 8, 8), scale=16, stop=100
            )
        ]
    )
