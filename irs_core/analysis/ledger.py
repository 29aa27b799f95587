"""The ledger of statements: with which probability the certificates of a study fail, and what
else rests on the same draws.

A level of confidence is spent once. Looks while a study ran, other studies on the same draws, the
choice among several models and settings moved after looking are each either paid for by the levels
or named here, with what still holds. docs/methods/statements.md has the conditions and proofs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import pi
from pathlib import PurePath

from irs_core.analysis import levels, sharing
from irs_core.spec.convention import ONE_SIDED, Convention
from irs_core.spec.outward import failure
from irs_core.spec.settings import Settings
from irs_core.spec.study import BoundName, ModelSpec, StudySpec
from irs_core.store import Library, Study, StudyRecord
from irs_core.text import NAME, plain


@dataclass(frozen=True)
class Ledger:
    """What is promised of one certificate of a study, per input, and of several together.

    Args:
        claimed: Failure probability as the methods' papers say.
        proven: As is proven for the weakest method that the study draws for; 1 where nothing is.
        models: Compressed models of the study, of which one may be chosen by its results.
        chosen: Failure probability of a certificate of a model that was chosen so: that any of the
            models' certificates of an input fails.
        moved: Settings that are not the study's own, as `name = value`.
        discrete: Whether the noise has no proof of the full radius.
        points: Points of a model's curves: methods that can be shown, each at its budgets.
        best: Failure probability of the best of these points: that any of them fails.
        follows_n_p: What follows n_p, so that n_p had to be chosen before the original's draws
            were seen.
        counts_leavers: Whether a decision may count leavers over n_p draws.
        earlier: Studies that showed results on some of the same draws before, by id.
        repeats: Studies that showed results of the same model, inputs and noise on other draws,
            by id.
        repeated: Failure probability of the best of this study and its repeats.
        reported: Whether somebody else reported the draws, so that nothing of it is proven here.
        piloted: Whether a pilot made forecasts from these draws before the study was begun.
        stops_two_sided: Whether draws stopped once two-sided radii were settled.
        convention: Of the radii.
        function: What the original is, where it is more than one network; see `function_words`.
    """

    claimed: float
    proven: float
    models: int
    chosen: float
    moved: tuple[str, ...] = ()
    discrete: bool = False
    points: int = 1
    best: float = 0.0
    follows_n_p: tuple[str, ...] = ()
    counts_leavers: bool = False
    earlier: tuple[str, ...] = ()
    repeats: tuple[str, ...] = ()
    repeated: float = 0.0
    reported: bool = False
    piloted: bool = False
    stops_two_sided: bool = False
    convention: Convention = ONE_SIDED
    function: str = ""

    @property
    def holds(self) -> bool:
        """Whether anything is proven at the settings in use."""
        return self.proven < 1 and not self.moved and not self.reported

    @property
    def sentence(self) -> str:
        """The failure probability of one certificate in words, without a full stop."""
        said = f"failure probability per input {failure(self.claimed)}"
        if self.moved:
            return (
                f"exploring: not proven at {', '.join(self.moved)}, chosen when the results could "
                "be seen; a level of confidence belongs to the study's own settings"
            )
        if self.reported:
            return f"{said} as reported by others, not recomputed here"
        if self.discrete:
            return f"{said} as claimed for discrete noise, whose full radius is not proven"
        if self.proven == self.claimed:
            return f"{said}, proven{self._radii}"
        return f"{said} as published, {failure(self.proven)} proven in the worst case{self._radii}"

    @property
    def _radii(self) -> str:
        return "" if self.convention == ONE_SIDED else f"; {self.convention} radii"

    @property
    def conditions(self) -> tuple[str, ...]:
        """What else must be known to quote a certificate, a sentence each."""
        found = [self.function] if self.function else []
        if self.models > 1 and self.holds:
            found.append(
                f"Whoever quotes the best of the {self.models} compressed models states "
                f"{failure(self.chosen)}: the failure probability of all of them together."
            )
        if self.points > 1 and self.holds:
            found.append(
                f"Each of the {self.points} points of a model's curves holds by itself. Whoever "
                f"quotes the best of them states {failure(self.best)} for each model."
            )
        found += self.reused
        if self.repeats and self.holds:
            found.append(
                f"{_studies(self.repeats)} certified the same model and inputs on other draws. "
                f"Whoever quotes the best of them states {failure(self.repeated)}."
            )
        found += self._chosen_first
        return tuple(found)

    @property
    def decision_conditions(self) -> tuple[str, ...]:
        """What must be known to quote a decision, a sentence each."""
        function = (self.function,) if self.function else ()
        early = (
            "The draws stopped where two-sided radii were settled. Decisions use one-sided radii, "
            "so some inputs stay open that more draws would settle.",
        ) * self.stops_two_sided
        return (*function, *early, *self.for_decisions._chosen_first, *self.reused)

    @property
    def for_decisions(self) -> "Ledger":
        """The same of decisions, which may also rest on leavers counted over n_p draws."""
        leavers = ("the draws over which leavers are counted",) * self.counts_leavers
        return replace(self, follows_n_p=(*self.follows_n_p, *leavers), counts_leavers=False)

    @property
    def _chosen_first(self) -> tuple[str, ...]:
        if not self.follows_n_p or not self.holds:
            return ()
        return (
            "The level holds if n_p was chosen before the original's draws were seen, since it "
            f"decides {_listed(self.follows_n_p)}.",
        )

    @property
    def reused(self) -> tuple[str, ...]:
        """What showed results or forecasts on the same draws before, a sentence each."""
        found = []
        if self.earlier:
            found.append(
                f"{_studies(self.earlier)} used some of these draws before. The level holds if the "
                "settings and numbers of draws of this study were fixed before those results were "
                "seen; otherwise use a fresh seed."
            )
        if self.piloted and self.holds:
            found.append(
                "A pilot made forecasts from these draws before this study was begun. The level "
                "holds if n and the levels were fixed before the forecasts were seen."
            )
        return tuple(found)

    @property
    def text(self) -> str:
        """The sentence and its conditions, as a paragraph."""
        first = self.sentence
        return " ".join([f"{first[0].upper()}{first[1:]}.", *self.conditions])


def study_ledger(
    spec: StudySpec,
    settings: Settings | None = None,
    records: Iterable[StudyRecord] = (),
    *,
    pilots: Iterable[StudyRecord] = (),
    reported: bool = False,
) -> Ledger:
    """What the certificates of a study promise.

    The original alone fails with probability alpha. Compressed classifiers share
    alpha + alpha_zeta under every method; for IRS as published alpha + 2 alpha_zeta is proven (see
    `certify_irs`). Under `discrete` noise the radius itself is only claimed; see `describe_noise`.

    Args:
        settings: In use; None for the study's own.
        records: The studies at hand, this one among them or not.
        pilots: What pilots in the store left behind; see `Library.pilots`.
        reported: Whether somebody else reported the study; see `Study.origin`.
    """
    settings, listed = settings or Settings.of(spec), list(records)
    others = [one for one in listed if sharing.seen(one) and one.id != spec.id]
    own = next((one for one in listed if one.id == spec.id), None)
    repeats = [one for one in others if sharing.repeats(one.spec, spec)]
    chosen, (points, best) = levels.chosen(spec, settings), levels.curves(spec, settings)
    return Ledger(
        claimed=settings.alpha + (settings.alpha_zeta if spec.compressions else 0.0),
        proven=levels.proven(spec, settings),
        models=len(spec.compressions),
        chosen=min(1.0, chosen),
        moved=_moved(spec, settings),
        discrete=spec.noise.kind == "discrete",
        points=points,
        best=min(1.0, best),
        follows_n_p=levels.follows_n_p(spec),
        counts_leavers=levels.counts_leavers(spec),
        earlier=tuple(
            one.id for one in others if sharing.shares(one, spec) and sharing.before(one, own)
        ),
        repeats=tuple(one.id for one in repeats),
        repeated=min(
            1.0, chosen + sum(levels.chosen(one.spec, Settings.of(one.spec)) for one in repeats)
        ),
        reported=reported,
        piloted=sharing.piloted(pilots, spec, listed),
        stops_two_sided=levels.stops_two_sided(spec),
        convention=settings.convention,
        function=function_words(spec.model),
    )


def function_words(model: ModelSpec) -> str:
    """Which function is certified, where a denoiser stands before the classifier; else nothing.

    Smoothing certifies the composition: radii, accuracy and latency are those of both parts, and
    nothing is said about the classifier without the denoiser or behind another one.
    """
    if model.denoiser is None:
        return ""
    first, then = (plain(PurePath(one).name, NAME) for one in (model.denoiser, model.weights))
    return (
        f"The original is two networks as one function: the denoiser {first}, then the classifier "
        f"{then}. Certificates, accuracy and latency are those of both together; they do not hold "
        "for the classifier alone."
    )


def ledger_in(library: Library, study: Study, settings: Settings | None = None) -> Ledger:
    """What a study's certificates promise, with all studies and pilots of a library in view."""
    return study_ledger(
        study.record.spec,
        settings,
        library.seen_records(),
        pilots=library.pilots(),
        reported=bool(study.banner),
    )


