"""Classifiers that are objects of this process: a PyTorch module, or any callable.

A study names them by `object:NAME#DIGEST`. It can be stored, opened and shown like any other; to
draw more, the object has to be there again: adopted under the same name, with the same digest.
"""

import copy
import hashlib
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from irs_core.errors import CheckpointError, ModelOutputError, SpecError
from irs_core.models.described import described
from irs_core.models.digest import state_digest

PREFIX = "object:"
Answering = Callable[[NDArray[np.float32]], Any]
Classifier = nn.Module | Answering
_NAME = re.compile(r"[\w.-]{1,60}")
_ADOPTED: dict[str, nn.Module] = {}


class CallableModule(nn.Module):
    """A callable as a module; PyTorch runs it, whatever is inside.

    Args:
        answer: Takes float32 [0, 1] images (B, C, H, W) and gives scores (B, K) or class ids (B,).
        classes: Number of classes, where it gives class ids.
    """

    def __init__(self, answer: Answering, classes: int | None) -> None:
        super().__init__()
        self.answer, self.classes = answer, classes

    def forward(self, images: Tensor) -> Tensor:
        """Scores, float32 (B, K); 1 for the class and 0 elsewhere where it gives class ids."""
        given = np.asarray(self.answer(images.detach().cpu().numpy()))
        if given.ndim == 2:
            return torch.as_tensor(given, dtype=torch.float32)
        if given.ndim != 1 or given.dtype.kind not in "iu" or self.classes is None:
            raise ModelOutputError(
                "a callable must give scores (B, K), or integer class ids (B,) with num_classes "
                f"named; got {given.dtype} values of shape {given.shape}"
            )
        ids = torch.as_tensor(given.astype(np.int64))
        return nn.functional.one_hot(ids, self.classes).float()


def adopt(
    classifier: Classifier, *, name: str | None = None, num_classes: int | None = None
) -> str:
    """Make an object known to studies of this process, as an original or as a compressed model.

    Args:
        classifier: A module that takes [0, 1] images and gives scores, of which a copy is kept, or
            a callable; see `CallableModule`.
        name: For people; None for the name of a module's class. Of a callable it is all that
            tells it from others: give another name whenever it would answer otherwise, since its
            evidence is kept under this one.
        num_classes: Needed where a callable gives class ids.

    Returns:
        `object:NAME#DIGEST`, to be used as weights or as a compression.

    Raises:
        SpecError: The name is not of letters, digits, dots, dashes and underscores, or a
            callable has none; or the content of a module's attribute cannot be told.
    """
    if name is None:
        if not isinstance(classifier, nn.Module):
            raise SpecError("a callable needs a name, which stands for what it answers; got none")
        name = type(classifier).__name__
    if not _NAME.fullmatch(name):
        raise SpecError(
            f"a name has 1 to 60 letters, digits, dots, dashes or underscores; got {name!r}"
        )
    if isinstance(classifier, nn.Module):
        # A copy: what is changed later is not what the digest stands for.
        module = copy.deepcopy(classifier).eval()
        digest = state_digest(module, f"{name} {described(module)}")
    else:
        module = CallableModule(classifier, num_classes).eval()
        digest = hashlib.sha256(f"callable {name} {num_classes}".encode()).hexdigest()
    text = f"{PREFIX}{name}#{digest[:16]}"
    _ADOPTED[text] = module
    return text


def is_object(text: str) -> bool:
    """Whether a text names an object."""
    return text.startswith(PREFIX)


def adopted(text: str) -> nn.Module:
    """The object that a text names.

    Raises:
        CheckpointError: This process has no such object.
    """
    if text not in _ADOPTED:
        raise CheckpointError(
            f"{text.partition('#')[0]} is an object of a notebook, which is not at hand here; "
            "load the same object under the same name to draw more with it"
        )
    return _ADOPTED[text]


def count_classes(text: str, image: NDArray[np.float32]) -> int:
    """How many scores an object gives, from what it answers to images (B, C, H, W)."""
    with torch.no_grad():
        return int(adopted(text)(torch.from_numpy(image)).shape[-1])
