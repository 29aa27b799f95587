"""Which draws of a compressed classifier a study may use, by the methods that it asks for."""

from irs_core.spec.study import Stream, StudySpec

COMPRESSED_STREAMS: tuple[Stream, ...] = ("estimate", "scratch-select", "scratch-estimate")
# Draws per input on which CIRS learns how often a compressed classifier leaves the class.
PILOT_DRAWS = 5
# No input gets more draws than this many times the largest mean budget.
_REACH = 4


def compressed_streams(spec: StudySpec) -> tuple[Stream, ...]:
    """Streams on which a study draws its compressed classifiers."""
    return (*COMPRESSED_STREAMS, "select") if "cirs" in spec.methods else COMPRESSED_STREAMS


def pilot_draws(spec: StudySpec) -> int:
    """Draws of f^p per input on the `select` stream, from which CIRS plans; 0 without it."""
    return min(PILOT_DRAWS, spec.n0) if "cirs" in spec.methods else 0


def reach(spec: StudySpec) -> int:
    """Estimation draws, from the first, among which a study may run f^p."""
    if spec.max_loss is not None:
        # A few inputs need many more draws than the mean to lose no more than that.
        return spec.n
    return min(spec.n, _REACH * spec.n_p[-1]) if "cirs" in spec.methods else spec.n_p[-1]
