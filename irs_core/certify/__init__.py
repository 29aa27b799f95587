"""Certificates from counts: pure functions that see neither models nor labels."""

from irs_core.certify.certificates import (
    ABSTAIN,
    Branch,
    Certificates,
    certificates_from_bounds,
)
from irs_core.certify.cirs import certify_cirs
from irs_core.certify.irs import UNUSED, certify_irs
from irs_core.certify.iss import certify_iss
from irs_core.certify.joint import certify_joint
from irs_core.certify.rs import (
    Cache,
    build_cache,
    build_cache_from_hits,
    certify_cache,
    certify_rs,
    certify_rs_hits,
)
from irs_core.certify.sequential import (
    certify_sequential,
    certify_sequential_scratch,
    largest_proven,
)
from irs_core.certify.stopping import (
    Replay,
    Status,
    incremental_limit,
    replay_incremental,
    replay_scratch,
    step,
)
from irs_core.certify.two_sided import (
    Others,
    arrivals_upper,
    few_selected,
    others_upper,
    with_two_sided,
)

__all__ = [
    "ABSTAIN",
    "UNUSED",
    "Branch",
    "Cache",
    "Certificates",
    "Others",
    "Replay",
    "Status",
    "arrivals_upper",
    "build_cache",
    "build_cache_from_hits",
    "certificates_from_bounds",
    "certify_cache",
    "certify_cirs",
    "certify_irs",
    "certify_iss",
    "certify_joint",
    "certify_rs",
    "certify_rs_hits",
    "certify_sequential",
    "certify_sequential_scratch",
    "few_selected",
    "incremental_limit",
    "largest_proven",
    "others_upper",
    "replay_incremental",
    "replay_scratch",
    "step",
    "with_two_sided",
]
