"""Per-input results in the field's text format (Cohen et al. 2019): six columns, tab separated.

Results that others reported have a seventh one, `origin`, which says so on every line: scripts of
the field read columns by name, so that it breaks none, and it stays with the rows. Two-sided radii
are named in a column `convention` before that.
"""

from irs_core.analysis.analysis import Analysis
from irs_core.certify import Certificates
from irs_core.errors import UnknownKeyError
from irs_core.spec.convention import COLUMN, ONE_SIDED
from irs_core.store import BASE, StudyRecord

HEADER = "idx\tlabel\tpredict\tradius\tcorrect\ttime"
ORIGIN = "origin"


def certificates_tsv(
    record: StudyRecord,
    analysis: Analysis,
    model: str,
    method: str | None = None,
    *,
    banner: str = "",
) -> str:
    """One model's certificates at its largest budget, one line per reported input.

    Columns: position in the full set, true class, predicted class (-1 for ABSTAIN), radius (all
    digits: the field's three, rounded to nearest, can be more than what is certified), 1 where
    right, seconds.

    Args:
        model: As in `StudyRecord.meant`.
        method: None for the one that stands for the model, `Analysis.main_method`.
        banner: What has to be said of a study that others reported; see `Study.banner`.

    Raises:
        UnknownKeyError: The study has no such model, or does not show the method.
    """
    model = record.meant(model)
    if model == BASE:
        certificates, seconds = analysis.base, analysis.tally.base.seconds[analysis.rows]
    elif model in analysis.tally.compressed:
        budget = len(analysis.tally.budgets) - 1
        if method is not None:
            analysis.check_shown(method)
        method = method or analysis.main_method(model)
        certificates = analysis.certify(model, method, budget)
        seconds = analysis.seconds_per_input(model, method, budget)
    else:
        known = ", ".join([BASE, *analysis.tally.compressed])
        raise UnknownKeyError(f"the study has no model {model!r}; it has {known}")
    indices = [
        index for index, keep in zip(record.data.indices, analysis.rows, strict=True) if keep
    ]
    lines = _lines(indices, analysis, certificates, seconds)
    named = {}
    if certificates.convention != ONE_SIDED:
        named[COLUMN] = str(certificates.convention)
    if banner:
        named[ORIGIN] = banner
    head = "\t".join([HEADER, *named])
    return "\n".join([head, *("\t".join([line, *named.values()]) for line in lines)]) + "\n"


def _lines(
    indices: list[int], analysis: Analysis, certificates: Certificates, seconds: object
) -> list[str]:
    rows = zip(
        indices, analysis.labels, certificates.predicted, certificates.radius, seconds, strict=True
    )  # type: ignore[call-overload]
    return [
        f"{index}\t{label}\t{predicted}\t{float(radius)!r}\t{int(predicted == label)}\t{spent:.3}"
        for index, label, predicted, radius, spent in rows
    ]
