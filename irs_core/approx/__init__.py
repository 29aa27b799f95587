"""Making networks smaller: compressions applied to copies, and what they cost and save."""

from irs_core.approx import half, lowrank, prune, quantize
from irs_core.approx.registry import (
    ApproxReport,
    compress,
    describe,
    known_compressions,
    register,
)

__all__ = [
    "ApproxReport",
    "compress",
    "describe",
    "half",
    "known_compressions",
    "lowrank",
    "prune",
    "quantize",
    "register",
]
