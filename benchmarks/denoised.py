"""A classifier that never saw noise: certified as it is, behind a denoiser, and after fine-tuning.

PYTHONPATH=. .venv/bin/python benchmarks/denoised.py --root CIFAR --clean clean.safetensors \
    --denoisers d-0.25.safetensors d-0.50.safetensors --tuned f-0.25.safetensors f-0.50.safetensors

CIFAR holds train/CLASS and test/CLASS; --data digits takes the digits that come along. The files
come from the commands train, denoiser train and finetune. With --int8 the int8 version of the first
composition follows. Whatever is in the store already is not drawn again.
"""

import argparse
import json
from pathlib import Path
from time import perf_counter

import numpy as np

from irs_core.api import Model, certify, load
from irs_core.api.studies import Result
from irs_core.metrics import certified_accuracy, smoothed_accuracy
from irs_core.store import BASE

SIGMAS, RADII = (0.25, 0.5), (0.25, 0.5)
N0, N_P = 100, (50, 100, 200)
TRAINED = {"image-folder": "cifar10-resnet20", "digits": "digits"}


def main() -> None:
    """Print the tables."""
    arguments = _arguments()
    print(
        "| sigma | way | clean, one pass | clean, voted | CA(0.25) | CA(0.5) | trained | drawn in |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for place, sigma in enumerate(SIGMAS):
        if sigma not in arguments.sigmas:
            continue
        for name, weights, denoiser in _ways(arguments, place, sigma):
            if weights is None or not (weights.startswith("shipped:") or Path(weights).exists()):
                continue
            model = _model(arguments, weights, denoiser)
            started = perf_counter()
            result = certify(
                model, sigma=sigma, n=arguments.n, n0=N0, n_p=[arguments.n], store=arguments.store
            )
            seconds = perf_counter() - started
            print(_row(result, sigma, name, _trained(denoiser or weights), seconds), flush=True)
    if arguments.int8:
        _compressions(arguments)


def _ways(
    arguments: argparse.Namespace, place: int, sigma: float
) -> list[tuple[str, str | None, str | None]]:
    tuned = arguments.tuned[place] if arguments.tuned else None
    denoiser = arguments.denoisers[place] if arguments.denoisers else None
    return [
        ("as it is", arguments.clean, None),
        ("denoised, frozen", arguments.clean if denoiser else None, denoiser),
        ("fine-tuned", tuned, None),
        ("trained under noise", f"shipped:{TRAINED[arguments.data]}-{sigma:.2f}", None),
    ]


def _model(arguments: argparse.Namespace, weights: str, denoiser: str | None) -> Model:
    if arguments.data == "digits":
        return load(weights, denoise=denoiser, max=arguments.images)
    stride = 10_000 // arguments.images
    return load(
        weights,
        denoise=denoiser,
        data="image-folder",
        root=arguments.root,
        stride=stride,
        max=arguments.images,
    )


def _row(result: Result, sigma: float, name: str, trained: str, seconds: float) -> str:
    made, labels = result.certificates(BASE), result.analysis.labels
    clean = np.mean(np.asarray(result.record.base.clean)[result.analysis.rows] == labels)
    shares = [float(certified_accuracy(made, labels, [radius])[0]) for radius in RADII]
    cells = [f"{share:.1%}" for share in (clean, smoothed_accuracy(made, labels), *shares)]
    return f"| {sigma:g} | {name} | {' | '.join(cells)} | {trained} | {seconds:,.0f} s |"


def _trained(path: str) -> str:
    """The time that a file's card gives; nothing for what came along."""
    card = Path(path).with_suffix(".json")
    if path.startswith("shipped:") or not card.exists():
        return ""
    return f"{json.loads(card.read_text())['train_seconds']:,.0f} s"


def _compressions(arguments: argparse.Namespace) -> None:
    """The int8 version of the composition: draws and certified counts by method."""
    sigma, denoiser = SIGMAS[0], arguments.denoisers[0]
    result = certify(
        _model(arguments, arguments.clean, denoiser),
        ["int8"],
        sigma=sigma,
        n=arguments.n,
        n0=N0,
        n_p=list(N_P),
        methods=("irs", "cirs", "seq"),
        radii=(RADII[0],),
        store=arguments.store,
    )
    analysis, labels = result.analysis, result.analysis.labels
    print("\n| method | n_p | certified above 0.25, and right | draws of int8 per image |")
    print("|---|---|---|---|")
    for method in ("rs", *result.record.spec.methods):
        for budget, n_p in enumerate(N_P):
            if not analysis.has("int8", method, budget):
                continue
            made = analysis.certify("int8", method, budget)
            right = (made.radius > RADII[0]) & (made.predicted == labels)
            print(f"| {method} | {n_p} | {int(right.sum())} | {made.n_samples.mean():.0f} |")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", choices=tuple(TRAINED), default="image-folder")
    parser.add_argument("--root")
    parser.add_argument("--clean", required=True)
    parser.add_argument("--denoisers", nargs=2)
    parser.add_argument("--tuned", nargs=2)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--store", required=True)
    parser.add_argument("--sigmas", nargs="+", type=float, default=SIGMAS, help="leave rows out")
    parser.add_argument("--int8", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
