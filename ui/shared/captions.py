"""Sentences that say where numbers come from and how far they may be trusted."""

import math
from collections.abc import Sequence

from irs_core import methods
from irs_core.analysis.ledger import Ledger, study_ledger
from irs_core.methods import asked
from irs_core.run.plan import expected_draws, study_draws
from irs_core.sampling.statements import describe_noise
from irs_core.spec import outward
from irs_core.spec.convention import ONE_SIDED
from irs_core.spec.settings import Settings
from irs_core.spec.study import StudySpec
from irs_core.stats import largest_certifiable_radius, least_n_to_certify
from irs_core.store import BASE, StudyRecord
from irs_core.text import markdown
from ui.shared import theme
from ui.shared.entries import ModelRow


def provenance(
    record: StudyRecord,
    settings: Settings,
    *,
    held_out: bool = False,
    ledger: Ledger | None = None,
) -> str:
    """What was drawn, on what, at which confidence.

    Args:
        ledger: What the confidence covers, with all studies at hand in view.
    """
    ledger = ledger or study_ledger(record.spec, settings)
    spec = record.spec
    held = record.data.reported.count(False)
    inputs = held if held_out else len(record.data.reported) - held
    role = "held-out input" if held_out else "input"
    budgets = theme.count(spec.n_p[-1])
    if len(spec.n_p) > 1:
        budgets = f"{theme.count(spec.n_p[0])} to {budgets}"
    return (
        f"{theme.plural(inputs, role)} of {markdown(record.data.called)} · "
        f"σ = {spec.noise.sigma:g}"
        f"{'' if spec.noise.kind == 'gaussian' else f', {spec.noise.kind} noise'} · "
        f"$n_0$ = {theme.count(spec.n0)}, n {_n_is(spec)} {theme.count(spec.n)}, "
        f"$n_p$ = {budgets} · "
        f"{_radii(settings)}{confidence(spec, settings, ledger)} · γ = {settings.gamma:g} · "
        f"seed {spec.noise.seed} · "
        f"{markdown(record.hardware)} · study {record.id}"
        + "".join(f"\n\n{markdown(condition)}" for condition in ledger.conditions)
    )


def _radii(settings: Settings) -> str:
    return "" if settings.convention == ONE_SIDED else f"**{settings.convention} radii** · "


def noise(spec: StudySpec) -> str:
    """The kind of noise, its units, and what a certified radius means under it."""
    said = describe_noise(spec.noise.kind, spec.noise.sigma, spec.data.scale)
    return f"**Noise: {said.title}.** {said.law} {said.guarantee}"


def confidence(spec: StudySpec, settings: Settings, level: Ledger) -> str:
    """The levels and what they add up to: as claimed, and as proven."""
    claimed = theme.confidence(level.claimed)
    if not spec.compressions:
        return f"α = {settings.alpha:g}: confidence per input {claimed} (1 - α), {_word(level)}"
    levels = (
        f"α = {settings.alpha:g}, $α_ζ$ = {settings.alpha_zeta:g}: confidence per input {claimed} "
        "(1 - α - $α_ζ$)"
    )
    if not level.holds or level.proven == level.claimed:
        return f"{levels}, {_word(level)}"
    weak = [one.title for one in asked(spec) if one.proven(settings) > level.claimed]
    return (
        f"{levels}, proven except for {theme.listing(weak)}, for which "
        f"{theme.confidence(level.proven)} is proven"
    )


def _word(level: Ledger) -> str:
    if level.moved:
        return f"exploring: not proven at {', '.join(level.moved)}"
    if level.reported:
        return "reported by others, not recomputed here"
    if level.discrete:
        return "claimed; the full radius under discrete noise is not proven"
    return "proven"


def choice_among(rows: Sequence[ModelRow], moved: Sequence[str] = ()) -> str:
    """What picking the best of several compressed models costs in confidence; nothing where
    nothing is proven."""
    models = sum(not row.is_base for row in rows)
    failure = union_failure(rows)
    if models < 2 or moved or failure is None:
        return ""
    by = theme.listing(
        sorted({methods.get(row.summary.method).title for row in rows if not row.is_base})
    )
    return (
        f"One of {models} compressed models is quoted. Under {by}, all {models} hold together with "
        f"{theme.confidence(failure)} confidence."
    )


def union_failure(rows: Sequence[ModelRow]) -> float | None:
    """Proven failure probability per input of all compressed models of a study together; None
    where nothing is proven of one of them, or of all together."""
    failures = [row.summary.failure for row in rows if not row.is_base]
    known = [one for one in failures if one is not None]
    total = sum(known)
    return total if len(known) == len(failures) and total < 1 else None


def _n_is(spec: StudySpec) -> str:
    return "up to" if spec.original_stops else "="


def cost(spec: StudySpec, inputs: int) -> str:
    """How many draws a study takes, and of what, in Markdown."""
    models = len(spec.compressions)
    of_each = sum(draws for name, _, draws in expected_draws(spec) if name != BASE)
    each = of_each // max(1, models)
    total = theme.rounded_count(study_draws(spec, inputs))
    own = sum(draws for name, _, draws in expected_draws(spec) if name == BASE)
    about = "about " if spec.original_stops else ""
    parts = f"{about}{theme.count(own)} of the original"
    if models:
        parts += f" and {theme.count(each)} of each of {theme.plural(models, 'compressed model')}"
    return f"**{total} draws**: {theme.plural(inputs, 'input')}, for each {parts}."


def guarantee(spec: StudySpec) -> str:
    """What the certificates of a study will promise, in Markdown."""
    largest = float(largest_certifiable_radius(spec.n, spec.alpha, spec.noise.sigma))
    level = study_ledger(spec)
    proven = _word(level)
    if level.claimed < level.proven < 1:
        proven = f"as published; provably {theme.confidence(level.proven)}"
    function = f"{markdown(level.function)}\n\n" if level.function else ""
    sentence = function + (
        "For each input, the smoothed model's answer stays the same under **every** change of "
        f"the pixels within the certified L2 radius, with a confidence of "
        f"**{theme.confidence(level.claimed)}** per input ({proven}). "
    )
    if math.isclose(largest, 0.0):
        least = least_n_to_certify(spec.alpha)
        return sentence + f"**n = {spec.n} can certify nothing:** at least {least} are needed."
    return sentence + (
        "With these draws no radius of the original can exceed "
        f"**{outward.up(largest, 2)}** (pixel units)."
    )
