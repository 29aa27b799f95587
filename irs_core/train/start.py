"""A trained classifier as the beginning of another training."""

import copy

import torch
from torch import nn

from irs_core.data import Dataset
from irs_core.errors import CheckpointError, SpecError
from irs_core.models import LoadedModel, load_model
from irs_core.models.gradients import check_gradients, check_learns
from irs_core.models.normalize import Numbers
from irs_core.models.objects import is_object
from irs_core.spec.study import ModelSpec
from irs_core.train.finish import Normalisation
from irs_core.train.spec import OWN_CLASS, TrainSpec


def read_start(
    weights: str,
    *,
    arch: str | None = None,
    classes: int | None = None,
    mean: Numbers = None,
    std: Numbers = None,
) -> LoadedModel:
    """The classifier to go on from.

    Args:
        weights: A file, `shipped:NAME`, or what `adopt_call` named.
        arch: Its architecture, where the file does not name it.
        classes: Its number of classes, where it has to be told.
        mean, std: Its normalisation, where the file does not give it.

    Raises:
        CheckpointError: It cannot be read, or PyTorch cannot train it.
    """
    if is_object(weights):
        found = load_model(ModelSpec(weights, None, classes))
    else:
        found = load_model(ModelSpec(weights, arch, None, mean, std))
    check_gradients(found)
    if found.arch == "torchscript":
        raise CheckpointError(
            "a TorchScript program is run, not trained; give its weights, or a function that "
            "builds the network (package.module:make)"
        )
    return found


def started(
    spec: TrainSpec, data: Dataset, device: torch.device
) -> tuple[nn.Module, nn.Module, Normalisation]:
    """The network whose weights are trained, the module that takes noisy images, and what it is
    normalised by.

    Raises:
        SpecError: The weights are of another architecture or number of classes than the run.
        CheckpointError: They cannot be read or trained.
    """
    assert spec.start is not None
    arch = None if spec.arch == OWN_CLASS else spec.arch
    found = read_start(
        spec.start, arch=arch, classes=len(data.classes), mean=spec.mean, std=spec.std
    )
    if found.num_classes != len(data.classes):
        raise SpecError(
            f"{spec.start} tells {found.num_classes} classes apart; the data have "
            f"{len(data.classes)}"
        )
    if found.input_shape not in (None, data.input_shape):
        raise SpecError(
            f"{spec.start} takes images of shape {found.input_shape}; the data have "
            f"{data.input_shape}"
        )
    # A copy: an object of this process stays as it is.
    module = copy.deepcopy(found.module)
    for parameter in module.parameters():
        parameter.requires_grad_(True)
    check_learns(module, torch.from_numpy(data.images(slice(2))))
    network = module if found.mean is None else module.get_submodule("network")
    module = module.to(device).to(memory_format=torch.channels_last)
    return network, module, (found.mean, found.std)
