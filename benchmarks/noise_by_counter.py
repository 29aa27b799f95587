"""Noise by counter against the sequential generator: noise alone, and the loop that uses it.

    python benchmarks/noise_by_counter.py [--pairs 15] [--seconds 1]

Both generators of rounded noise are measured in turn, pair after pair, so that other work on the
machine falls on both; what is shown is the median of the pairs' ratios.
"""

import argparse
import statistics
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter

from irs_core import bench
from irs_core.bench import BenchSpec
from irs_core.hardware import describe_hardware
from irs_core.sampling.noise import noise_blocks
from irs_core.spec.study import GENERATORS, Generator, NoiseSpec
from irs_core.store import CHUNK_DRAWS

SHAPES = {"digits": (1, 8, 8), "CIFAR-10": (3, 32, 32), "ImageNet": (3, 224, 224)}
SCALES = {"digits": 16}
ROWS = ("openvino fp32", "openvino bf16", "openvino int8", "integer openvino")


def main() -> None:
    """Print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1.0)
    arguments = parser.parse_args()
    print(f"{describe_hardware()}; medians of {arguments.pairs} pairs\n")
    print("| images | sigma | sfc64, ns a value | philox | philox over sfc64 |")
    print("|---|---|---|---|---|")
    for name, shape in SHAPES.items():
        for sigma in (0.12, 0.25, 0.5, 1.0):
            one, other, ratio = compared(
                arguments.pairs, lambda kind, s=sigma, n=name, sh=shape: alone(kind, s, n, sh)
            )
            print(f"| {name} | {sigma:g} | {one:.2f} | {other:.2f} | {ratio:.2f} |", flush=True)
    print("\n| loop, ResNet-20, rounded noise | sfc64, draws/s | philox | philox over sfc64 |")
    print("|---|---|---|---|")
    for row in ROWS:
        step = loops(row, arguments.seconds)
        one, other, ratio = compared(arguments.pairs, step)
        print(f"| {row} | {one:,.0f} | {other:,.0f} | {ratio:.2f} |", flush=True)


def compared(pairs: int, measure: Callable[[Generator], float]) -> tuple[float, float, float]:
    """Medians under sfc64 and philox, and of their ratios."""
    found = []
    for number in range(pairs + 1):
        order = GENERATORS if number % 2 else GENERATORS[::-1]
        one = {kind: measure(kind) for kind in order}
        found.append((one["sfc64"], one["philox"]))
    kept = found[1:]
    return (
        statistics.median(one for one, _ in kept),
        statistics.median(other for _, other in kept),
        statistics.median(other / one for one, other in kept),
    )


def alone(kind: Generator, sigma: float, name: str, shape: tuple[int, ...]) -> float:
    """Nanoseconds per value, of whole chunks as the loop makes them."""
    noise = NoiseSpec(sigma, kind="rounded", generator=kind)
    values = shape[0] * shape[1] * shape[2]
    block = max(1, 4_000_000 // values)
    groups = max(1, 4_000_000 // values // CHUNK_DRAWS)
    draws = min(CHUNK_DRAWS, block)
    clock = perf_counter()
    for group in range(groups):
        for _ in noise_blocks(
            noise,
            "estimate",
            group,
            0,
            shape=shape,
            stop=draws,
            block=block,
            scale=SCALES.get(name, 255),
        ):
            pass
    return (perf_counter() - clock) / (groups * draws * values) * 1e9


def loops(row: str, seconds: float) -> Callable[[Generator], float]:
    """Draws a second of the whole loop, for one row of `bench`."""
    spec = BenchSpec(seconds=seconds)
    predictor = bench._predictor(bench._module(spec), spec, row)
    loop = bench._Loop(predictor, spec)
    if loop.noise.kind != "rounded":
        loop.rounded()

    def measure(kind: Generator) -> float:
        loop.noise = replace(loop.noise, generator=kind)
        return bench._timed(seconds, loop)

    return measure


if __name__ == "__main__":
    main()
