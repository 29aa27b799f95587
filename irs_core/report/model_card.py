"""A section for a model card on a hub, as Markdown with YAML metadata: what was certified, how."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.ledger import Ledger
from irs_core.analysis.measured import study_measured
from irs_core.analysis.results import mean_interval, share_interval
from irs_core.analysis.tables import usual_radii
from irs_core.decide import Flag
from irs_core.metrics import counted_radii
from irs_core.report.tables import certified
from irs_core.sampling.statements import describe_noise
from irs_core.spec.convention import SENTENCES
from irs_core.spec.cost import ALONE
from irs_core.spec.outward import down, text, up
from irs_core.store import ModelRecord, StudyRecord
from irs_core.store.manifests import record_digest
from irs_core.text import markdown, plain

_DIGITS = 4


def model_card(
    record: StudyRecord,
    analysis: Analysis,
    *,
    ledger: Ledger,
    flags: Sequence[Flag] = (),
    banner: str = "",
) -> str:
    """The certificates of a study for a model card: lower bounds are rounded down, upper ones up.

    Args:
        ledger: What the confidence of the certificates covers.
        flags: What makes the study's numbers dubious.
        banner: What has to be said of a study that others reported; see `Study.banner`.
    """
    rows = [_numbers(record, analysis, *one) for one in certified(record, analysis)]
    parts = [
        _metadata(record, rows),
        "",
        "## Certified robustness",
        "",
        *([f"**{markdown(banner)}**", ""] if banner else []),
        *_table(rows),
        "",
        *_conditions(record, analysis, ledger),
        *_cost(record, analysis),
        *(["", "Warnings:", ""] if flags else []),
        *(f"- {flag.code}: {markdown(flag.sentence)}" for flag in flags),
        "",
        *_digests(record),
        "",
        *_verify(record),
        "",
    ]
    return "\n".join(parts)


def _numbers(
    record: StudyRecord, analysis: Analysis, name: str, title: str, made: Any
) -> dict[str, Any]:
    """What is said of one classifier, as numbers rounded outward."""
    labels = analysis.labels
    acr = mean_interval(counted_radii(made, labels))
    right = made.predicted == labels
    shares = {
        f"CA({radius:g})": share_interval(np.asarray(right & (made.radius > radius)))
        for radius in usual_radii(record.spec.noise.sigma)
    }
    return {
        "name": name,
        "title": title,
        "method": analysis.main_method(name) if name in analysis.tally.compressed else "rs",
        "draws": int(made.n_samples.max()),
        "ACR": (down(acr.value, _DIGITS), down(acr.low, _DIGITS), up(acr.high, _DIGITS)),
        **{
            key: (
                text(one.value, _DIGITS, "counted"),
                down(one.low, _DIGITS),
                up(one.high, _DIGITS),
            )
            for key, one in shares.items()
        },
    }


def _measures(row: dict[str, Any]) -> Iterator[tuple[str, tuple[str, str, str]]]:
    return ((key, value) for key, value in row.items() if isinstance(value, tuple))


def _metadata(record: StudyRecord, rows: Sequence[dict[str, Any]]) -> str:
    """YAML, every text as JSON, which YAML reads and nothing can break out of."""
    lines = ["---", "tags:", "- randomized-smoothing", "- certified-robustness", "model-index:"]
    for row in rows:
        lines += [
            f"- name: {_quoted(row['title'])}",
            "  results:",
            "  - task:",
            "      type: image-classification",
            "    dataset:",
            f"      name: {_quoted(record.data.called)}",
            f"      type: {_quoted(record.spec.data.kind)}",
            f"      revision: {_quoted(record.data.digest)}",
            "    metrics:",
        ]
        for key, (value, _, _) in _measures(row):
            kind = "average_certified_radius" if key == "ACR" else "certified_accuracy"
            lines += [
                f"    - type: {kind}",
                f"      name: {_quoted(f'{key}, sigma {record.spec.noise.sigma:g}')}",
                f"      value: {value}",
            ]
    return "\n".join([*lines, "---"])


def _quoted(words: str) -> str:
    return json.dumps(plain(words), ensure_ascii=False)


def _table(rows: Sequence[dict[str, Any]]) -> list[str]:
    keys = [key for key, _ in _measures(rows[0])]
    lines = [
        f"| model | {' | '.join(keys)} | draws per input, at most | method |",
        f"|---|{'---:|' * (len(keys) + 1)}---|",
    ]
    for row in rows:
        cells = [f"{value} ({low} to {high})" for _, (value, low, high) in _measures(row)]
        cells += [f"{row['draws']:,}", row["method"]]
        lines.append(f"| {markdown(row['title'])} | {' | '.join(cells)} |")
    return lines


def _conditions(record: StudyRecord, analysis: Analysis, ledger: Ledger) -> list[str]:
    spec, settings = record.spec, analysis.settings
    most = "up to " if spec.original_stops else ""
    noise = describe_noise(spec.noise.kind, spec.noise.sigma, spec.data.scale)
    return [
        "ACR is the average certified radius (L2, pixel units of images in [0, 1]; wrong and "
        "abstaining inputs count as 0), CA(r) the share of inputs that are right with a certified "
        "radius above r. In parentheses 95% intervals over inputs: bootstrapped for ACR, exact for "
        "CA. The certificates are of the smoothed classifier, which takes a vote over noisy copies "
        "of an image, not of a single pass. A compressed model is certified with fewer draws than "
        "the original, and fewer draws certify smaller radii: the difference in this table is not "
        "the cost of compression.",
        "",
        f"- Inputs: {len(analysis.labels):,} of {markdown(record.data.called)}.",
        f"- Noise: {markdown(noise.title)}, sigma {spec.noise.sigma:g}, seed {spec.noise.seed}. "
        f"{markdown(noise.guarantee)}",
        f"- Draws per input: {spec.n0:,} to select and {most}{spec.n:,} to estimate of the "
        f"original, up to {spec.n_p[-1]:,} of a compressed model.",
        f"- Levels: alpha {settings.alpha:g}, alpha\\_zeta {settings.alpha_zeta:g}, gamma "
        f"{settings.gamma:g}.",
        f"- Radii: {SENTENCES[settings.convention]}",
        f"- {markdown(ledger.text)}",
        "- Not covered: other noise levels, disturbances measured in another norm, other kinds of "
        "inputs.",
    ]


def _cost(record: StudyRecord, analysis: Analysis) -> list[str]:
    lines = []
    for model in record.models:
        lines.append(f"- {markdown(model.title)}: {_cost_words(record, analysis, model)}.")
    return ["", "Size and time:", "", *lines]


def _cost_words(record: StudyRecord, analysis: Analysis, model: ModelRecord) -> str:
    if model.cost is not None:
        speed = model.cost.speed
        return (
            f"{model.cost.size.words}; {ALONE}: median {up(speed.p50_ms)} ms, 95th percentile "
            f"{up(speed.p95_ms)} ms on {markdown(speed.runtime)}, {markdown(speed.hardware)}"
        )
    said = f"{model.size_bytes:,} bytes, weights in the model's own format"
    if model.name == record.base.name or not analysis.methods(model.name):
        return said
    measured = study_measured(record, analysis, model.name)
    if measured.latency_ms is None:
        return said
    return f"{said}; {up(measured.latency_ms[1])} ms for {measured.timed}"


def _digests(record: StudyRecord) -> list[str]:
    rows = [
        ("study", record.id),
        ("inputs (SHA-256)", record.data.digest),
        *((f"{markdown(one.title)} (SHA-256)", one.digest) for one in record.models),
        ("all that the study says, digests of its draws included (SHA-256)", record_digest(record)),
    ]
    return [
        "| what | digest |",
        "|---|---|",
        *(f"| {name} | {markdown(digest)} |" for name, digest in rows),
    ]


def _verify(record: StudyRecord) -> list[str]:
    return [
        "To check these numbers, take the bundle of the study, which holds every draw:",
        "",
        f"    irs import {record.id}.irs.zip",
        f"    irs verify {record.id}",
        f"    irs studies {record.id}",
    ]
