"""Classifiers that are objects of this process: a PyTorch module, or any callable.

A study names them by `object:NAME#DIGEST`, those that code of a named module makes by
`call:package.module:make#DIGEST`, and models behind a server by `URL#DIGEST`. It can be stored,
opened and shown like any other; to draw more, the object has to be there again: adopted under the
same name, with the same digest. No text makes anything run: what runs was given to this process.
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

from irs_core.errors import (
    CheckpointError,
    IrsError,
    ModelOutputError,
    ServerError,
    SpecError,
    first_line,
)
from irs_core.models.described import described
from irs_core.models.digest import state_digest
from irs_core.models.served import ServedModule, check_listed, connect
from irs_core.spec.outside import CALL_PREFIX, is_url

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

    def __deepcopy__(self, memo: dict[int, Any]) -> "CallableModule":
        """Another module around the same callable, which may hold what nobody can copy."""
        return CallableModule(self.answer, self.classes).train(self.training)

    def forward(self, images: Tensor) -> Tensor:
        """Scores, float32 (B, K); 1 for the class and 0 elsewhere where it gives class ids."""
        given = self._given(images.detach().cpu().numpy())
        if given.ndim == 2:
            return torch.as_tensor(given, dtype=torch.float32)
        if given.ndim != 1 or given.dtype.kind not in "iu" or self.classes is None:
            raise ModelOutputError(
                "a callable must give scores (B, K), or integer class ids (B,) with num_classes "
                f"named; got {given.dtype} values of shape {given.shape}"
            )
        ids = torch.as_tensor(given.astype(np.int64))
        if bool(((ids < 0) | (ids >= self.classes)).any()):
            raise ModelOutputError(
                f"a callable's class ids must be in [0, {self.classes}); got {int(ids.min())} to "
                f"{int(ids.max())}"
            )
        return nn.functional.one_hot(ids, self.classes).float()

    def _given(self, images: NDArray[np.float32]) -> NDArray[Any]:
        try:
            return np.asarray(self.answer(images))
        except IrsError:
            raise
        except Exception as error:  # whatever somebody's own code may raise
            raise ModelOutputError(
                f"the callable failed on images of shape {images.shape}: "
                f"{type(error).__name__}: {first_line(error, 200)}"
            ) from error


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
    return keep(f"{PREFIX}{name}", digest, module)


def keep(name: str, digest: str, module: nn.Module) -> str:
    """Make a module known under a name and the beginning of its digest; the text that names it."""
    text = f"{name}#{digest[:16]}"
    _ADOPTED[text] = module
    return text


def is_object(text: str) -> bool:
    """Whether a text names an object, of whatever kind."""
    return text.startswith((PREFIX, f"{CALL_PREFIX}:")) or is_url(text)


def adopt_served(url: str) -> str:
    """Make a model behind a server known, as it describes itself; the text that names it.

    Raises:
        SpecError: The address is none of a model.
        ServerError: The server cannot be reached, or the model is no image classifier.
    """
    module = connect(url)
    return keep(url, module.facts.digest, module)


def adopted(text: str) -> nn.Module:
    """The object that a text names.

    Raises:
        CheckpointError: This process has no such object.
        ServerError: It is a model behind a server that may not be asked, or is another by now.
    """
    if text in _ADOPTED:
        return _ADOPTED[text]
    if is_url(text):
        return _asked_again(text)
    if text.startswith(f"{CALL_PREFIX}:"):
        raise CheckpointError(
            f"{text.partition('#')[0]} is code, which runs only where a command or a notebook "
            "names it; give the same command again, without --queue, to draw more with it"
        )
    raise CheckpointError(
        f"{text.partition('#')[0]} is an object of a notebook, which is not at hand here; "
        "load the same object under the same name to draw more with it"
    )


def count_classes(text: str, image: NDArray[np.float32]) -> int:
    """How many scores an object gives, from what it answers to images (B, C, H, W).

    Raises:
        ModelOutputError: It gives no scores (B, K), or fails.
    """
    module = adopted(text)
    if isinstance(module, ServedModule):
        if module.facts.num_classes is not None:
            return module.facts.num_classes
        batch = np.repeat(image, module.facts.batch or 1, axis=0)
        shape = module.connection.infer(module.facts, batch).shape
    else:
        shape = tuple(_answered(module, image).shape)
    if len(shape) != 2:
        raise ModelOutputError(f"the model must return scores (B, K); got the shape {shape}")
    return int(shape[1])


def _answered(module: nn.Module, image: NDArray[np.float32]) -> Tensor:
    try:
        with torch.no_grad():
            return torch.as_tensor(module(torch.from_numpy(image)))
    except (RuntimeError, TypeError) as error:
        raise ModelOutputError(
            f"the model failed on images of shape {image.shape}: {first_line(error, 200)}"
        ) from error


def _asked_again(text: str) -> nn.Module:
    url = text.partition("#")[0]
    found = adopt_served(check_listed(url))
    if found != text:
        raise ServerError(
            f"{url} describes another model than the study's; the new one is a study of its own"
        )
    return _ADOPTED[found]
