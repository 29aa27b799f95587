"""How fast a classifier can be trained on this machine, measured in a second."""

import copy
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from irs_core.models.gradients import runs_in_torch
from irs_core.models.loaded import LoadedModel

PACE_IMAGES, _STEPS = 32, 3


def training_pace(
    model: LoadedModel, images: NDArray[np.float32], labels: NDArray[np.int64]
) -> float | None:
    """Images per second of training steps in 32 bits, on the CPU; None where it cannot be trained.

    The classifier stays as it is: steps are taken by a copy.

    Args:
        images: In [0, 1], (N, C, H, W), of which a few are used.
    """
    if not runs_in_torch(model) or model.arch == "torchscript":
        return None
    module = copy.deepcopy(model.module).train()
    for parameter in module.parameters():
        parameter.requires_grad_(True)
    batch = torch.from_numpy(images[:PACE_IMAGES])
    wanted = torch.from_numpy(np.array(labels[:PACE_IMAGES]))
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-6)
    if len(batch) < 2 or not any(True for _ in module.parameters()):
        return None
    spent = []
    try:
        # Layers that draw, such as dropout, leave the generator of the whole process alone.
        with torch.random.fork_rng(devices=[]):
            for _ in range(_STEPS):
                started = perf_counter()
                optimizer.zero_grad(set_to_none=True)
                loss = functional.cross_entropy(module(batch), wanted)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                spent.append(perf_counter() - started)
    except Exception:
        # Other people's code, in a mode that it may never have been run in.
        return None
    # The first step also allocates.
    return len(batch) / min(spent[1:])
