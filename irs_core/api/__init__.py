"""Certification in a notebook: load, certify, decide, plot.

    model = load("shipped:digits-0.50", data="digits", max=10)
    result = certify(model, ["fp16", "prune:0.1"], sigma=0.5, n=500, n_p=["10%", "20%"])
    decide(result, "fp16", radius=0.25, tolerance=0.05)
    plot(result, "acr_time")

The names are those of the pages, the evidence is that of the pages and of the command line: what
one of them computed, the others find. None of this needs streamlit; `plot` and HTML reports need
plotly.

    >>> from irs_core.api import certify, compare, load
    >>> import tempfile
    >>> model = load("shipped:digits-0.50", data="digits", max=4)
    >>> model
    Model(shipped:digits-0.50 on digits, test, at most 4 inputs)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = certify(model, ["fp16"], sigma=0.5, n=200, n0=20, n_p=["25%"], store=folder)
    >>> result
    Result(shipped:digits-0.50, sigma 0.5: base, fp16; study d3c6cd642bf695a9)
    >>> compare(result)["model"].tolist()
    ['original (fp32)', 'fp16 weights']
    >>> result.certificates("fp16").predicted.tolist()
    [3, 7, 1, 5]
"""

from irs_core.api.deciding import decide, decide_together
from irs_core.api.figures import PLOTS, plot
from irs_core.api.models import Model, load
from irs_core.api.studies import Result, certify, compare, open_study
from irs_core.api.tracking import log_to_mlflow
from irs_core.api.tuning import sensitivity
from irs_core.models.objects import adopt

__all__ = [
    "PLOTS",
    "Model",
    "Result",
    "adopt",
    "certify",
    "compare",
    "decide",
    "decide_together",
    "load",
    "log_to_mlflow",
    "open_study",
    "plot",
    "sensitivity",
]
