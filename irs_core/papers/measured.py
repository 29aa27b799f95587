"""The counterpart of each published number, measured from studies of this program."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan

from irs_core import methods
from irs_core.analysis.accuracy import clean_accuracy, vote_accuracy
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.results import Interval, share_interval
from irs_core.analysis.tally import tally_study
from irs_core.methods.irs import METHOD as IRS
from irs_core.papers.accounting import account
from irs_core.papers.intrs import CertifiedShare, compare_methods
from irs_core.papers.published import PaperTable, Published, Quantity, published_values
from irs_core.papers.reproduction import PARTS, Part, find_pair, find_part
from irs_core.spec.outward import Direction, significant
from irs_core.spec.settings import Settings
from irs_core.stats import binomial_lower_bound, certified_radius
from irs_core.store import BASE, Study

_COMPRESSIONS = {
    "original": BASE,
    "prune5": "prune:0.05",
    "prune10": "prune:0.1",
    "prune20": "prune:0.2",
}
_DYNAMIC = "int8-dynamic"
_ZETA_DRAWS = 1000
_ALPHA = 0.001
_TRAINED = "The network was trained anew, and on JPEG copies of the images; its card says how."
_REASONS: Mapping[Quantity, str] = {
    "clean": _TRAINED,
    "smoothed": _TRAINED,
    "gamma-acr": f"{_TRAINED} The paper does not say which sigma and images this ACR is of.",
    "above-gamma": f"How confident a network is under noise depends on its training. {_TRAINED}",
    "zeta": "How often a compression changes the answer depends on the network, trained anew here.",
    "speedup": "Measured in seconds, on another machine and partly beside other work; the area "
    "depends on ζ and on how confident the network is, both its own here. Draws leave the clock "
    "out, and show what the accounting changes.",
    "certified": f"{_TRAINED} Each method has 1,000 draws per image here, fewer than the paper's.",
}
_SIDES: Mapping[Quantity, Direction] = {
    **dict.fromkeys(("clean", "smoothed", "above-gamma", "certified"), "counted"),
    "gamma-acr": "down",
    "zeta": "up",
    "speedup": "nearest",
}
_INT8 = (
    "The published int8 was dynamic quantisation, which leaves convolutions in fp32; here every "
    "layer computes in int8 and disagrees more often."
)


@dataclass(frozen=True)
class Row:
    """A published number and its counterpart.

    Args:
        measured: With its 95% bootstrap interval over images; None where nothing was measured.
        study: Id of the study that it comes from; empty without one.
        images: Number of images it is measured on.
        note: Why there is no counterpart, or why the two differ by more than the interval.
        rate: Draws per second of the classifier, for a comparison of methods; else NaN.
        model: The study's classifier that it is measured on; empty where nothing is measured.
        accountings: A speedup in draws by the names of `accounting.ACCOUNTINGS`; else empty.
        side: What the number bounds, which decides how it is rounded.
    """

    published: Published
    measured: Interval | None
    study: str
    images: int
    note: str
    rate: float = float("nan")
    side: Direction = "nearest"
    model: str = ""
    accountings: Mapping[str, Interval] = field(default_factory=dict, hash=False)

    @property
    def texts(self) -> tuple[str, str, str]:
        """The measured number and the ends of its interval, four significant digits each, rounded
        so that they hold; dashes where nothing was measured."""
        found = self.measured
        if found is None or isnan(found.value):
            return "-", "-", "-"
        return (
            significant(found.value, 4, self.side),
            significant(found.low, 4, "down"),
            significant(found.high, 4, "up"),
        )

    @property
    def agrees(self) -> bool:
        """Whether the published number, give or take its last digit, lies in the interval."""
        value, digit = self.published.value, self.published.digit
        return (
            self.measured is not None
            and not isnan(self.measured.low)
            and self.measured.low - digit <= value <= self.measured.high + digit
        )


@dataclass(frozen=True)
class _Opened:
    study: Study
    analysis: Analysis
    held_out: Analysis


def measure_table(
    table: PaperTable,
    studies: Sequence[Study],
    *,
    analyse: Callable[[Study], Analysis] | None = None,
) -> list[Row]:
    """Each number of a table with its counterpart from the studies at hand.

    Args:
        analyse: Gives the analysis of a study's reported inputs; the default counts its evidence.

    Raises:
        StoreError: The evidence of a study cannot be read.
    """
    opened: dict[str, _Opened] = {}
    rows = (
        _certified_rows(table, studies)
        if table.quantity == "certified"
        else [
            _row(table, one, studies, opened, analyse or _analyse) for one in published_rows(table)
        ]
    )
    return [replace(row, side=_SIDES[table.quantity]) for row in rows]


def published_rows(table: PaperTable) -> list[Published]:
    """The numbers of a table; those without a sigma stand once for each sigma measured."""
    values = published_values(table)
    if table.quantity != "gamma-acr":
        return values
    sigmas = sorted({part.sigma for part in PARTS if table.key in part.tables})
    return [
        Published(one.value, one.digit, {**one.row, "sigma": f"{sigma:g}"})
        for sigma in sigmas
        for one in values
    ]


def _row(
    table: PaperTable,
    published: Published,
    studies: Sequence[Study],
    opened: dict[str, _Opened],
    analyse: Callable[[Study], Analysis],
) -> Row:
    part = _part(table, published.row)
    if part is None:
        return Row(published, None, "", 0, _no_part(published.row))
    study = find_part(studies, part)
    if study is None:
        return Row(published, None, "", 0, f"The study {part.key} is not in the store.")
    if study.record.id not in opened:
        analysis = analyse(study)
        held_out = Analysis(analysis.tally, analysis.settings, held_out=True)
        opened[study.record.id] = _Opened(study, analysis, held_out)
    name = _classifier(published.row, study)
    if name not in [model.name for model in study.record.models]:
        return Row(published, None, study.record.id, 0, "This compression is not in the study.")
    measured = _measure(table.quantity, opened[study.record.id], published.row, name)
    images = study.record.data.reported.count(table.quantity != "gamma-acr")
    row = Row(published, measured, study.record.id, images, "", model=name)
    if table.quantity == "speedup":
        row = replace(row, accountings=account(opened[study.record.id].analysis, study, name))
    return row if row.agrees else replace(row, note=_reason(table, name))


def _part(table: PaperTable, row: Mapping[str, str]) -> Part | None:
    for part in PARTS:
        if (
            table.key in part.tables
            and row["dataset"] == "cifar10"
            and row["architecture"] == part.architecture
            and float(row["sigma"]) == part.sigma
            and int(row.get("n", 10_000)) == part.n
        ):
            return part
    return None


def _no_part(row: Mapping[str, str]) -> str:
    if row["dataset"] == "imagenet":
        return "Needs ImageNet and a ResNet-50 trained under noise; neither comes along."
    if "n" in row and int(row["n"]) > 10_000:
        return "Not computed: the draws of f alone take hours to days on one processor core."
    return f"No {row['architecture']} at sigma {row['sigma']} was trained for this."


def _certified_rows(table: PaperTable, studies: Sequence[Study]) -> list[Row]:
    """The rows of an IntRS table; a number needs a float and an integer study of equal images."""
    radii = sorted({float(one.row["radius"]) for one in published_values(table)})
    found: dict[tuple[float, float], dict[tuple[str, float], CertifiedShare]] = {}
    rows = []
    for published in published_values(table):
        row = published.row
        noise = float(row["train_sigma"]), float(row["sigma"])
        if noise not in found:
            found[noise] = _certified_shares(_pair(table, *noise), studies, radii)
        share = found[noise].get((row["method"], float(row["radius"])))
        if share is None:
            rows.append(Row(published, None, "", 0, _not_certified(table, *noise)))
            continue
        one = Row(published, share.measured, share.study, share.images, "", share.rate)
        rows.append(one if one.agrees else replace(one, note=_certified_reason(share, noise[1])))
    return rows


def _certified_shares(
    parts: tuple[Part, Part], studies: Sequence[Study], radii: Sequence[float]
) -> dict[tuple[str, float], CertifiedShare]:
    pair = find_pair(studies, *parts)
    if not pair:
        return {}
    shares = compare_methods(*pair, alpha=_ALPHA, radii=radii)
    return {(share.method, share.radius): share for share in shares}


def _pair(table: PaperTable, trained: float, sigma: float) -> tuple[Part, Part]:
    """The float and the integer study of a row."""
    parts = [
        part
        for part in PARTS
        if table.key in part.tables and (part.training_sigma, part.sigma) == (trained, sigma)
    ]
    floating, integer = sorted(parts, key=lambda part: part.integer)
    return floating, integer


def _not_certified(table: PaperTable, trained: float, sigma: float) -> str:
    keys = " and ".join(part.key for part in _pair(table, trained, sigma))
    return f"Needs {keys}, of the same images; not both are in the store."


def _certified_reason(share: CertifiedShare, sigma: float) -> str:
    """Draws first: they set the largest radius that any image can have."""
    reach = float(certified_radius(binomial_lower_bound(share.n, share.n, _ALPHA), 1.0))
    if share.radius > reach * sigma:
        return (
            f"Too few draws: {share.n:,} per image certify no radius above {reach:.2f} σ, and the "
            "paper has larger ones."
        )
    if share.method == "FloatRS-quant":
        return "The paper does not say what its FloatRS-quant computes; here it is static int8."
    return _REASONS["certified"]


def _reason(table: PaperTable, name: str) -> str:
    if name == "int8" and table.quantity in ("zeta", "speedup"):
        return _INT8
    return _REASONS[table.quantity]


def _analyse(study: Study) -> Analysis:
    return Analysis(tally_study(study), Settings.of(study.record.spec).one_sided)


def _measure(quantity: Quantity, opened: _Opened, row: Mapping[str, str], name: str) -> Interval:
    analysis, record = opened.analysis, opened.study.record
    if quantity == "zeta":
        budgets = analysis.tally.budgets.tolist()
        return analysis.zeta(name, budgets.index(_ZETA_DRAWS)).mean_zeta
    if quantity == "speedup":
        analysis.certify(name, methods.baseline().name, len(analysis.tally.budgets) - 1)
        return analysis.compare(name).speedup(IRS.name, "seconds")
    if quantity == "gamma-acr":
        # As in the paper: chosen on other images than the reported ones, for int8.
        last = len(analysis.tally.budgets) - 1
        return opened.held_out.gamma_sweep("int8", [float(row["gamma"])], last)[0]
    if quantity == "above-gamma":
        return share_interval(analysis.cache.p_lower > float(row["gamma"]))
    accuracy = clean_accuracy(record, name) if quantity == "clean" else None
    return _percent(accuracy or vote_accuracy(opened.study, name))


def _classifier(row: Mapping[str, str], study: Study) -> str:
    """The classifier that a number is about; the paper chose gamma for int8.

    The paper's int8 is PyTorch's dynamic quantisation, which int8-dynamic is here; int8, of every
    layer, stands in where a study has no other.
    """
    name = row.get("approximation", "int8" if "gamma" in row else "original")
    if name == "int8" and _DYNAMIC in [model.name for model in study.record.models]:
        return _DYNAMIC
    return _COMPRESSIONS.get(name, name)


def _percent(share: Interval) -> Interval:
    return Interval(100 * share.value, 100 * share.low, 100 * share.high)
