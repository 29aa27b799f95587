"""Classifiers that a function of somebody's own code makes: `package.module:make`.

The code is imported and run, so only what a person names on the command line or in a notebook
comes here: never a stored study, an upload or a form.
"""

import contextlib
import hashlib
import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from irs_core.errors import SpecError, first_line
from irs_core.models.described import described
from irs_core.models.digest import state_digest
from irs_core.models.objects import CallableModule, keep
from irs_core.spec.outside import CALL_PREFIX, check_address


def adopt_call(address: str, *, num_classes: int | None = None) -> str:
    """Import a module, let its function make a classifier, and make that known to this process.

    The module is looked for in the working directory too, after everything that is installed.

    Args:
        address: `package.module:make`; `make()` gives a PyTorch module that takes [0, 1] images
            (B, C, H, W), or a callable of float32 arrays; see `CallableModule`.
        num_classes: Needed where a callable gives class ids.

    Returns:
        `call:package.module:make#DIGEST`. The digest stands for the module's weights, code and
        attributes; where the classifier has an attribute `version` (a text), for that in their
        place. A callable needs one.

    Raises:
        SpecError: There is no such function, it fails, or what it makes cannot be told from others.
    """
    made = _made(check_address(address))
    version = getattr(made, "version", None)
    if version is not None and (not isinstance(version, str) or not version):
        raise SpecError(f"the version of what {address} makes must be a text; got {version!r:.80}")
    text = f"{CALL_PREFIX}:{address}"
    if not callable(made):
        raise SpecError(
            f"{address} must make a PyTorch module or a callable; it made {type(made).__name__}"
        )
    if version is not None:
        answer = _Answer(made) if isinstance(made, nn.Module) else made
        digest = hashlib.sha256(f"{address} {version} {num_classes}".encode()).hexdigest()
        return keep(text, digest, CallableModule(answer, num_classes).eval())
    if not isinstance(made, nn.Module):
        raise SpecError(
            f"what {address} makes is told from others by its version alone: give it an attribute "
            "version, a text that is another one whenever it would answer otherwise"
        )
    module = made.eval()
    return keep(text, state_digest(module, described(module)), module)


class _Answer:
    """A module as a callable of arrays: exported and quantised ones cannot be moved or copied."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        # Programs of torch.export are in the mode in which they were exported, and say so.
        with contextlib.suppress(NotImplementedError):
            module.eval()

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        scores: Tensor = self._module(torch.from_numpy(images))
        return scores.detach().float().cpu().numpy()


def _made(address: str) -> Any:
    name, _, function = address.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        make = getattr(importlib.import_module(name), function, None)
        if not callable(make):
            raise SpecError(f"{name} has no function {function}")
        return make()
    except SpecError:
        raise
    except Exception as error:  # whatever somebody's own code may raise
        raise SpecError(
            f"{address} cannot be called: {type(error).__name__}: {first_line(error, 200)}"
        ) from error
