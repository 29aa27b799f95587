"""Classifiers through which gradients flow."""

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from irs_core.errors import CheckpointError, first_line
from irs_core.integer.carrier import Carrier
from irs_core.models.graph import GraphModule
from irs_core.models.lite import LiteModule
from irs_core.models.loaded import LoadedModel
from irs_core.models.objects import CallableModule
from irs_core.models.served import ServedModule

_NO_GRADIENTS = (GraphModule, LiteModule, CallableModule, ServedModule, Carrier)


def runs_in_torch(model: LoadedModel) -> bool:
    """Whether PyTorch runs a classifier layer by layer."""
    return not isinstance(model.module, _NO_GRADIENTS)


def check_gradients(model: LoadedModel, otherwise: str = "") -> None:
    """Refuse a classifier that PyTorch does not run layer by layer.

    Args:
        otherwise: What else can be done, for the message.

    Raises:
        CheckpointError: It is a graph file, a callable, an integer network or runs elsewhere.
    """
    if not runs_in_torch(model):
        raise CheckpointError(
            f"gradients must flow through the classifier, and a model of the kind {model.arch} "
            "gives none: name its PyTorch weights, or a function that builds it "
            f"(package.module:make){otherwise}"
        )


def check_flow(module: nn.Module, images: NDArray[np.float32]) -> None:
    """Refuse a module through which no gradient comes back to its images.

    Args:
        images: One or more to try it on, in [0, 1], (B, C, H, W).

    Raises:
        CheckpointError: It does not take them, was optimised for inference, or detaches what it
            computes.
    """
    given = torch.from_numpy(images).requires_grad_(True)
    try:
        scores = module(given)
    except Exception as error:
        raise CheckpointError(
            f"the classifier does not take images of shape {images.shape[1:]}: {first_line(error)}"
        ) from None
    try:
        scores.sum().backward()
        flows = given.grad is not None
    except RuntimeError:
        flows = False
    if not flows:
        raise CheckpointError(
            "no gradient flows through the classifier to its images: it was saved for inference "
            "alone; name its PyTorch weights, or train the denoiser without --against"
        )


def check_learns(module: nn.Module, images: Tensor) -> None:
    """Refuse a module whose weights no step of training could change.

    Args:
        images: Two or more to try it on, in [0, 1], (B, C, H, W).

    Raises:
        CheckpointError: In training it fails, gives something other than scores, or no gradients.
    """
    # A copy, because training changes what layers remember.
    trial = copy.deepcopy(module).train()
    try:
        # Layers that draw, such as dropout, leave the generator of the whole process alone.
        with torch.random.fork_rng(devices=[]):
            trial(images).logsumexp(1).sum().backward()
    except Exception as error:
        raise CheckpointError(
            "the classifier cannot be trained as it is: it has to give scores (images, classes) "
            f"through which gradients flow, in training as well ({first_line(error)})"
        ) from None
    if all(one.grad is None for one in trial.parameters()):
        raise CheckpointError("the classifier cannot be trained: it has no weights that learn")


def frozen_classifier(model: LoadedModel) -> nn.Module:
    """A copy in evaluation mode whose weights stay as they are, while gradients flow through it.

    Raises:
        CheckpointError: None can flow.
    """
    check_gradients(model, "; or train the denoiser without --against")
    module = copy.deepcopy(model.module).eval()
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return module
