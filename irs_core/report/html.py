"""A study in one HTML file: tables, interactive figures, no network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from importlib import resources
from typing import TYPE_CHECKING, Any

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import (
    preset_model,
    preset_requirement,
    study_decision,
    study_decisions,
    study_flags,
)
from irs_core.analysis.ledger import Ledger, study_ledger
from irs_core.analysis.together import Together, study_together
from irs_core.decide import Decision, Requirement
from irs_core.decide.rounding import chosen_percent
from irs_core.decide.words import ANSWERS
from irs_core.errors import IrsError
from irs_core.report.document import document
from irs_core.report.figures import study_figures
from irs_core.report.formats import shown_rows
from irs_core.report.one_page import SHEET_STYLE, sheet
from irs_core.report.tables import study_table
from irs_core.report.waterfall import levels_words
from irs_core.sampling.statements import describe_noise
from irs_core.spec.convention import SENTENCES
from irs_core.spec.cost import ALONE, ModelCost
from irs_core.spec.outward import up
from irs_core.store import StudyRecord
from irs_core.text import html as escape

if TYPE_CHECKING:
    import pandas as pd


# Nothing may be fetched, whatever stands in the file.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)
_DECIMALS = 4
# As wide as A4 less its margins, so that nothing is cut on paper.
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:186mm;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0;font-size:13px;display:block;overflow-x:auto}
th,td{padding:.3rem .5rem;border-bottom:1px solid #ddd;text-align:left}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.report figure{margin:1rem 0 2rem}.report h2{break-after:avoid}
.signed{margin-top:6mm;color:#555}
@media print{
body{margin:0;padding:0;font-size:10pt}.sheet{break-after:page}
table{display:table;width:100%;font-size:6.5pt}th,td{padding:.5mm .6mm;overflow-wrap:anywhere}
td.n{overflow-wrap:normal}
th{overflow-wrap:normal}
tr,figure{break-inside:avoid}thead{display:table-header-group}}
""".strip()
_SIGNED = '<p class="signed">Decided by ______________________ on ______________</p>'


def html_report(
    record: StudyRecord,
    analysis: Analysis,
    *,
    model: str | None = None,
    requirement: Requirement | None = None,
    banner: str = "",
    ledger: Ledger | None = None,
    made: str | None = None,
) -> str:
    """The report of a study as a whole HTML document of about 5 MB, most of it Plotly's code.

    The first sheet is the decision about one model, then come the comparison of all and what
    diagnoses them.

    Args:
        model: Which compressed model is decided about; None for `preset_model`.
        requirement: What is required of it; None for `preset_requirement`.
        banner: What has to be said of a study that others reported; see `Study.banner`.
        ledger: What the confidence covers; None where no other study is at hand.
        made: When the report was made, a date; None for today.

    Raises:
        UnknownKeyError: The study has no such compressed model.
        IrsError: The package plotly, whose script is put into the file, is missing.
    """
    said = ledger or study_ledger(record.spec, analysis.settings, reported=bool(banner))
    asked = requirement or preset_requirement(record.spec.noise.sigma)
    flags = study_flags(record, analysis)
    first, candidates = "", list[str]()
    chosen = model or preset_model(analysis)
    # A verdict has a level at the study's own settings only.
    if chosen is not None and not said.moved:
        together = study_together(record, analysis, asked)
        first = sheet(
            record,
            analysis,
            chosen,
            study_decision(record, analysis, chosen, asked),
            ledger=said,
            flags=flags,
            together=together,
            banner=banner,
            made=made or date.today().isoformat(),
            last=_SIGNED,
        )
        candidates = _candidates(study_decisions(record, analysis, asked), together, asked)
    body = [
        first,
        '<div class="report">',
        f"<h1>{escape(record.title)}</h1>",
        *([f"<p><strong>{escape(banner)}</strong></p>"] if banner else []),
        *(f"<p>⚑ {escape(one.sentence)}</p>" for one in flags),
        f"<p>{_described(record, analysis, said)}</p>",
        *candidates,
        *_numbers(record, analysis),
        "</div>",
    ]
    style = SHEET_STYLE + _STYLE
    return document(record.title, body, style=style, policy=_POLICY, script=_plotly_script())