def at_draws(ledger: Ledger, spec: StudySpec, draws: int) -> Ledger:
    """The ledger of a comparison at a number of draws, which the study has among its n_p or not."""
    if draws in spec.n_p:
        return ledger
    return replace(ledger, moved=(*ledger.moved, f"{draws:,} draws of each model"))


def with_fixed_split(spec: StudySpec, bound: BoundName = "joint") -> StudySpec:
    """A new study: its bound, with a split of alpha or levels that no n_p moves.

    The threshold and the split, or the levels, of CIRS must not follow an n_p that was chosen after
    looking at the original's draws, which is how studies are mostly made: certified once,
    recertified later. The draws of a study for IRS serve CIRS as well, so it gets them too.
    """
    if spec.split_draws is not None or not spec.compressions:
        return spec
    return replace(spec, split_draws=fixed_split(spec.n), bound=bound)


def fixed_split(n: int) -> int:
    """Draws per input that the split is made for, as a function of n alone."""
    return max(1, int(_SPLIT_SHARE * n))


def used_before(spec: StudySpec, records: Iterable[StudyRecord]) -> tuple[StudyRecord, ...]:
    """Studies that showed results on draws which a study would use again, the first ones first.

    Among them are those that stopped, if their results could be seen while they ran.
    """
    found = [
        one
        for one in records
        if sharing.seen(one) and one.id != spec.id and sharing.shares(one, spec)
    ]
    return tuple(sorted(found, key=lambda one: one.created))


