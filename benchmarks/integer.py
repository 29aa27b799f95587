"""Integer networks: all scores equal on noisy images and extremes, and speed beside fp32.

    python benchmarks/integer.py [--arch digits|resnet20] [--sigma 0.5]
                                 [--images 10000] [--reference 10000]

The reference is slow: of --images noisy images, it computes the first --reference.
"""

import argparse
from time import perf_counter

import numpy as np
import torch

from irs_core.approx.integer_form import integer_form
from irs_core.backends.choose import make_predictor
from irs_core.backends.integer_backend import IntegerPredictor, extreme_images
from irs_core.hardware import describe_hardware
from irs_core.integer.carrier import Carrier
from irs_core.integer.reference import reference_scores
from irs_core.models import load_model
from irs_core.sampling.integer_noise import integer_law
from irs_core.spec.compressions import IntegerOnly
from irs_core.spec.study import ModelSpec

MODELS = {
    "digits": ("shipped:digits", 16, (1, 8, 8)),
    "resnet20": ("shipped:cifar10-resnet20", 255, (3, 32, 32)),
}
BATCH = 250


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", choices=MODELS, default="digits")
    parser.add_argument("--sigma", type=float, choices=(0.25, 0.5, 1.0), default=0.5)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--reference", type=int, default=10_000)
    arguments = parser.parse_args()
    name, scale, shape = MODELS[arguments.arch]
    weights = f"{name}-{arguments.sigma:.2f}"
    module = load_model(ModelSpec(weights)).module
    steps = noisy_steps(arguments.images, arguments.sigma, scale, shape)
    units = (steps / np.float32(scale)).astype(np.float32)
    network = integer_form(
        module, IntegerOnly(), calibration=units[:1000], scale=scale, input_shape=shape
    )
    print(f"{describe_hardware()}; {weights}, sigma {arguments.sigma:g}, {len(steps)} noisy images")
    chosen = np.concatenate([steps[: arguments.reference], extreme_images(network)])
    scores, rate = timed(lambda part: reference_scores(network, part), chosen)
    print(f"reference, NumPy int64: {rate:,.0f} images/s")
    carried = Carrier(network).eval()
    with torch.inference_mode():
        found, _ = timed(lambda p: carried(torch.from_numpy(p.astype(np.float32))).numpy(), chosen)
    equal = int((found == scores).all(axis=1).sum())
    print(f"carrier: all scores equal on {equal} of {len(chosen)} images, extremes included")
    for backend in ("openvino", "onnxruntime", "torch"):
        predictor = IntegerPredictor(network, backend=backend)
        equal = int((predictor.scores(chosen) == scores).all(axis=1).sum())
        answers, rate = timed(predictor, steps)
        print(
            f"integer on {predictor.kernels}: {rate:,.0f} images/s, "
            f"all scores equal on {equal} of {len(chosen)} images"
        )
        if backend == "onnxruntime":
            continue
        plain = make_predictor(module, classes=network.classes, input_shape=shape, backend=backend)
        floats, rate = timed(plain, units)
        print(f"{plain.execution}: {rate:,.0f} images/s, {(floats != answers).mean():.2%} differ")


def noisy_steps(count: int, sigma: float, scale: int, shape: tuple[int, int, int]) -> np.ndarray:
    """Random images under rounded noise, whole grid steps."""
    generator = np.random.Generator(np.random.SFC64(0))
    pixels = generator.integers(0, scale, (count, *shape), endpoint=True).astype(np.int16)
    noise = integer_law("rounded", sigma, scale).draw(generator, pixels.size)
    return pixels + noise.reshape(pixels.shape)


def timed(run, inputs):  # type: ignore[no-untyped-def]
    """Results of all inputs, batch by batch, and inputs per second after a first batch."""
    run(inputs[:BATCH])
    clock = perf_counter()
    parts = [run(inputs[at : at + BATCH]) for at in range(0, len(inputs), BATCH)]
    return np.concatenate(parts), len(inputs) / (perf_counter() - clock)


if __name__ == "__main__":
    main()