def _numbers(record: StudyRecord, analysis: Analysis) -> list[str]:
    """What was measured: comparison, diagnosis, models, where it was computed."""
    figures = study_figures(record, analysis)
    return [
        "<h2>Comparison</h2>",
        table_html(study_table(record, analysis, "summary")),
        *(_figure(number, one) for number, one in enumerate(figures)),
        *_gaps(record, analysis),
        *_disagreement(record, analysis),
        "<h2>Models</h2>",
        table_html(_models(record)),
        "<h2>What was computed</h2>",
        f"<p>{escape(record.hardware)}. Study <code>{record.id}</code>, data "
        f"<code>{escape(record.data.digest)}</code>.</p>",
    ]


def _candidates(
    found: Mapping[str, Decision], together: Together | None, asked: Requirement
) -> list[str]:
    import pandas as pd

    if len(found) < 2:
        return []
    frame = pd.DataFrame(
        [
            {
                "model": decision.model,
                "may it ship?": ANSWERS[decision.verdict],
                "may be lost": len(decision.may_lose),
                "proven lost": len(decision.proven_lost),
            }
            for decision in found.values()
        ]
    )
    said = f"<p>{escape(together.sentence)}</p>" if together else ""
    words = escape(f"Each for itself: {asked.words}, {chosen_percent(asked.confidence)} sure.")
    return ["<h2>All candidates</h2>", f"<p>{words}</p>", table_html(frame), said]


def _disagreement(record: StudyRecord, analysis: Analysis) -> list[str]:
    """How often models answer differently, at the largest number of draws."""
    frame = study_table(record, analysis, "zeta")
    if frame.empty:
        return []
    largest = frame[frame["n_p"] == record.spec.n_p[-1]]
    largest.attrs = frame.attrs
    return ["<h2>Disagreement</h2>", table_html(largest)]


def _described(record: StudyRecord, analysis: Analysis, ledger: Ledger) -> str:
    spec, settings = record.spec, analysis.settings
    noise = describe_noise(spec.noise.kind, spec.noise.sigma, spec.data.scale)
    return escape(
        f"{record.data.called}: {len(analysis.labels)} inputs. Noise: {noise.title}, sigma "
        f"{spec.noise.sigma:g} in pixel units of [0, 1] images, seed {spec.noise.seed}; n0 = "
        f"{spec.n0}, n {'up to' if spec.original_stops else '='} {spec.n} draws of the original, "
        f"gamma = {settings.gamma:g}. "
        f"Certificates: {ledger.text} {noise.guarantee} "
        f"Radii are L2. {SENTENCES[settings.convention]} "
        "Wrong and abstaining inputs count as 0 in the average certified radius "
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
        f"Intervals named sure are guaranteed. {levels_words(analysis.settings)}"
    )
    return ["<h2>Fewer draws, and compression</h2>", f"<p>{said}</p>", table_html(frame)]


def _models(record: StudyRecord) -> pd.DataFrame:
    import pandas as pd

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
    """A table as HTML: foreign text escaped, bounds rounded outward, intervals in one cell.

    Columns that hold the low and the high end of what stands before them are shown in its cell,
    as `value [low, high]`.
    """
    import pandas as pd

    names = [str(name) for name in frame]
    numbers = [pd.api.types.is_numeric_dtype(frame[name]) for name in frame]
    lows = [at for at in range(1, len(names) - 1) if _are_ends(*names[at : at + 2])]
    shown = [at for at in range(len(names)) if at not in lows and at - 1 not in lows]

    def row(cells: list[str], tag: str) -> str:
        inside = "".join(
            f"<{tag}{' class=n' if numbers[at] else ''}>{escape(cells[at])}</{tag}>" for at in shown
        )
        return f"<tr>{inside}</tr>"

    def joined(cells: list[str]) -> list[str]:
        for low in lows:
            owner = max(at for at in shown if at < low)
            sure = "sure " if names[low].endswith("sure low") else ""
            if cells[low] != "-":
                cells[owner] += f" {sure}[{cells[low]}, {cells[low + 1]}]"
        return cells

    rows = [row(joined(cells), "td") for cells in shown_rows(frame, _DECIMALS)]
    return f"<table><thead>{row(names, 'th')}</thead><tbody>{''.join(rows)}</tbody></table>"


def _are_ends(low: str, high: str) -> bool:
    """Whether two columns are the ends of an interval."""
    return low.endswith(" low") and high == f"{low.removesuffix('low')}high"


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
