"""The command `bench`."""

import argparse
import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irs_core.backends.device import check_device, hardware_of
from irs_core.cli.options import add_json_option, add_store_option
from irs_core.cli.printing import print_json
from irs_core.errors import SpecError
from irs_core.hardware import software_versions

if TYPE_CHECKING:
    from irs_core.bench import BenchRow, BenchSpec


def add_bench(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `bench`."""
    parser = commands.add_parser("bench", help="measure samples per second of every backend")
    parser.add_argument(
        "--arch", default="cifar_resnet20", help="architecture (default: %(default)s)"
    )
    parser.add_argument("--model", help="weights: a file, or shipped:NAME (default: random)")
    parser.add_argument("--shape", type=int, nargs=3, default=[3, 32, 32], metavar=("C", "H", "W"))
    parser.add_argument("--group", type=int, default=1, help="inputs that share noise")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements per row")
    parser.add_argument("--device", default="cpu", help="of PyTorch rows: cpu, cuda or cuda:N")
    parser.add_argument("--batch", type=int, help="draws per forward pass of PyTorch rows")
    parser.add_argument("--rows", nargs="+", metavar="ROW", help="rows to measure (default: all)")
    parser.add_argument(
        "--ui",
        action="store_true",
        help="measure the pages instead: sliders, first paints, payloads, opening a large study",
    )
    parser.add_argument(
        "--methods",
        nargs="*",
        metavar="STUDY",
        help="compare ways to certify instead, on stored draws of studies (default: the shipped "
        "CIFAR-10 ones)",
    )
    parser.add_argument(
        "--of", default="int8", help="with --methods: the compressed model (default: %(default)s)"
    )
    add_store_option(parser)
    add_json_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int | None:
    if arguments.ui:
        return _bench_ui(arguments)
    if arguments.methods is not None:
        from irs_core.cli.bench_methods import bench_methods

        bench_methods(arguments)
        return None
    _bench(arguments)
    return None


def _bench_ui(arguments: argparse.Namespace) -> int:
    if arguments.json:
        raise SpecError("bench --ui prints a table only; leave out --json")
    # In a process of its own: the engine knows nothing of the pages.
    script = Path(__file__).resolve().parents[2] / "benchmarks" / "ui_speed.py"
    return subprocess.run([sys.executable, str(script)], check=False).returncode


def _bench(arguments: argparse.Namespace) -> None:
    # Measuring needs torch; the other commands should not wait for it.
    from irs_core.bench import ROWS, BenchSpec, run_bench

    rows = tuple(arguments.rows or ROWS)
    unknown = [row for row in rows if row not in ROWS]
    if unknown:
        raise SpecError(f"rows must be among {', '.join(ROWS)}; got {', '.join(unknown)}")
    spec = BenchSpec(
        arch=arguments.arch,
        weights=arguments.model,
        shape=tuple(arguments.shape),
        group=arguments.group,
        seconds=arguments.seconds,
        rounds=arguments.rounds,
        device=str(check_device(arguments.device)),
        batch=arguments.batch,
    )
    if arguments.json:
        print_json("bench", _as_json(spec, list(run_bench(spec, rows))))
        return
    versions = ", ".join(f"{name} {number}" for name, number in software_versions().items())
    print(f"{hardware_of([], [spec.device])}; {versions}")
    print(f"{spec.weights or spec.arch}, input {spec.shape}, noise shared by {spec.group} inputs\n")
    print(
        "| loop | samples/s | against published | s per 10^5 draws | overhead | peak MB | changed |"
    )
    print("|---|---|---|---|---|---|---|")
    published = math.nan
    for row in run_bench(spec, rows):
        if row.error:
            print(f"| {row.name} | not measured: {row.error} | | | | | |")
            continue
        published = row.rate if row.name == "published loop" else published
        against = "" if math.isnan(published) else f"{row.rate / published:.1f}x"
        overhead = "" if math.isnan(row.bare) else f"{row.overhead:.0%}"
        changed = "" if math.isnan(row.changed) else f"{row.changed:.1%}"
        print(
            f"| {row.name} | {row.rate:,.0f} | {against} | "
            f"{1e5 / row.rate:.1f} | {overhead} | {row.peak_mb:,.0f} | {changed} |"
        )


def _as_json(spec: "BenchSpec", rows: "Sequence[BenchRow]") -> dict[str, Any]:
    published = next((row.rate for row in rows if row.name == "published loop"), math.nan)
    return {
        "hardware": hardware_of([], [spec.device]),
        "versions": software_versions(),
        "spec": asdict(spec),
        "rows": [
            {
                **asdict(row),
                "error": row.error or None,
                "overhead": row.overhead,
                "against_published": row.rate / published,
                "seconds_per_100000": 1e5 / row.rate,
            }
            for row in rows
        ],
    }
