"""A decision on one page that prints: no script, no network, A4 or Letter."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict, Unpack

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.colours import VERDICTS, model_colours
from irs_core.analysis.equal_draws import equal_draws, gaps_of_draws
from irs_core.analysis.ledger import Ledger
from irs_core.analysis.measured import study_measured
from irs_core.analysis.together import Together
from irs_core.decide import Decision, Flag
from irs_core.decide.words import ANSWERS, covered_words, gap_words, required_words
from irs_core.report.document import document
from irs_core.report.scatter import scatter
from irs_core.sampling.statements import describe_noise
from irs_core.spec.cost import ALONE
from irs_core.store import StudyRecord
from irs_core.text import html as escape

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
# Fits both sizes of paper: as narrow as A4, as short as Letter, less the margins.
SHEET_STYLE = """
@page{margin:12mm}
*{box-sizing:border-box}
.sheet{font-family:system-ui,sans-serif;line-height:1.35;color:#222;max-width:186mm;margin:0 auto}
@media screen{.sheet{padding:12mm 0}}
.sheet h1{font-size:17pt;margin:0}.sheet h2{font-size:10.5pt;margin:2.5mm 0 .5mm}
.sheet p{margin:.6mm 0}.sheet header p{color:#555}
.verdict{border-left:2.5mm solid;padding:1.5mm 4mm;margin:3mm 0;
  print-color-adjust:exact;-webkit-print-color-adjust:exact}
.verdict b{font-size:15pt}
.sheet figure{margin:1mm auto;text-align:center}
.sheet svg{display:block;margin:0 auto;width:auto}
figcaption{font-size:8.5pt;color:#555}
.sheet footer{margin-top:2.5mm;border-top:.3mm solid #bbb;padding-top:1mm;font-size:7pt;color:#444}
.sheet footer p{margin:0}code{overflow-wrap:anywhere}
""".strip()
# In millimetres, measured with a wide font: what all but texts and picture takes of 255, the space
# below a paragraph; then the smallest and the largest picture.
_FIXED, _AFTER, _LEAST, _MOST = 78, 1.3, 40, 92
# Font sizes in points, the first one that leaves room; lines and letters follow from it.
_SIZES = (9.5, 8.5, 7.5)


def fitted(texts: Sequence[str]) -> tuple[float, float]:
    """Font size in points and height of the picture in millimetres with which a page is enough.

    Texts beyond about 5,000 letters go on to a second page: nothing is cut.
    """
    room = 0.0
    for size in _SIZES:
        letters, line = 95 * 9.5 / size, 4.6 * size / 9.5
        lines = sum(1 + int(len(one) / letters) for one in texts)
        room = 255 - _FIXED - line * lines - _AFTER * max(0, len(texts) - 7)
        if room >= _LEAST:
            return size, min(_MOST, room)
    return _SIZES[-1], max(_LEAST, room)


class Said(TypedDict):
    """What a sheet says beside the decision itself; see `sheet`."""

    ledger: Ledger
    made: str
    flags: NotRequired[Sequence[Flag]]
    together: NotRequired[Together | None]
    banner: NotRequired[str]


def one_page(
    record: StudyRecord, analysis: Analysis, name: str, decision: Decision, **said: Unpack[Said]
) -> str:
    """The decision about one compressed model as a whole HTML document; see `sheet`."""
    body = sheet(record, analysis, name, decision, **said)
    style = f"body{{margin:0}}{SHEET_STYLE}"
    return document(_title(decision), [body], style=style, policy=_POLICY)


def sheet(
    record: StudyRecord,
    analysis: Analysis,
    name: str,
    decision: Decision,
    *,
    ledger: Ledger,
    flags: Sequence[Flag] = (),
    together: Together | None = None,
    banner: str = "",
    made: str,
    last: str = "",
) -> str:
    """The decision about one compressed model as the HTML of one sheet, for `SHEET_STYLE`.

    Args:
        name: The compressed model's name; `decision` is about it.
        ledger: What the confidence of the certificates covers.
        flags: What makes the study's numbers dubious.
        together: What may be said of all candidates of the study.
        banner: What has to be said of a study that others reported; see `Study.banner`.
        made: When the page was made, a date.
        last: One more line of HTML at its end.
    """
    # As the decision itself.
    analysis = analysis.one_sided
    sections = {
        "Required": [f"{_capital(required_words(decision.requirement))}."],
        "What this rests on": _rests(record, analysis, name, decision, ledger, together),
        "What is not known": _unknown(record, analysis, decision, flags, banner, ledger),
    }
    texts = [decision.sentence, *(one for part in sections.values() for one in part)]
    size, height = fitted([*texts, last] if last else texts)
    required, rests, unknown = (
        f"<h2>{head}</h2>{''.join(f'<p>{escape(one)}</p>' for one in part)}"
        for head, part in sections.items()
    )
    return "\n".join(
        [
            f'<section class="sheet" style="font-size:{size}pt">',
            f"<header><h1>{escape(_title(decision))}</h1><p>{escape(record.title)}, study "
            f"{record.id}, {escape(made)}</p></header>",
            _verdict(record, analysis, name, decision),
            required,
            _picture(record, analysis, name, decision, height),
            rests,
            unknown,
            last,
            _digests(record, name),
            "</section>",
        ]
    )


def _title(decision: Decision) -> str:
    return f"May {decision.model} replace the original?"


def _verdict(record: StudyRecord, analysis: Analysis, name: str, decision: Decision) -> str:
    colour, gains = VERDICTS[decision.verdict], _gains(record, analysis, name)
    return (
        f'<div class="verdict" style="border-color:{colour};background:{colour}18">'
        f'<b style="color:{colour}">{ANSWERS[decision.verdict]}.</b> {escape(decision.sentence)}'
        f"{f' <strong>{gains}.</strong>' if gains else ''}</div>"
    )


def _gains(record: StudyRecord, analysis: Analysis, name: str) -> str:
    """Size and time against the original's, as measured."""
    measured, parts = study_measured(record, analysis, name), []
    cost = record.base.cost if measured.timed.startswith(ALONE) else None
    original = record.base.size_bytes if cost is None else cost.size.packed_bytes
    if measured.bytes and original:
        share = 100 * measured.bytes / original
        parts.append(f"{share:.0f}% of the size ({escape(measured.sized)})")
    if measured.relative_latency is not None:
        share = 100 * measured.relative_latency[1]
        parts.append(f"{share:.0f}% of the original's time ({escape(measured.timed)})")
    return " · ".join(parts)


def _picture(
    record: StudyRecord,
    analysis: Analysis,
    name: str,
    decision: Decision,
    height: float,
) -> str:
    found = equal_draws(analysis, name)
    if found is None:
        return ""
    colour = model_colours(model.name for model in record.models)[name]
    svg = scatter(found, decision, colour).replace("<svg ", f'<svg style="height:{height:.0f}mm" ')
    return (
        f"<figure>{svg}<figcaption>One dot per input: what is proven for the original and for "
        f"{escape(decision.model)}, both with {found.n_p:,} draws. Grey: within the tolerance. "
        "Crosses: may be lost.</figcaption></figure>"
    )


def _rests(
    record: StudyRecord,
    analysis: Analysis,
    name: str,
    decision: Decision,
    ledger: Ledger,
    together: Together | None,
) -> list[str]:
    spec, inputs = record.spec, int(analysis.rows.sum())
    noise = describe_noise(spec.noise.kind, spec.noise.sigma, spec.data.scale)
    drawn = (
        f"{inputs:,} inputs of {record.data.called}. Noise: {noise.title}, "
        f"σ = {spec.noise.sigma:g}, seed {spec.noise.seed}. Draws per input: {spec.n0:,} and "
        f"{spec.n:,} of the original, {spec.n_p[-1]:,} of the compressed model. Drawn "
        f"{record.created[:10]} on {record.hardware}."
    )
    found = equal_draws(analysis, name)
    covered, _ = covered_words(decision.requirement, inputs, spec.noise.sigma)
    parts = [drawn, f"Covered: {covered}", f"Certificates: {ledger.for_decisions.text}"]
    if found is not None:
        parts.append(gap_words(gaps_of_draws(analysis, found)[0], found.n, found.n_p))
    return parts + ([together.sentence] if together else [])


def _unknown(
    record: StudyRecord,
    analysis: Analysis,
    decision: Decision,
    flags: Sequence[Flag],
    banner: str,
    ledger: Ledger,
) -> list[str]:
    inputs, sigma = int(analysis.rows.sum()), record.spec.noise.sigma
    _, left_out = covered_words(decision.requirement, inputs, sigma)
    said = [banner] if banner else []
    if ledger.moved:
        said.append(f"{_capital(ledger.sentence)}.")
    said += [f"Not covered: {left_out}"]
    return said + [f"Warning: {flag.sentence}" for flag in flags]


def _digests(record: StudyRecord, name: str) -> str:
    model = next(one for one in record.models if one.name == name)
    rows = (
        ("original", record.base.digest),
        (model.title, model.digest),
        ("inputs", record.data.digest),
    )
    lines = "".join(f"<p>{escape(what)} <code>{escape(of)}</code></p>" for what, of in rows)
    return f"<footer><p>SHA-256; study <code>{record.id}</code></p>{lines}</footer>"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
