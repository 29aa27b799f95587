"""A study in one HTML file: tables, interactive figures, no network."""

import json
from importlib import resources
from typing import Any

import pandas as pd

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import study_flags
from irs_core.analysis.ledger import Ledger, study_ledger
from irs_core.errors import IrsError
from irs_core.report.figures import study_figures
from irs_core.report.formats import shown_rows
from irs_core.report.tables import study_table
from irs_core.sampling.statements import describe_noise
from irs_core.spec.cost import ALONE, ModelCost
from irs_core.spec.outward import up
from irs_core.store import StudyRecord
from irs_core.text import html as escape

# Nothing may be fetched, whatever stands in the file.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)
_DECIMALS = 4
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:1000px;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0;font-size:14px;display:block;overflow-x:auto}
th,td{padding:.3rem .7rem;border-bottom:1px solid #ddd;text-align:left}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
figure{margin:1rem 0 2rem}code{overflow-wrap:anywhere}
""".strip()


def html_report(
    record: StudyRecord,
    analysis: Analysis,
    *,
    banner: str = "",
    ledger: Ledger | None = None,
) -> str:
    """The report of a study as a whole HTML document of about 5 MB, most of it Plotly's code.

    Args:
        banner: What has to be said of a study that others reported; see `Study.banner`.
        ledger: What the confidence covers; None where no other study is at hand.

    Raises:
        IrsError: The package plotly, whose script is put into the file, is missing.
    """
    figures = study_figures(record, analysis)
    said = ledger or study_ledger(record.spec, analysis.settings, reported=bool(banner))
    title = escape(record.title)
    body = [
        f"<h1>{title}</h1>",
        *([f"<p><strong>{escape(banner)}</strong></p>"] if banner else []),
        *(f"<p>⚑ {escape(one.sentence)}</p>" for one in study_flags(record, analysis)),
        f"<p>{_described(record, analysis, said)}</p>",
        "<h2>Summary</h2>",
        table_html(study_table(record, analysis, "summary")),
        *(_figure(number, one) for number, one in enumerate(figures)),
        *_gaps(record, analysis),
        "<h2>Disagreement</h2>",
        table_html(study_table(record, analysis, "zeta")),
        "<h2>Models</h2>",
        table_html(_models(record)),
        "<h2>What was computed</h2>",
        f"<p>{escape(record.hardware)}. Study <code>{record.id}</code>, data "
        f"<code>{escape(record.data.digest)}</code>.</p>",
    ]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{title}</title><style>{_STYLE}</style>",
            f"<script>{_plotly_script()}</script></head><body>",
            *body,
            "</body></html>",
            "",
        ]
    )


def _described(record: StudyRecord, analysis: Analysis, ledger: Ledger) -> str:
    spec, settings = record.spec, analysis.settings
    noise = describe_noise(spec.noise.kind, spec.noise.sigma, spec.data.scale)
    return escape(
        f"{record.data.description}: {len(analysis.labels)} inputs. Noise: {noise.title}, sigma "
        f"{spec.noise.sigma:g} in pixel units of [0, 1] images, seed {spec.noise.seed}; n0 = "
        f"{spec.n0}, n = {spec.n} draws of the original, gamma = {settings.gamma:g}. "
        f"Certificates: {ledger.text} {noise.guarantee} "
        "Radii are L2; wrong and abstaining inputs count as 0 in the average certified radius "
        "(ACR). Intervals are 95% intervals over inputs: bootstrapped for means, exact for shares."
    )


def _gaps(record: StudyRecord, analysis: Analysis) -> list[str]:
    frame = study_table(record, analysis, "gaps")
    if frame.empty:
        return []
    said = (
        "A compressed model is certified with fewer draws than the original, and fewer draws prove "
        "smaller radii whichever model they are made of. Both are therefore compared on the same "
        "draws, input by input. Verdicts and rankings use the cost of compression alone. "
        "Intervals named sure are guaranteed."
    )
    return ["<h2>Fewer draws, and compression</h2>", f"<p>{said}</p>", table_html(frame)]


def _models(record: StudyRecord) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "model": model.title,
                "what it is": model.note,
                "run by": model.execution,
                "fixed function": model.fixed or "not measured",
                "bytes, own format": model.size_bytes,
                **({} if model.cost is None else _cost(model.cost)),
                "digest": model.digest[:16],
            }
            for model in record.models
        ]
    )


def _cost(cost: ModelCost) -> dict[str, str]:
    """Size as deployed and times of one image alone, for a cell each."""
    times = f"{up(cost.speed.p50_ms)}, 95%: {up(cost.speed.p95_ms)}"
    return {"as deployed": cost.size.words, f"{ALONE} (ms)": times}


def table_html(frame: pd.DataFrame) -> str:
    """A table as HTML: foreign text escaped, bounds rounded outward."""
    numbers = [pd.api.types.is_numeric_dtype(frame[name]) for name in frame]

    def row(cells: list[str], tag: str) -> str:
        marked = zip(cells, numbers, strict=True)
        inside = "".join(
            f"<{tag}{' class=n' if number else ''}>{escape(cell)}</{tag}>"
            for cell, number in marked
        )
        return f"<tr>{inside}</tr>"

    rows = [row(cells, "td") for cells in shown_rows(frame, _DECIMALS)]
    head = row([str(name) for name in frame], "th")
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def _figure(number: int, figure: dict[str, Any]) -> str:
    # A script ends at "</", also inside a text of JSON.
    data = json.dumps(figure, allow_nan=False).replace("<", "\\u003c")
    return (
        f'<figure><div id="f{number}"></div><script>{{const f={data};'
        f'Plotly.newPlot("f{number}",f.data,f.layout,{{responsive:true,displaylogo:false}});}}'
        "</script></figure>"
    )


def _plotly_script() -> str:
    try:
        path = resources.files("plotly") / "package_data" / "plotly.min.js"
        return path.read_text(encoding="utf-8")
    except (ModuleNotFoundError, FileNotFoundError):
        raise IrsError("a report needs the package plotly: pip install plotly") from None
