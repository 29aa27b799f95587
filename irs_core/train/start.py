"""A trained classifier as the beginning of another training."""

import copy
from dataclasses import replace

import torch
from torch import nn

from irs_core.data import Dataset
from irs_core.data.fitting import way_to_fit
from irs_core.errors import CheckpointError, SpecError
from irs_core.models import LoadedModel, load_model
from irs_core.models.gradients import check_gradients, check_learns
from irs_core.models.objects import is_object
from irs_core.models.recognise import is_torchscript
from irs_core.spec.paths import expanded
from irs_core.spec.study import ModelSpec
from irs_core.train.finish import Normalisation
from irs_core.train.spec import OWN_CLASS, TrainSpec


def read_start(model: ModelSpec) -> LoadedModel:
    """The classifier to go on from, as one that takes red, green, blue.

    Args:
        model: A file, `shipped:NAME`, or what `adopt_call` named, which alone needs its number of
            classes.

    Raises:
        CheckpointError: It cannot be read, or PyTorch cannot train it.
    """
    path = expanded(model.weights)
    if path.is_file() and is_torchscript(path):
        raise CheckpointError(
            f"{path.name} is a TorchScript program, which is run, not trained; give its weights, "
            "or a function that builds the network (package.module:make)"
        )
    if is_object(model.weights):
        found = load_model(replace(model, arch=None, mean=None, std=None))
    else:
        found = load_model(replace(model, num_classes=None))
    check_gradients(found)
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
        ModelSpec(
            *(spec.start, arch, len(data.classes), spec.mean, spec.std),
            channel_order=spec.channel_order,
        )
    )
    if found.num_classes != len(data.classes):
        raise SpecError(
            f"{spec.start} tells {found.num_classes} classes apart; the data have "
            f"{len(data.classes)}"
        )
    if found.input_shape not in (None, data.input_shape):
        raise SpecError(
            f"{spec.start} takes images of shape {found.input_shape}; the data have "
            f"{data.input_shape}{way_to_fit(spec.data, found.input_shape, data.input_shape)}"
        )
    # A copy: an object of this process stays as it is.
    module = copy.deepcopy(found.module)
    for parameter in module.parameters():
        parameter.requires_grad_(True)
    check_learns(module, torch.from_numpy(data.images(slice(2))))
    network = module if found.mean is None else module.get_submodule("network")
    module = module.to(device).to(memory_format=torch.channels_last)
    return network, module, (found.mean, found.std)