def fresh_seed(spec: StudySpec, records: Iterable[StudyRecord]) -> int:
    """The least seed under which no study at hand drew noise for this model and these inputs."""
    taken = {one.spec.noise.seed for one in records if sharing.same_subject(one.spec, spec)}
    return next(seed for seed in range(len(taken) + 1) if seed not in taken)


def spending(spec: StudySpec, records: Iterable[StudyRecord]) -> StudySpec:
    """The study on fresh draws at its part of a failure probability that all repeats share.

    The k-th study of a model and inputs gets 6 / (pi^2 k^2) of alpha and of alpha_zeta; they add up
    to alpha and alpha_zeta however many follow. It is valid because the draws are fresh: given all
    earlier results, each study fails with at most its own level. Studies that were not made so add
    their own levels; `Ledger.repeated` has the sum.
    """
    listed = list(records)
    k = 1 + sum(sharing.seen(one) and sharing.same_subject(one.spec, spec) for one in listed)
    share = 6 / (pi * k) ** 2
    noise = replace(spec.noise, seed=fresh_seed(spec, listed))
    return replace(spec, noise=noise, alpha=spec.alpha * share, alpha_zeta=spec.alpha_zeta * share)


# As goals have it: a small part of n serves every n_p well (benchmarks/RESULTS.md).
_SPLIT_SHARE = 0.03


def _studies(ids: Sequence[str]) -> str:
    if len(ids) == 1:
        return f"Study {ids[0][:6]}"
    return f"{len(ids)} studies ({', '.join(one[:6] for one in ids[:3])}{', ...' * (len(ids) > 3)})"


def _moved(spec: StudySpec, settings: Settings) -> tuple[str, ...]:
    own = Settings.of(spec)
    names = ["alpha"]
    if spec.compressions:
        names += ["alpha_zeta"]
        if any(method.branches is not None for method in levels.shown(spec)):
            names += ["gamma"]
    moved = [
        f"{name} = {getattr(settings, name):g}"
        for name in names
        if getattr(settings, name) != getattr(own, name)
    ]
    # Whoever quotes the larger of two radii has spent more than the level.
    if settings.convention != own.convention:
        moved.append(f"{settings.convention} radii")
    return tuple(moved)


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
