"""Sentences that say where numbers come from and how far they may be trusted."""

import math
from collections.abc import Sequence

from irs_core.sampling.statements import describe_noise
from irs_core.specs import StudySpec
from irs_core.stats import largest_certifiable_radius, least_n_to_certify
from irs_core.store import BASE, StudyRecord
from irs_core.study.plan import stream_draws, study_draws
from irs_core.study.results import Settings
from ui import theme
from ui.views import ModelRow


def provenance(record: StudyRecord, settings: Settings, *, held_out: bool = False) -> str:
    """What was drawn, on what, at which confidence."""
    spec = record.spec
    held = record.data.reported.count(False)
    inputs = held if held_out else len(record.data.reported) - held
    role = "held-out input" if held_out else "input"
    budgets = theme.count(spec.n_p[-1])
    if len(spec.n_p) > 1:
        budgets = f"{theme.count(spec.n_p[0])} to {budgets}"
    return (
        f"{theme.plural(inputs, role)} of {record.data.description} · σ = {spec.noise.sigma:g} · "
        f"$n_0$ = {theme.count(spec.n0)}, n = {theme.count(spec.n)}, $n_p$ = {budgets} · "
        f"{confidence(settings)} · γ = {settings.gamma:g} · seed {spec.noise.seed} · "
        f"{record.hardware} · study {record.id}"
    )


def noise(spec: StudySpec) -> str:
    """The kind of noise, its units, and what a certified radius means under it."""
    said = describe_noise(spec.noise.kind, spec.noise.sigma, spec.data.scale)
    return f"**Noise: {said.title}.** {said.law} {said.guarantee}"


def confidence(settings: Settings) -> str:
    """The levels and what they add up to: as claimed, and as proven."""
    level = settings.alpha + settings.alpha_zeta
    worst = level + settings.alpha_zeta
    return (
        f"α = {settings.alpha:g}, $α_ζ$ = {settings.alpha_zeta:g}: confidence per input "
        f"{theme.confidence(level)} (1 - α - $α_ζ$), proven for CIRS, ISS and RS, claimed for IRS, "
        f"for which {theme.confidence(worst)} is proven (1 - α - 2$α_ζ$)"
    )


def choice_among(rows: Sequence[ModelRow]) -> str:
    """What picking the best of several compressed models costs in confidence."""
    models = sum(not row.is_base for row in rows)
    if models < 2:
        return ""
    return (
        f"One of {models} compressed models is quoted, so its confidence is that of all {models} "
        f"at once: 100% less their failure probabilities, {theme.confidence(union_failure(rows))}."
    )


def union_failure(rows: Sequence[ModelRow]) -> float:
    """Proven failure probability per input of all compressed models of a study together."""
    return min(1.0, sum(row.summary.failure for row in rows if not row.is_base))


def cost(spec: StudySpec, inputs: int) -> str:
    """How many draws a study takes, and of what, in Markdown."""
    models = len(spec.compressions)
    of_each = sum(draws for name, _, draws in stream_draws(spec) if name != BASE)
    each = of_each // max(1, models)
    total = theme.rounded_count(study_draws(spec, inputs))
    parts = f"{theme.count(spec.n0 + spec.n)} of the original"
    if models:
        parts += f" and {theme.count(each)} of each of {theme.plural(models, 'compressed model')}"
    return f"**{total} draws**: {theme.plural(inputs, 'input')}, for each {parts}."


def guarantee(spec: StudySpec) -> str:
    """What the certificates of a study will promise, in Markdown."""
    settings = Settings.of(spec)
    largest = float(largest_certifiable_radius(spec.n, spec.alpha, spec.noise.sigma))
    claimed = theme.confidence(settings.alpha + settings.alpha_zeta)
    proven = theme.confidence(settings.alpha + 2 * settings.alpha_zeta)
    sentence = (
        "For each input, the smoothed model's answer stays the same under **every** change of "
        f"the pixels within the certified L2 radius, with a confidence of **{claimed}** per input "
        + (f"(as published; provably {proven}). " if "irs" in spec.methods else "(proven). ")
    )
    if math.isclose(largest, 0.0):
        least = least_n_to_certify(spec.alpha)
        return sentence + f"**n = {spec.n} can certify nothing:** at least {least} are needed."
    return sentence + (
        f"With these draws no radius of the original can exceed **{largest:.2f}** (pixel units)."
    )
