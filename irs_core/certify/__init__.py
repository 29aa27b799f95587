"""Certificates from counts: pure functions that see neither models nor labels."""

from irs_core.certify.certificates import (
    ABSTAIN,
    Branch,
    Certificates,
    certificates_from_bounds,
)
from irs_core.certify.cirs import certify_cirs, chosen_hits, count_leavers
from irs_core.certify.irs import (
    UNUSED,
    certify_irs,
    certify_irs_predictions,
    count_disagreements,
)
from irs_core.certify.iss import certify_iss
from irs_core.certify.rs import (
    Cache,
    build_cache,
    build_cache_from_hits,
    certify_cache,
    certify_rs,
    certify_rs_hits,
)

__all__ = [
    "ABSTAIN",
    "UNUSED",
    "Branch",
    "Cache",
    "Certificates",
    "build_cache",
    "build_cache_from_hits",
    "certificates_from_bounds",
    "certify_cache",
    "certify_cirs",
    "certify_irs",
    "certify_irs_predictions",
    "certify_iss",
    "certify_rs",
    "certify_rs_hits",
    "chosen_hits",
    "count_disagreements",
    "count_leavers",
]
