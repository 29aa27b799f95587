"""Figures of a study, as its pages draw them."""

from collections.abc import Callable
from typing import Any

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.colours import model_colours
from irs_core.analysis.sweep import swept
from irs_core.api.studies import Result
from irs_core.errors import IrsError, MissingEvidenceError, UnknownKeyError
from irs_core.report.distributions import gamma_sweep, p_lower_histogram, zeta_histogram
from irs_core.report.figures import Figure, accuracy_figure, time_figure
from irs_core.report.waterfall import study_waterfall


def plot(result: Result, page: str = "acr_time", *, model: str | None = None) -> Any:
    """A figure of the study, as on the page of that name.

    Args:
        page: `acr_time`, `certified_accuracy`, `zeta_table` (histogram of zeta), `pa_histogram`,
            `gamma_sweep` (on held-out inputs) or `overview` (what fewer draws and compression
            cost).
        model: The compressed model, for `zeta_table` and `gamma_sweep`; None for the first.

    Returns:
        A `plotly.graph_objects.Figure`.

    Raises:
        UnknownKeyError: There is no such figure or model.
        MissingEvidenceError: The study has no draws or no held-out inputs for it.
        IrsError: plotly is not installed.

    Example:
        >>> from irs_core.api import open_study
        >>> plot(open_study("f6529b"), "pa_histogram").layout.yaxis.title.text
        'inputs (count)'
    """
    if page not in PLOTS:
        raise UnknownKeyError(f"there are figures named {', '.join(PLOTS)}; got {page!r}")
    try:
        import plotly.graph_objects as go
    except ModuleNotFoundError:
        raise IrsError("a figure needs the package plotly: pip install plotly") from None
    return go.Figure(PLOTS[page](result, model))


def _time(result: Result, _: str | None) -> Figure:
    return time_figure(result.record, result.analysis)


def _accuracy(result: Result, _: str | None) -> Figure:
    return accuracy_figure(result.record, result.analysis)


def _waterfall(result: Result, _: str | None) -> Figure:
    found = study_waterfall(result.record, result.analysis)
    if found is None:
        raise MissingEvidenceError("no model was drawn on the same noise as the original")
    return found


def _bounds(result: Result, _: str | None) -> Figure:
    analysis = result.analysis
    return p_lower_histogram(analysis.base.p_lower, analysis.settings.gamma)


def _zeta(result: Result, model: str | None) -> Figure:
    name = _compressed(result, model)
    row = result.analysis.zeta(name, len(result.analysis.tally.budgets) - 1)
    if not len(row.values):
        raise MissingEvidenceError(f"no input has all {row.n_p:,} paired draws of {name}")
    return zeta_histogram(row.values, float(row.floor), _colour(result, name))


def _sweep(result: Result, model: str | None) -> Figure:
    name, analysis = _compressed(result, model), result.analysis
    if all(result.record.data.reported):
        raise MissingEvidenceError(
            "gamma is swept on held-out inputs, and the study has none; load(..., holdout=20)"
        )
    held_out = Analysis(analysis.tally, analysis.settings, held_out=True)
    found = swept(held_out, name, len(analysis.tally.budgets) - 1)
    return gamma_sweep(found, analysis.settings.gamma, _colour(result, name))


def _compressed(result: Result, model: str | None) -> str:
    names = result.names[1:]
    if model is None and names:
        return names[0]
    if model not in names:
        raise UnknownKeyError(
            f"the figure is about a compressed model, {', '.join(names) or 'none'}; got {model!r}"
        )
    return model


def _colour(result: Result, name: str) -> str:
    return model_colours(result.names)[name]


PLOTS: dict[str, Callable[[Result, str | None], Figure]] = {
    "acr_time": _time,
    "certified_accuracy": _accuracy,
    "zeta_table": _zeta,
    "pa_histogram": _bounds,
    "gamma_sweep": _sweep,
    "overview": _waterfall,
}
