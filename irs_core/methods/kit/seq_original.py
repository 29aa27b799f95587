"""How `seq` certifies the original alone, from scratch (docs/methods/seq.md).

Selection draws come first and name the class. Then each input takes estimation draws, from the
first of its stream, until every radius is answered: proven, given up, or out of reach of n draws.
The rules are those of `seq_walk`, with each draw in the place of a hit and any other class in the
place of a leaver. Nothing but the stored draws decides what comes next.
"""

import numpy as np
from numpy.typing import NDArray

from irs_core.methods.kit.observed import Original, gaps_of
from irs_core.methods.kit.seq_walk import Aim, Hits, Walk, joined, next_round, row_blocks, walk
from irs_core.spec.study import StudySpec
from irs_core.stats.sequential import limit_q0

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

# Mean estimation draws before anything is known; measured ones are 500 to 1,200
# (benchmarks/RESULTS.md).
EXPECTED_ALONE = 1000


def walk_original(spec: StudySpec, original: Original) -> Walk:
    """Where each input of the original stands, (inputs,); those held out take no draw.

    Args:
        spec: Of a study with `original_stops`; at most its n draws are looked at.
        original: Its estimation draws as far as they are stored.
    """
    seen = original.estimation[:, : spec.n]
    return joined([_walk_rows(spec, original, rows) for rows in row_blocks(seen)])


def original_round(spec: StudySpec, original: Original) -> Ints:
    """First estimation draws that each input goes on to in this round, (inputs,)."""
    return next_round(walk_original(spec, original))


def _walk_rows(spec: StudySpec, original: Original, rows: slice) -> Walk:
    seen = original.estimation[rows, : spec.n]
    failed = seen != original.candidate[rows, None]
    draws = _every_draw(failed, gaps_of(seen))
    inputs, nobody = len(seen), np.zeros(len(seen), np.bool_)
    asked = [
        (nobody, [Aim(np.full(inputs, limit_q0(1.0, radius, spec.noise.sigma)), spec.alpha, False)])
        for radius in spec.radii
    ]
    return walk(draws, asked, original.reported[rows])


def _every_draw(failed: Bools, gaps: Bools) -> Hits:
    """Each draw counts, whatever the class."""
    inputs, width = failed.shape
    known = np.where(gaps.any(axis=1), gaps.argmax(axis=1), width)
    return Hits(
        left=failed & ~gaps,
        known=np.asarray(known, np.int64),
        there=np.full(inputs, width, np.int64),
        through=np.broadcast_to(np.arange(width + 1), (inputs, width + 1)),
    )
