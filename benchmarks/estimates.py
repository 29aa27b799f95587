"""Predicted against real seconds of ten different studies, each begun and run again.

    PYTHONPATH=. .venv/bin/python benchmarks/estimates.py [--jobs NAME ...]

Each study has a store of its own. "Cold": `certify --dry-run` in an empty store predicts, then
`certify` runs, timed from the start of the interpreter to its end. "Warm": the same once more with
more draws. Other work on the machine may come and go between prediction and run.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from irs_core.hardware import describe_hardware

DIGITS = ["--model", "shipped:digits-0.50", "--sigma", "0.5"]
CIFAR = ["--model", "shipped:cifar10-resnet20-0.50", "--sigma", "0.5", "--data", "npz"]
JOBS = {
    "digits, int8": [*DIGITS, "--max", "50", "--n", "4000", "--compress", "int8"],
    "digits, five models": [
        *DIGITS,
        "--max",
        "50",
        "--n",
        "2000",
        "--compress",
        "int8",
        "fp16",
        "bf16",
        "prune:0.2",
        "prune:0.5",
    ],
    "digits, all images": [*DIGITS, "--n", "1000", "--compress", "fp16"],
    "digits, integers": [
        *DIGITS,
        "--max",
        "50",
        "--holdout",
        "10",
        "--n",
        "2000",
        "--noise",
        "rounded",
        "--compress",
        "integer",
    ],
    "digits, PyTorch": [
        *DIGITS,
        "--max",
        "50",
        "--n",
        "2000",
        "--compress",
        "fp16",
        "--backend",
        "torch",
    ],
    "digits, all methods": [
        *DIGITS,
        "--max",
        "30",
        "--n",
        "2000",
        "--compress",
        "int8",
        "--method",
        "irs",
        "cirs",
    ],
    "ResNet-20, int8": [*CIFAR, "--max", "8", "--n", "500", "--compress", "int8"],
    "ResNet-20, bf16": [*CIFAR, "--max", "8", "--n", "500", "--compress", "bf16-compute"],
    "ResNet-20, two models": [
        *CIFAR,
        "--max",
        "6",
        "--n",
        "500",
        "--compress",
        "int8",
        "prune:0.1",
    ],
    "ResNet-20, the original": [*CIFAR, "--max", "10", "--n", "500"],
}


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS))
    arguments = parser.parse_args()
    print(f"{describe_hardware()}, load {os.getloadavg()[0]:.1f}")
    print("| study | store | predicted | real | predicted over real |")
    print("|---|---|---|---|---|")
    for name in arguments.jobs:
        with TemporaryDirectory() as folder:
            for case, more in (("cold", []), ("warm", ["--n0", "300"])):
                told, real = one(Path(folder), [*JOBS[name], *more])
                print(f"| {name} | {case} | {told:.1f} s | {real:.1f} s | {told / real:.2f} |")
                sys.stdout.flush()


def one(folder: Path, options: list[str]) -> tuple[float, float]:
    """Predicted and real seconds of one command."""
    images = folder / "random.npz"
    if "npz" in options and not images.exists():
        rng = np.random.default_rng(0)
        pixels = rng.integers(0, 256, (16, 3, 32, 32), np.uint8)
        np.savez(images, images=pixels, labels=np.arange(16) % 10)
    root = ["--root", str(images)] if "npz" in options else []
    command = [sys.executable, "-m", "irs_core", "certify", "--store", str(folder / "store")]
    command += [*options, *root]
    said = subprocess.run(
        [*command, "--dry-run", "--json"],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    clock = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return json.loads(said.stdout)["forecast"]["seconds"], perf_counter() - clock


if __name__ == "__main__":
    main()
