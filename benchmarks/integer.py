"""Integer networks: bit equality on 10,000 noisy images, and speed beside fp32.

    python benchmarks/integer.py [--arch digits|resnet20] [--images 10000] [--reference 10000]

The reference is slow: of --images noisy images, it computes the first --reference.
"""

import argparse
from time import perf_counter

import numpy as np
import torch

from irs_core.approx.integer_form import integer_form
from irs_core.backends import make_predictor
from irs_core.backends.integer_backend import IntegerPredictor, extreme_images
from irs_core.hardware import describe_hardware
from irs_core.integer.carrier import Carrier
from irs_core.integer.reference import reference_scores
from irs_core.models import load_model
from irs_core.sampling.integer_noise import integer_law
from irs_core.spec.compressions import IntegerOnly
from irs_core.spec.study import ModelSpec

MODELS = {
    "digits": ("shipped:digits-0.50", 16, (1, 8, 8)),
    "resnet20": ("shipped:cifar10-resnet20-0.50", 255, (3, 32, 32)),
}
SIGMA, BATCH = 0.5, 250


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", choices=MODELS, default="digits")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--reference", type=int, default=10_000)
    arguments = parser.parse_args()
    weights, scale, shape = MODELS[arguments.arch]
    module = load_model(ModelSpec(weights)).module
    steps = noisy_steps(arguments.images, scale, shape)
    units = (steps / np.float32(scale)).astype(np.float32)
    network = integer_form(
        module, IntegerOnly(), calibration=units[:1000], scale=scale, input_shape=shape
    )
    print(f"{describe_hardware()}; {weights}, sigma {SIGMA:g}, {len(steps)} noisy images")
    chosen = np.concatenate([steps[: arguments.reference], extreme_images(network)])
    scores, rate = timed(lambda part: reference_scores(network, part), chosen)
    print(f"reference, NumPy int64: {rate:,.0f} images/s")
    carried = Carrier(network).eval()
    with torch.inference_mode():
        found, _ = timed(lambda p: carried(torch.from_numpy(p.astype(np.float32))).numpy(), chosen)
    equal = int((found == scores).all(axis=1).sum())
    print(f"carrier: all scores equal on {equal} of {len(chosen)} images, extremes included")
    for backend in ("auto", "openvino", "torch"):
        predictor = IntegerPredictor(network, backend=backend)
        answers, rate = timed(predictor, steps)
        known = answers[: arguments.reference] == scores[: arguments.reference].argmax(axis=1)
        print(f"integer on {predictor.kernels}: {rate:,.0f} images/s, {known.mean():.2%} equal")
        plain = make_predictor(module, classes=network.classes, input_shape=shape, backend=backend)
        floats, rate = timed(plain, units)
        print(f"{plain.execution}: {rate:,.0f} images/s, {(floats != answers).mean():.2%} differ")


def noisy_steps(count: int, scale: int, shape: tuple[int, int, int]) -> np.ndarray:
    """Random images under rounded noise, whole grid steps."""
    generator = np.random.Generator(np.random.SFC64(0))
    pixels = generator.integers(0, scale, (count, *shape), endpoint=True).astype(np.int16)
    noise = integer_law("rounded", SIGMA, scale).draw(generator, pixels.size)
    return pixels + noise.reshape(pixels.shape)


def timed(run, inputs):  # type: ignore[no-untyped-def]
    """Results of all inputs, batch by batch, and inputs per second after a first batch."""
    run(inputs[:BATCH])
    clock = perf_counter()
    parts = [run(inputs[at : at + BATCH]) for at in range(0, len(inputs), BATCH)]
    return np.concatenate(parts), len(inputs) / (perf_counter() - clock)


if __name__ == "__main__":
    main()
