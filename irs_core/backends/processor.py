"""What this processor computes with 8-bit integers, and how that is named in evidence."""

from functools import cache
from pathlib import Path

_CPU = Path("/proc/cpuinfo")
SATURATING = "8-bit sums may saturate"


@cache
def exact_8_bit_sums() -> bool:
    """Whether sums of 8-bit products are exact here: on x86 with VNNI, on ARM with dot products.

    Older x86 processors add pairs of products in 16 bits and cut off what does not fit. False where
    nothing is known of the processor.
    """
    try:
        words = set(_CPU.read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return False
    return bool(words & {"avx512_vnni", "avx_vnni", "asimddp"})


def as_computed(arithmetic: str) -> str:
    """An arithmetic as it is named in evidence: where sums may saturate, answers are others."""
    inexact = "int8" in arithmetic and not exact_8_bit_sums()
    return f"{arithmetic}, {SATURATING}" if inexact else arithmetic
