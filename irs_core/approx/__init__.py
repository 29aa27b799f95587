"""Making networks smaller: compressions applied to copies, and what they cost and save.

Every module of this folder that calls `register` adds a compression.
"""

from importlib import import_module
from pkgutil import iter_modules

from irs_core.approx.registry import (
    Applied,
    ApproxReport,
    applied,
    compress,
    known_compressions,
    register,
)

__all__ = [
    "Applied",
    "ApproxReport",
    "applied",
    "compress",
    "known_compressions",
    "register",
]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
