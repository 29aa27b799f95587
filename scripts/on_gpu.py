"""The first session on a GPU: what it computes, how fast, and whether it is exact.

    scripts/on_gpu [--device cuda] [--root FOLDER] [--out on-gpu] [--only STEP ...] [--minutes 20]
    scripts/on_gpu --device cpu --smoke       # a rehearsal with small inputs, some minutes

Each step is a process of its own with a time limit. Its result is written as soon as it ends; a
step that is done is not repeated, one that fails does not stop the others. FOLDER holds the
CIFAR-10 images (train/ and test/ with a folder per class). RESULTS-GPU.md in the folder of results
sums up.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SIGMAS = ("0.25", "0.50", "1.00")
DONE, FAILED, SKIPPED = "done", "failed", "skipped"


def main() -> int:
    """Run what is missing; 1 if a step failed."""
    arguments = parsed()
    out: Path = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    if arguments.step is not None:
        STEPS[arguments.step][0](arguments, out)
        return 0
    left = time.monotonic() + 60 * arguments.minutes
    for name, (_, limit) in STEPS.items():
        if arguments.only and name not in arguments.only:
            continue
        if read(out, name).get("state") == DONE:
            print(f"{name}: done before", flush=True)
            continue
        seconds = min(limit, left - time.monotonic())
        if seconds < 10:
            write(out, name, {"state": SKIPPED, "why": "no time is left"})
            continue
        found = run(name, seconds, out)
        print(f"{name}: {found['state']} in {found.get('seconds', 0):.0f} s", flush=True)
        report(out)
    report(out)
    states = [
        read(out, name).get("state")
        for name in STEPS
        if not arguments.only or name in arguments.only
    ]
    return int(FAILED in states)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--smoke", action="store_true", help="small inputs, to rehearse")
    parser.add_argument("--root", type=Path, help="CIFAR-10 images as class folders")
    parser.add_argument("--out", type=Path, default=Path("on-gpu"), help="folder of results")
    parser.add_argument("--only", nargs="+", choices=STEPS, metavar="STEP")
    parser.add_argument("--minutes", type=float, default=20.0, help="for all steps together")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    return parser.parse_args()


def run(name: str, seconds: float, out: Path) -> dict[str, Any]:
    """One step in a process of its own; what it left behind."""
    clock = time.monotonic()
    command = [sys.executable, __file__, *sys.argv[1:], "--step", name]
    try:
        with (out / f"{name}.log").open("w") as log:
            code = subprocess.run(
                command, timeout=seconds, stdout=log, stderr=subprocess.STDOUT, check=False
            ).returncode
        why = "" if code == 0 else f"exit code {code}; see {name}.log"
    except subprocess.TimeoutExpired:
        why = f"it took longer than {seconds:.0f} s; the same command goes on"
    found = read(out, name)
    state = found.get("state") if not why and found else FAILED if why else DONE
    found = {**found, "state": state, "seconds": time.monotonic() - clock}
    if why:
        found["why"] = why
    write(out, name, found)
    return found


def read(out: Path, name: str) -> dict[str, Any]:
    """What a step wrote."""
    try:
        found: dict[str, Any] = json.loads((out / f"{name}.json").read_text())
    except (OSError, ValueError):
        return {}
    return found


def write(out: Path, name: str, found: dict[str, Any]) -> None:
    """Replace what a step wrote, whole or not at all."""
    half = out / f"{name}.json.half"
    half.write_text(json.dumps(found, indent=1))
    half.replace(out / f"{name}.json")


def irs(*arguments: str, timeout: float | None = None) -> str:
    """What a command of the program prints."""
    command = [sys.executable, "-m", "irs_core", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=timeout
    )
    return done.stdout


def machine(arguments: argparse.Namespace, out: Path) -> None:
    """Versions, and the ceilings: copies and matrix products."""
    import torch

    from irs_core.backends.device import check_device, hardware_of
    from irs_core.hardware import software_versions

    device = check_device(arguments.device)
    size = 512 if arguments.smoke else 8192
    found: dict[str, Any] = {"hardware": hardware_of([], [str(device)])}
    found["versions"] = {**software_versions(), "cudnn": torch.backends.cudnn.version()}
    host = torch.empty(size * size, dtype=torch.float32)
    found["copy to device, GB/s"] = host.nbytes / timed(lambda: host.to(device), device) / 1e9
    for name, kind, tf32 in (
        ("fp32", torch.float32, False),
        ("tf32", torch.float32, True),
        ("bf16", torch.bfloat16, False),
    ):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        left = torch.randn(size, size, device=device, dtype=kind)
        seconds = timed(lambda one=left: one @ one, device)
        found[f"{name} matrix product, TFLOP/s"] = 2 * size**3 / seconds / 1e12
    write(out, "machine", {"state": DONE, "found": found})


def timed(call: Callable[[], Any], device: Any, seconds: float = 0.5) -> float:
    """Mean seconds of a call, the device waited for."""
    import torch

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    for _ in range(3):
        call()
    wait()
    clock, calls = time.perf_counter(), 0
    while time.perf_counter() - clock < seconds:
        call()
        wait()
        calls += 1
    return (time.perf_counter() - clock) / calls


def checks(arguments: argparse.Namespace, out: Path) -> None:
    """The tests of what a device computes, on this device."""
    try:
        import pytest  # noqa: F401
    except ImportError:
        write(out, "checks", {"state": SKIPPED, "why": "pytest is not installed"})
        return
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/cuda"],
        cwd=ROOT,
        env={**os.environ, "IRS_TEST_DEVICE": arguments.device},
        stdout=subprocess.PIPE,
        text=True,
    )
    print(done.stdout)
    last = done.stdout.strip().splitlines()[-1]
    state = DONE if done.returncode == 0 else FAILED
    write(out, "checks", {"state": state, "found": {"pytest": last}})


def loop(arguments: argparse.Namespace, out: Path) -> None:
    """The loop on the device, with a graph and without, at several batches."""
    import numpy as np
    import torch

    from irs_core.backends.torch_backend import TorchPredictor
    from irs_core.models import build
    from irs_core.sampling.device_loop import DeviceLoop
    from irs_core.sampling.philox import philox_key
    from irs_core.spec.study import NoiseSpec

    arch, shape = (
        ("digits_resnet", (1, 8, 8)) if arguments.smoke else ("cifar_resnet20", (3, 32, 32))
    )
    noise = NoiseSpec.chosen(0.5, kind="rounded")
    images = np.random.default_rng(0).integers(0, 256, (8, *shape), np.uint8)
    network = build(arch, 10, in_channels=shape[0], seed=1)
    found: dict[str, Any] = {}
    for batch in (16, 64) if arguments.smoke else (256, 512, 1024, 2048, 4096, 8192):
        made = TorchPredictor(
            network, classes=10, input_shape=shape, device=arguments.device, batch=batch
        )
        for graph in (False, True):
            run_it = DeviceLoop(
                made.module,
                noise,
                rows=8,
                shape=shape,
                scale=255,
                classes=10,
                batch=batch,
                device=made.device,
                graph=graph,
            )
            run_it.take(images)
            rows, keys = np.arange(4 * batch) % 8, [philox_key(0, 1, row) for row in range(8)]
            numbers = np.arange(4 * batch) // 8
            seconds = timed(
                lambda go=run_it, r=rows, k=keys, n=numbers: go(r, k, n), torch.device(made.device)
            )
            name = f"batch {batch}{', graph' if graph else ''}"
            found[f"{name}, draws/s"] = 4 * batch / seconds
            write(out, "loop", {"found": found})
    write(out, "loop", {"state": DONE, "found": found})


def bench(arguments: argparse.Namespace, out: Path) -> None:
    """The published loop and ours, on this device."""
    rows = ["published loop", "torch fp32", "torch bf16"]
    small = [
        "--arch",
        "digits_resnet",
        "--shape",
        "1",
        "8",
        "8",
        "--seconds",
        "0.2",
        "--rounds",
        "1",
    ]
    options = small if arguments.smoke else ["--seconds", "3"]
    rows = rows[:2] if arguments.smoke else [*rows, "torch-compiled fp32"]
    told = json.loads(
        irs("bench", "--json", "--device", arguments.device, *options, "--rows", *rows)
    )
    rates = {row["name"]: row["error"] or row["rate"] for row in told["rows"]}
    write(out, "bench", {"state": DONE, "found": rates})


def training(arguments: argparse.Namespace, out: Path) -> None:
    """Networks under noise, one for each sigma."""
    data = training_data(arguments, out)
    if data is None:
        write(out, "training", {"state": SKIPPED, "why": "--root names no images"})
        return
    found: dict[str, Any] = {}
    for sigma in SIGMAS[:1] if arguments.smoke else SIGMAS:
        weights = out / f"resnet110-{sigma}.safetensors"
        if not weights.exists():
            arch = "digits_resnet" if arguments.smoke else "cifar_resnet110"
            options = ["--epochs", "1" if arguments.smoke else "60", "--batch", "256"]
            options += [] if arguments.smoke else ["--bf16"]
            device = "cuda" if arguments.device.startswith("cuda") else "cpu"
            irs(
                "train",
                *data,
                "--arch",
                arch,
                "--sigma",
                sigma,
                "--seed",
                "0",
                "--device",
                device,
                "--out",
                str(weights),
                *options,
            )
        card = json.loads(weights.with_suffix(".json").read_text())
        found[sigma] = {key: card[key] for key in ("accuracy_clean", "accuracy_noisy")}
        write(out, "training", {"found": found})
    write(out, "training", {"state": DONE, "found": found})


def training_data(arguments: argparse.Namespace, out: Path) -> list[str] | None:
    """Options that name the images."""
    del out
    if arguments.smoke:
        return ["--data", "digits"]
    return ["--data", "image-folder", "--root", str(arguments.root)] if arguments.root else None


def studies(arguments: argparse.Namespace, out: Path) -> None:
    """Certify what was trained, ship it as bundles, and compute a part again."""
    data = training_data(arguments, out)
    weights = sorted(out.glob("resnet110-*.safetensors"))
    if data is None or not weights:
        write(out, "studies", {"state": SKIPPED, "why": "nothing was trained"})
        return
    found: dict[str, Any] = {}
    for file in weights:
        sigma = file.stem.rpartition("-")[2]
        size = (
            ["--max", "4", "--n", "200"] if arguments.smoke else ["--max", "200", "--holdout", "50"]
        )
        compress = (
            ["fp16", "prune:0.1"] if arguments.smoke else ["fp16", "fp16-compute", "prune:0.1"]
        )
        command = [
            "certify",
            *data,
            "--model",
            str(file),
            "--sigma",
            sigma,
            *size,
            "--noise",
            "rounded",
            "--backend",
            "torch",
            "--device",
            arguments.device,
            "--np",
            "10%",
            "--compress",
            *compress,
            "--json",
        ]
        first = studied(irs(*command, "--store", str(out / "store")))
        bundle = out / f"{file.stem}.irs.zip"
        irs("export", first, str(bundle), "--store", str(out / "store"))
        part = [*command, "--max", "4", "--n", "200"]
        stores = [out / f"again-{number}" for number in (1, 2)]
        same = len({digests(store, studied(irs(*part, "--store", str(store)))) for store in stores})
        if same != 1:
            raise SystemExit(f"sigma {sigma}: the same study gives other answers a second time")
        found[sigma] = {"study": first, "bundle": bundle.name, "computed again": "equal digests"}
        write(out, "studies", {"found": found})
    write(out, "studies", {"state": DONE, "found": found})


def studied(text: str) -> str:
    """The id of the study whose results were printed."""
    return str(json.loads(text)["study"])


def digests(store: Path, study: str) -> str:
    """The digests of a study's evidence, as text."""
    record = json.loads((store / "studies" / f"{study}.json").read_text())
    return json.dumps(record["digests"], sort_keys=True)


def report(out: Path) -> None:
    """Everything that was found, as Markdown."""
    lines = ["# Results on a device", ""]
    for name in STEPS:
        found = read(out, name)
        if not found:
            continue
        lines += [f"## {name}: {found.get('state', 'unfinished')}", ""]
        lines += [found["why"], ""] if found.get("why") else []
        lines += [f"- {key}: {shown(value)}" for key, value in found.get("found", {}).items()] + [
            ""
        ]
    (out / "RESULTS-GPU.md").write_text("\n".join(lines))


def shown(value: Any) -> str:
    """A value for people."""
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


Step = Callable[[argparse.Namespace, Path], None]
# In the order in which they are run, with the most seconds that each may take.
STEPS: dict[str, tuple[Step, float]] = {
    "machine": (machine, 120),
    "checks": (checks, 300),
    "loop": (loop, 240),
    "bench": (bench, 240),
    "training": (training, 3600),
    "studies": (studies, 3600),
}

if __name__ == "__main__":
    sys.exit(main())
