"""Networks that compute in integers only (Jacob et al. 2018; Lin et al. 2021).

`network` says what such a network is, `reference` runs it literally, `carrier` runs it through
fast floating-point kernels that give the same integers, `files` stores it.
"""

from irs_core.integer.network import (
    ConvTerm,
    IntegerNetwork,
    Layer,
    PoolTerm,
    SkipTerm,
    Term,
    layer_bounds,
)

__all__ = [
    "ConvTerm",
    "IntegerNetwork",
    "Layer",
    "PoolTerm",
    "SkipTerm",
    "Term",
    "layer_bounds",
]
