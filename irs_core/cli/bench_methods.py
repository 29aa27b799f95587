"""`bench --methods`: what every way to certify a compressed model costs, on the same draws."""

import argparse
import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from irs_core.analysis.peers import Peer, Peers, compare_peers
from irs_core.cli.printing import print_json
from irs_core.errors import SpecError
from irs_core.hardware import describe_hardware, software_versions
from irs_core.store import Library, Study

if TYPE_CHECKING:
    from irs_core.bench import BenchRow

SHIPPED = ("28dae8", "f6529b", "5d4e46")
# What runs a compressed model here; the others are run as floats.
_ENGINES = {"int8": "openvino int8", "bf16": "openvino bf16"}
_LOOPS = {"published": "published loop", "art": "ART"}


def bench_methods(arguments: argparse.Namespace) -> None:
    """Print the table, or all of it as JSON.

    Raises:
        SpecError: Studies are of different networks, whose loops take different times.
    """
    library, name = Library(arguments.store), arguments.of
    studies = [library.open(one) for one in arguments.methods or SHIPPED]
    weights = {study.record.spec.model.arch for study in studies}
    if len(weights) > 1:
        raise SpecError(
            f"studies of one architecture are compared in one run; got {len(weights)} architectures"
        )
    rates = _rates(studies[0], name, arguments)
    found = [compare_peers(study, name) for study in studies]
    if arguments.json:
        print_json("bench", _as_json(found, rates))
        return
    versions = ", ".join(f"{name} {number}" for name, number in software_versions().items())
    print(f"{describe_hardware()}; {versions}")
    for loop, row in rates.items():
        said = f"not measured: {row.error}" if row.error else f"{row.rate:,.0f} draws/s"
        print(f"{loop} ({row.name}): {said}")
    for one in found:
        _print(one, rates)


def _rates(study: Study, name: str, arguments: argparse.Namespace) -> "Mapping[str, BenchRow]":
    """What each loop does in a second, all measured in turns."""
    from irs_core.bench import BenchSpec, run_bench

    spec = study.record.spec
    loops = {"engine": _ENGINES.get(name, "openvino fp32"), **_LOOPS}
    measured = BenchSpec(
        weights=spec.model.weights,
        shape=tuple(arguments.shape),
        sigma=spec.noise.sigma,
        group=spec.noise.group,
        seconds=arguments.seconds,
        rounds=arguments.rounds,
    )
    rows = {row.name: row for row in run_bench(measured, tuple(loops.values()))}
    return {loop: rows[row] for loop, row in loops.items()}


def seconds_of(peer: Peer, peers: Peers, rates: "Mapping[str, BenchRow]") -> list[float]:
    """Seconds of all inputs for each goal; NaN where its loop or its draws are not known."""
    rate = rates[peer.loop].rate
    return [draws * peers.inputs / rate for draws in peer.draws]


def _print(peers: Peers, rates: "Mapping[str, BenchRow]") -> None:
    goals = " | ".join(goal.words for goal in peers.goals)
    print(
        f"\n{peers.title}, {peers.model}, {peers.inputs} inputs: draws per input (seconds in all)\n"
    )
    print(f"| way | {goals} |")
    print(f"|---|{'---:|' * len(peers.goals)}")
    for peer in peers.rows:
        both = zip(peer.draws, seconds_of(peer, peers, rates), strict=True)
        print(f"| {peer.name} | {' | '.join(_cell(*one) for one in both)} |")


def _cell(draws: float, seconds: float) -> str:
    if math.isnan(draws):
        return "-"
    spent = "" if math.isnan(seconds) else f" ({seconds:,.0f} s)"
    return f"{draws:,.0f}{spent}"


def _as_json(found: list[Peers], rates: "Mapping[str, BenchRow]") -> dict[str, Any]:
    return {
        "hardware": describe_hardware(),
        "versions": software_versions(),
        "date": date.today().isoformat(),
        "rates": {
            loop: {"row": row.name, "rate": row.rate, "error": row.error or None}
            for loop, row in rates.items()
        },
        "peers": [
            {
                **asdict(one),
                "rows": [
                    {**asdict(peer), "seconds": seconds_of(peer, one, rates)} for peer in one.rows
                ],
            }
            for one in found
        ],
    }
