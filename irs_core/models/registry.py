"""Architectures by name: those of this package, torchvision's and, where installed, timm's."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from irs_core.errors import SpecError, UnknownKeyError
from irs_core.models.digits import digits_resnet
from irs_core.models.resnet import cifar_resnet

TORCHVISION_PREFIX = "torchvision:"
TIMM_PREFIX = "timm:"
CIFAR_MEAN, CIFAR_STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Architecture:
    """How a kind of network is built and what it expects.

    Args:
        name: Canonical name.
        make: Takes the number of classes and of input channels.
        in_channels: Input channels where nothing else is said.
        fixed_channels: True where `in_channels` is the only possible number.
        input_shape: (C, H, W) of the images it is meant for; None where any size will do.
        mean, std: Normalisation that the field uses with it; None for none.
    """

    name: str
    make: Callable[[int, int], nn.Module]
    in_channels: int = 3
    fixed_channels: bool = False
    input_shape: tuple[int, int, int] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


_ARCHITECTURES: dict[str, Architecture] = {}
_ALIASES: dict[str, str] = {}
_FOREIGN: set[str] = set()


def register(architecture: Architecture, *, aliases: tuple[str, ...] = ()) -> None:
    """Make an architecture known under its name and aliases.

    Raises:
        SpecError: One of the names is taken, by this registry or by torchvision.
    """
    for name in (architecture.name, *aliases):
        if name in _ARCHITECTURES or name in _ALIASES or name in _torchvision_names():
            raise SpecError(f"an architecture named {name!r} exists; every name must be new")
    _add(architecture, *aliases)
    _FOREIGN.add(architecture.name)


def extended() -> bool:
    """Whether code outside this package registered architectures; it may be another next time."""
    return bool(_FOREIGN)


def _add(architecture: Architecture, *aliases: str) -> None:
    _ARCHITECTURES[architecture.name] = architecture
    _ALIASES.update(dict.fromkeys(aliases, architecture.name))


def known_architectures() -> tuple[str, ...]:
    """Names that `build` takes, without aliases: own ones first, then `torchvision:NAME`."""
    return (*_ARCHITECTURES, *(f"{TORCHVISION_PREFIX}{name}" for name in _torchvision_names()))


def find_architecture(name: str) -> Architecture:
    """The architecture of that name or alias.

    Raises:
        UnknownKeyError: There is none; the message lists those of this package.
    """
    own = _ARCHITECTURES.get(_ALIASES.get(name, name))
    if own is not None:
        return own
    if name.startswith(TIMM_PREFIX):
        return _timm_architecture(name)
    plain = name.removeprefix(TORCHVISION_PREFIX)
    if plain in _torchvision_names():
        return _torchvision_architecture(plain)
    known = ", ".join(_ARCHITECTURES)
    raise UnknownKeyError(
        f"unknown architecture {name!r}; known: {known}, and {TORCHVISION_PREFIX}NAME for every "
        f"torchvision classifier, e.g. torchvision:resnet50; {TIMM_PREFIX}NAME needs timm"
    )


def canonical_name(name: str) -> str:
    """The one name under which an architecture is recorded."""
    return find_architecture(name).name


def build(
    arch: str, num_classes: int, in_channels: int | None = None, *, seed: int = 0
) -> nn.Module:
    """A network with random weights that depend on `seed` alone.

    The state of the global random generator is left as it was.

    Raises:
        UnknownKeyError: No such architecture.
        SpecError: The architecture does not take that many input channels.
    """
    architecture = find_architecture(arch)
    channels = architecture.in_channels if in_channels is None else in_channels
    if architecture.fixed_channels and channels != architecture.in_channels:
        raise SpecError(f"{arch} takes {architecture.in_channels} channels; got {channels}")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return architecture.make(num_classes, channels)


def _torchvision_names() -> list[str]:
    # Torchvision takes longer to import than all else: only who needs it waits for it.
    from torchvision import models

    return list(models.list_models(module=models))  # type: ignore[attr-defined]


def _torchvision_architecture(name: str) -> Architecture:
    return Architecture(
        name=name,
        make=partial(_make_torchvision, name),
        fixed_channels=True,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
    )


def _timm_architecture(name: str) -> Architecture:
    try:
        import timm
    except ImportError:
        raise UnknownKeyError(f"{name} needs the package timm: pip install timm") from None
    plain = name.removeprefix(TIMM_PREFIX)
    if not timm.is_model(plain):
        raise UnknownKeyError(f"unknown architecture {name!r}; timm.list_models() lists its own")
    config = timm.get_pretrained_cfg(plain)
    return Architecture(
        name=name,
        make=partial(_make_timm, plain),
        mean=tuple(config.mean) if config else IMAGENET_MEAN,
        std=tuple(config.std) if config else IMAGENET_STD,
    )


def _make_timm(name: str, num_classes: int, in_channels: int) -> nn.Module:
    import timm

    network = timm.create_model(name, num_classes=num_classes, in_chans=in_channels)
    assert isinstance(network, nn.Module)
    return network


def _make_torchvision(name: str, num_classes: int, in_channels: int) -> nn.Module:
    from torchvision.models import get_model  # type: ignore[attr-defined]

    extra = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    network = get_model(name, weights=None, num_classes=num_classes, **extra)
    assert isinstance(network, nn.Module)
    return network


for _depth in (8, 20, 32, 56, 110):
    _add(
        Architecture(
            name=f"cifar_resnet{_depth}",
            make=partial(cifar_resnet, _depth),
            input_shape=(3, 32, 32),
            mean=CIFAR_MEAN,
            std=CIFAR_STD,
        ),
        f"resnet{_depth}",
    )
_add(Architecture(name="digits_resnet", make=digits_resnet, in_channels=1, input_shape=(1, 8, 8)))
