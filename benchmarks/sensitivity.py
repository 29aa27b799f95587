"""Do cheap sensitivities rank layers as full networks do, and which score predicts certified loss?

Every layer is treated alone in a full network of its own, which runs from the first layer on, on
noise of its own: int8 as NNCF and OpenVINO make it, int4 as rounded weights. Against that stand the
sensitivities that `./irs tune sensitivity` measures from recorded prefixes.

    PYTHONPATH=. .venv/bin/python benchmarks/sensitivity.py --root FOLDER --images 60 --draws 128
"""

import argparse
import copy
from dataclasses import dataclass
from time import perf_counter, process_time

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from irs_core.approx.int8_static import quantise
from irs_core.approx.mixed import reshaped
from irs_core.backends.choose import make_predictor
from irs_core.backends.openvino_predictor import OpenVinoPredictor
from irs_core.models import load_model
from irs_core.sampling.noise import noise_blocks, noisy
from irs_core.spec.mixed import Treatment, mixed, parse_treatment
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec
from irs_core.stats import binomial_lower_bound, certified_radius
from irs_core.tune.changes import every_change
from irs_core.tune.images import ApartImages, images_apart
from irs_core.tune.record import Sensitivity
from irs_core.tune.sensitivity import measure

ALPHA = 0.001


@dataclass(frozen=True)
class Brute:
    """What a full network with one treated layer shows."""

    left: float
    radius_lost: float


def main() -> None:
    """Measure, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", required=True)
    parser.add_argument("--model", default="shipped:cifar10-resnet20-0.50")
    parser.add_argument("--data", default="image-folder")
    parser.add_argument("--sigma", type=float, default=0.5)
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--draws", type=int, default=128)
    parser.add_argument("--brute-draws", type=int, default=128)
    parser.add_argument("--treatments", nargs="+", default=["int8", "int4"])
    given = parser.parse_args()
    model = load_model(ModelSpec(given.model))
    data = DataSpec(given.data, given.root, stride=20, max=500, holdout=max(100, given.images))
    images = images_apart(data, given.images)
    for text in given.treatments:
        treatment = parse_treatment(text)
        changes = every_change(model.module, [treatment])
        clock, spent = perf_counter(), process_time()
        found = measure(
            model,
            images,
            changes,
            noise=NoiseSpec(given.sigma, seed=1),
            radius=given.sigma,
            draws=given.draws,
        )
        clock, spent = perf_counter() - clock, process_time() - spent
        print(
            f"{text}: {len(changes)} layers, {images.words}, {given.draws} draws: {clock:.0f} s, "
            f"{spent:.0f} s of processor time, {found.passes:.1f} passes, "
            f"{found.kept_bytes / 1e6:.0f} MB"
        )
        clock, spent = perf_counter(), process_time()
        brute = brute_force(model, images, treatment, found, given.sigma, given.brute_draws)
        clock, spent = perf_counter() - clock, process_time() - spent
        print(f"  full networks: {clock:.0f} s, {spent:.0f} s of processor time")
        report(found, brute)


def brute_force(
    model, images: ApartImages, treatment: Treatment, found: Sensitivity, sigma: float, draws: int
) -> dict[str, Brute]:
    """Each layer alone in a full network, on noise that the sensitivities did not see."""
    noise = NoiseSpec(sigma, seed=2)
    inputs = _noisy(images, noise, draws)
    shape = images.pixels.shape[1:]
    plain = make_predictor(model.module, classes=model.num_classes, input_shape=shape)
    base = _answers(plain, inputs)
    candidate = _answers(plain, _noisy(images, NoiseSpec(sigma, seed=3), 32))
    chosen = np.array([np.bincount(row).argmax() for row in candidate])
    own = _radii(base, chosen, sigma)
    result = {}
    for effect in found.effects:
        predictor = _network(model, effect.name, treatment, images, sigma)
        answers = _answers(predictor, inputs)
        result[effect.name] = Brute(
            float((answers != base).mean()),
            float((own - _radii(answers, chosen, sigma)).mean()),
        )
    return result


def _network(model, name: str, treatment: Treatment, images: ApartImages, sigma: float):
    shape = images.pixels.shape[1:]
    if treatment.precision == "int8":
        calibration = np.concatenate(_noisy(images, NoiseSpec(sigma, seed=4), 4))
        made = quantise(
            model.module,
            classes=model.num_classes,
            input_shape=shape,
            calibration=calibration[np.random.default_rng(0).permutation(len(calibration))],
            only=name.__eq__,
        )
        return OpenVinoPredictor(
            made.model, classes=model.num_classes, input_shape=shape, arithmetic="int8"
        )
    config = mixed(Treatment(), {name: treatment})
    module = reshaped(copy.deepcopy(model.module), config)
    return make_predictor(module, classes=model.num_classes, input_shape=shape)


def _noisy(images: ApartImages, noise: NoiseSpec, draws: int) -> list[NDArray[np.float32]]:
    found = []
    for row, image in enumerate(images.pixels):
        blocks = noise_blocks(noise, "estimate", row, 0, shape=image.shape, stop=draws)
        found.append(np.concatenate([noisy(image, one, 255, steps=False) for one in blocks]))
    return found


def _answers(predictor, inputs: list[NDArray[np.float32]]) -> NDArray[np.int64]:
    return np.stack([predictor(one) for one in inputs])


def _radii(answers: NDArray[np.int64], chosen: NDArray[np.int64], sigma: float):
    hits = (answers == chosen[:, None]).sum(axis=1)
    return certified_radius(binomial_lower_bound(hits, answers.shape[1], ALPHA), sigma)


def report(found: Sensitivity, brute: dict[str, Brute]) -> None:
    """Spearman's rho of three scores with what full networks show."""
    names = [one.name for one in found.effects]
    scores = {
        "leave rate": [one.left for one in found.effects],
        "KL divergence": [one.kl for one in found.effects],
        "squared error of scores": [one.mse for one in found.effects],
    }
    targets = {
        "leave rate of full networks": [brute[one].left for one in names],
        "certified radius lost by full networks": [brute[one].radius_lost for one in names],
    }
    for name, score in scores.items():
        rho = {what: spearmanr(score, target).statistic for what, target in targets.items()}
        print(f"  {name}: " + ", ".join(f"{what} {value:.2f}" for what, value in rho.items()))
    left, lost = targets.values()
    print(f"  the two targets with each other: {spearmanr(left, lost).statistic:.2f}")
    for one in found.ranked():
        own = brute[one.name]
        print(
            f"    {one.name:<30} {one.left / found.total:.4f} ({one.low:.4f}..{one.high:.4f}) "
            f"full {own.left:.4f}, radius lost {own.radius_lost:+.5f}, KL {one.kl:.2e}, "
            f"error {one.mse:.2e}"
        )


if __name__ == "__main__":
    main()
