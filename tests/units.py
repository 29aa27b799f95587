"""A small study of digits and units of its work, for tests of what computes them."""

from dataclasses import replace

import numpy as np
from synthetic import synthetic_spec

from irs_core.data import load_dataset
from irs_core.sampling.remote import Task
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import DataSpec

SPEC = synthetic_spec(
    data=DataSpec(max=50, holdout=46),
    compressions=tuple(map(parse_compression, ("fp16", "int8", "prune:0.1"))),
    n=1500,
    n_p=(50, 100),
    n0=20,
)
# Its evidence is part of that of SPEC, and it takes no quantisation to prepare.
SMALL = replace(SPEC, compressions=tuple(map(parse_compression, ("fp16", "prune:0.1"))))


def unit_of_work(models: tuple[str, ...], number: int = 0) -> Task:
    """A hundred draws for four inputs by the models of these keys."""
    images = load_dataset(SPEC.data).images(slice(0, 4))
    rows = (np.ones(4, np.bool_),) * len(models)
    return Task(
        number,
        models,
        rows,
        (None,) * len(rows),
        images,
        (0, 1, 2, 3),
        SPEC.noise,
        "estimate",
        0,
        0,
        100,
    )
