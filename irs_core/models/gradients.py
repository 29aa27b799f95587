"""Classifiers through which gradients flow."""

import copy

from torch import nn

from irs_core.errors import CheckpointError
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


def check_gradients(model: LoadedModel) -> None:
    """Refuse a classifier that PyTorch does not run layer by layer.

    Raises:
        CheckpointError: It is a graph file, a callable, an integer network or runs elsewhere.
    """
    if not runs_in_torch(model):
        raise CheckpointError(
            f"gradients must flow through the classifier, and a model of the kind {model.arch} "
            "gives none: name its PyTorch weights, or a function that builds it "
            "(package.module:make); a denoiser for it can be trained without --against"
        )


def frozen_classifier(model: LoadedModel) -> nn.Module:
    """A copy in evaluation mode whose weights stay as they are, while gradients flow through it.

    Raises:
        CheckpointError: None can flow.
    """
    check_gradients(model)
    module = copy.deepcopy(model.module).eval()
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return module
