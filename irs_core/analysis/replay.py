"""What sequential certification took, or would have taken by stored evidence."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.tally import observed_models, opened, read_original
from irs_core.certify import Certificates, build_cache_from_hits
from irs_core.certify.stopping import Replay, Status, replay_incremental, replay_scratch
from irs_core.errors import MissingEvidenceError, UnknownKeyError
from irs_core.methods.kit.observed import gaps_of
from irs_core.methods.kit.seq_walk import GIVE_UP
from irs_core.methods.seq import METHOD, TYPICAL_DRAWS, counts_of
from irs_core.stats.budget import split_alpha
from irs_core.store import BASE, Study

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class SequentialRun:
    """Where each reported input would have stopped at a radius named in advance.

    Args:
        radius: Pixel units.
        inputs: Reported inputs.
        certified: Inputs certified at the radius; labels do not enter.
        hopeless: Inputs that f's own evidence rules out, which take no draw.
        open: Inputs whose stored draws ended before the answer.
        draws: Mean draws of f^p per input.
    """

    radius: float
    inputs: int
    certified: int
    hopeless: int
    open: int
    draws: float

    @property
    def sentence(self) -> str:
        """What it found and what that took."""
        waiting = f"; {self.open} are not answered yet" if self.open else ""
        return (
            f"{self.certified} of {self.inputs} inputs are certified at {self.radius:g}, with "
            f"{self.draws:.1f} draws per input on average{waiting}"
        )


def live_runs(analysis: Analysis, name: str) -> tuple[SequentialRun, ...]:
    """Where each input stopped in a study of the method `seq`, for each of its radii.

    Empty for other studies, and for the original of one that asks about compressed models.
    """
    if name == BASE:
        base, rows = analysis.tally.base, analysis.rows
        return tuple(
            _stopped(analysis.base, radius, base.draws[rows], base.open[rows])
            for radius in analysis.tally.radii
        )
    if not analysis.has(name, METHOD.name):
        return ()
    made, rows = analysis.certify(name, METHOD.name, len(analysis.tally.budgets) - 1), analysis.rows
    own = counts_of(analysis.case(name))
    return tuple(
        _stopped(made, radius, made.n_samples, own.open[rows]) for radius in own.reaches.tolist()
    )


def _stopped(made: Certificates, radius: float, taken: Ints, left: Ints) -> SequentialRun:
    waiting = left > 0
    return SequentialRun(
        radius=radius,
        inputs=len(taken),
        certified=int(np.count_nonzero(made.radius >= radius)),
        hopeless=int(np.count_nonzero((taken == 0) & ~waiting)),
        open=int(np.count_nonzero(waiting & (made.radius < radius))),
        draws=float(taken.mean()),
    )


def sequential_run(study: Study, name: str, radius: float, *, block: int = 5) -> SequentialRun:
    """Replay the method `seq` on a compressed model's stored draws (docs/methods/seq.md).

    Args:
        name: The compressed model's name.
        radius: L2 radius, pixel units, named in advance.
        block: Draws between two looks.

    Raises:
        UnknownKeyError: The study has no such compressed model.
        MissingEvidenceError: The original's draws are not all stored.
    """
    models = {one.name: one for one in observed_models(study)}
    if name not in models:
        known = ", ".join(models) or "none"
        raise UnknownKeyError(f"a replay is of a compressed model, {known}; got {name!r}")
    one, spec = models[name], study.record.spec
    rows, original = one.original.reported, one.original
    candidate = original.candidate[rows]
    a1, a2 = split_alpha(spec.n, TYPICAL_DRAWS, spec.alpha + spec.alpha_zeta)
    hits = original.estimation[rows] == candidate[:, None]
    cache = build_cache_from_hits(
        candidate, np.count_nonzero(hits, axis=1), n0=spec.n0, n=spec.n, alpha=a1
    )
    width = spec.n_p[-1]
    seen = one.read("estimate", width)[rows]
    if gaps_of(seen).all():
        raise MissingEvidenceError(f"no answer of {name} on the original's draws is stored")
    found = replay_incremental(
        cache,
        seen != candidate[:, None],
        hits[:, :width],
        radius=radius,
        sigma=spec.noise.sigma,
        a1=a1,
        a2=a2,
        known=~gaps_of(seen),
        block=block,
    )
    return _summed(radius, found)


def _summed(radius: float, found: Replay) -> SequentialRun:
    status = found.status
    return SequentialRun(
        radius=radius,
        inputs=len(status),
        certified=int(np.count_nonzero(status == Status.CERTIFIED)),
        hopeless=int(np.count_nonzero(status == Status.NOT_CERTIFIABLE)),
        open=int(np.count_nonzero(status == Status.OUT_OF_DRAWS)),
        draws=float(found.draws.mean()),
    )


def original_run(study: Study, radius: float, *, block: int = 5) -> SequentialRun:
    """Replay `seq` from scratch on the original's own draws: what certifying it would have taken.

    Args and errors are those of `sequential_run`; the level is that of the original. Draws that are
    not stored, as where it stopped by itself, leave their inputs open.
    """
    spec, record = study.record.spec, study.record
    reported = np.asarray(record.data.reported, np.bool_)
    original = read_original(spec, opened(study, record.base), reported)
    seen = original.estimation[reported]
    found = replay_scratch(
        seen != original.candidate[reported, None],
        known=~gaps_of(seen),
        radius=radius,
        sigma=spec.noise.sigma,
        alpha=spec.alpha,
        block=block,
        give_up=GIVE_UP,
    )
    return _summed(radius, found)
