"""A study as a run of MLflow: numbers, settings, report, bundle, model card."""

import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from irs_core.api.studies import Result
from irs_core.decide import Decision
from irs_core.errors import IrsError

_NAME = re.compile(r"[^\w.-]+")
_LONGEST = 60


def log_to_mlflow(
    result: Result,
    *,
    decisions: Mapping[str, Decision] | None = None,
    radius: float | None = None,
    report: bool = True,
    bundle: bool = True,
    mlflow: Any = None,
) -> str:
    """Log a study to the run of MLflow that is active, or to one of its own.

    Metrics are `MODEL/acr` and `MODEL/certified_accuracy` with their 95% intervals, rounded
    outward; parameters the study's settings; tags its id, digests and what its confidence covers;
    artifacts, in the folder `irs`, the model card, the report and the bundle, which verifies.

    Args:
        decisions: Verdicts to log as tags, by the model's name; see `decide`.
        radius: Of certified accuracy, pixel units; None for sigma.
        report: Also the report in one HTML file, about 5 MB; needs plotly.
        bundle: Also the bundle with every draw.
        mlflow: The module that logs; None for the package mlflow.

    Returns:
        The id of the run.

    Raises:
        IrsError: mlflow is not installed, or the study cannot be exported.
    """
    logger = mlflow or _imported()
    active = logger.active_run()
    if active is not None:
        _log(logger, result, decisions or {}, radius, report, bundle)
        return str(active.info.run_id)
    with logger.start_run(run_name=result.record.title) as started:
        _log(logger, result, decisions or {}, radius, report, bundle)
        return str(started.info.run_id)


def _imported() -> Any:
    try:
        import mlflow
    except ModuleNotFoundError:
        raise IrsError(
            "logging to MLflow needs the package mlflow: pip install mlflow-skinny"
        ) from None
    return mlflow


def _log(
    logger: Any,
    result: Result,
    decisions: Mapping[str, Decision],
    radius: float | None,
    report: bool,
    bundle: bool,
) -> None:
    # Everything that can be refused comes before anything is logged.
    with TemporaryDirectory() as folder:
        _write(result, Path(folder), report=report, bundle=bundle)
        logger.log_params(_params(result))
        logger.log_metrics(_metrics(result, radius))
        logger.set_tags(_tags(result, decisions))
        logger.log_artifacts(folder, artifact_path="irs")


def _write(result: Result, folder: Path, *, report: bool, bundle: bool) -> None:
    (folder / "model-card.md").write_text(result.card(), encoding="utf-8")
    if report:
        result.report(folder / "report.html")
    if bundle:
        content = result.library.bundle_bytes(result.id)
        (folder / f"{result.id}.irs.zip").write_bytes(content)


def _params(result: Result) -> dict[str, str | float]:
    spec = result.record.spec
    return {
        "model": spec.model.weights,
        "data": result.record.data.description,
        "inputs": len(result.analysis.labels),
        "sigma": spec.noise.sigma,
        "noise": spec.noise.kind,
        "seed": spec.noise.seed,
        "n0": spec.n0,
        "n": spec.n,
        "n_p": ", ".join(map(str, spec.n_p)),
        "alpha": spec.alpha,
        "alpha_zeta": spec.alpha_zeta,
        "gamma": spec.gamma,
        "methods": ", ".join(spec.methods),
        "convention": result.analysis.settings.convention,
    }


def _metrics(result: Result, radius: float | None) -> dict[str, float]:
    cut = result.record.spec.noise.sigma if radius is None else radius
    named = _names(result)
    found: dict[str, float] = {"certified_radius": cut}
    for what, values in (
        ("acr", result.acr),
        ("certified_accuracy", result.certified_accuracy(cut)),
    ):
        for name, one in values.items():
            key = f"{named[name]}/{what}"
            found |= {key: one.value, f"{key}_low": one.low, f"{key}_high": one.high}
    for model in result.record.models:
        key = named[model.name]
        found[f"{key}/own_format_bytes"] = model.size_bytes
        if model.cost is not None:
            found[f"{key}/packed_bytes"] = model.cost.size.packed_bytes
            found[f"{key}/alone_p50_ms"] = model.cost.speed.p50_ms
            found[f"{key}/alone_p95_ms"] = model.cost.speed.p95_ms
    return found


def _tags(result: Result, decisions: Mapping[str, Decision]) -> dict[str, str]:
    named, record = _names(result), result.record
    tags = {"irs.study": record.id, "irs.confidence": result.ledger.text}
    if result.study.banner:
        tags["irs.origin"] = result.study.banner
    tags |= {f"irs.digest.{named[one.name]}": one.digest for one in record.models}
    for name, decision in decisions.items():
        key = named.get(name) or _plain(name)
        tags |= {f"irs.verdict.{key}": decision.verdict, f"irs.because.{key}": decision.sentence}
    return tags


def _names(result: Result) -> dict[str, str]:
    """Names of models of letters that MLflow takes; two that would be one get a number."""
    found: dict[str, str] = {}
    for at, name in enumerate(result.names):
        plain = _plain(name)
        found[name] = f"{plain}-{at}" if plain in found.values() else plain
    return found


def _plain(name: str) -> str:
    return _NAME.sub("-", name)[:_LONGEST]
