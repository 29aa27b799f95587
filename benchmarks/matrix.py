"""How near the networks come to a matrix product of the same numbers, in one run.

PYTHONPATH=. .venv/bin/python benchmarks/matrix.py

Per precision: a chain of eight products of 2048 x 1024 by 1024 x 1024 in OpenVINO, all in that
precision but for what goes in, on all cores; ResNet-20 alone, whole batches without noise; and the
loop of certification, with noise and counting. Round after round, medians.
"""

import argparse
import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
import openvino as ov
import openvino.opset13 as ops

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT)]

from irs_core.bench import BenchSpec, run_bench  # noqa: E402
from irs_core.hardware import describe_hardware, usable_cores  # noqa: E402

ROWS, WIDTH, DEPTH = 2048, 1024, 8
# Multiplications of one prediction of ResNet-20 at 32 x 32 (He et al. 2016, 41 million), twice.
RESNET20_GOP = 2 * 40.55e6 / 1e9
HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    arguments = parser.parse_args()
    print(f"{describe_hardware()}; load average {os.getloadavg()[0]:.1f} before the measurement\n")
    products = {name: _product(name) for name in HINTS}
    found: dict[str, list[float]] = {name: [] for name in HINTS}
    networks: dict[str, list[tuple[float, float]]] = {name: [] for name in HINTS}
    spec = BenchSpec(seconds=arguments.seconds, rounds=1)
    for _ in range(arguments.rounds):
        for name, step in products.items():
            found[name].append(_rate(step, arguments.seconds))
        for row in run_bench(spec, tuple(f"openvino {name}" for name in HINTS)):
            networks[row.name.split()[1]].append((row.bare, row.rate))
    titles = "precision | product | ResNet-20 alone | of the product | loop, draws/s"
    print(f"| {titles} | of the product |")
    print("|---|---|---|---|---|---|")
    for name in HINTS:
        product = statistics.median(found[name])
        alone, loop = (statistics.median(one) for one in zip(*networks[name], strict=True))
        print(
            f"| {name} | {product:,.0f} GOP/s | {alone * RESNET20_GOP:,.0f} GOP/s "
            f"| {alone * RESNET20_GOP / product:.0%} | {loop:,.0f} "
            f"| {loop * RESNET20_GOP / product:.0%} |"
        )
    return 0


def _product(precision: str) -> Callable[[], float]:
    """Runs the chain once and returns its operations, in 10^9."""
    random = np.random.default_rng(0)
    given = ops.parameter([ROWS, WIDTH], np.float32)
    found = given
    for _ in range(DEPTH):
        weights = random.uniform(-1, 1, (WIDTH, WIDTH)).astype(np.float32) / 8
        factor = ops.constant(weights)
        if precision == "int8":
            found = _rounded(found, 0.0, 4.0, 256)
            factor = _rounded(factor, -0.125, 0.125, 255)
        found = ops.relu(ops.matmul(found, factor, False, False))
    model = ov.Model([found], [given])
    settings = {
        "INFERENCE_PRECISION_HINT": HINTS[precision],
        "INFERENCE_NUM_THREADS": usable_cores(),
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = ov.Core().compile_model(model, "CPU", settings)
    images = random.uniform(0, 1, (ROWS, WIDTH)).astype(np.float32)
    request = compiled.create_infer_request()

    def step() -> float:
        request.infer([images], share_inputs=True, share_outputs=True)
        return 2 * ROWS * WIDTH * WIDTH * DEPTH / 1e9

    return step


def _rounded(value: ov.Output, low: float, high: float, levels: int) -> ov.Output:
    ends = [ops.constant(np.float32(one)) for one in (low, high)]
    return ops.fake_quantize(value, *ends, *ends, levels)


def _rate(step: Callable[[], float], seconds: float) -> float:
    step()
    clock, done = perf_counter(), 0.0
    while perf_counter() - clock < seconds:
        done += step()
    return done / (perf_counter() - clock)


if __name__ == "__main__":
    sys.exit(main())
