"""Whether a model answers better behind another usual normalisation, or other order of channels."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from irs_core.data import Dataset
from irs_core.errors import CheckpointError
from irs_core.graphs.order_said import OrderSaid
from irs_core.run.options import RunOptions
from irs_core.spec.study import ChannelOrder, ModelSpec, StudySpec

if TYPE_CHECKING:
    from irs_core.models import LoadedModel

# Accuracy that leaves no room for another normalisation to be clearly better.
ENOUGH = 0.9
NORMALISATIONS: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "pixels in [0, 1]": ((0.0,), (1.0,)),
    "pixels in [0, 255]": ((0.0,), (1 / 255,)),
    "pixels in [-1, 1]": ((0.5,), (0.5,)),
    "that of ImageNet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "that of CIFAR-10": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "that of MNIST": ((0.1307,), (0.3081,)),
}
# Kinds of models that take images as they are.
_AS_THEY_ARE = ("object", "integer")
_COLOURS = 3


@dataclass(frozen=True)
class Tried:
    """What else was tried.

    Args:
        normalisations: Correct answers, of how many, with what is not in use, by name.
        reversed: Whether each image is right with the channels in the other order and the rest as
            it is; None where that was not tried.
        order: The options that take that order.
    """

    normalisations: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    reversed: NDArray[np.bool_] | None = None
    order: str = ""


def tried_otherwise(
    spec: StudySpec,
    base: "LoadedModel",
    dataset: Dataset,
    options: RunOptions,
    clean: NDArray[np.int64],
    *,
    order_open: bool = False,
) -> Tried:
    """Usual normalisations and the other order of the channels, on the same images.

    Tried only where the answers leave room for one that fits better, or the model's file leaves
    the order open, and where something can be put before the network.

    Args:
        clean: Classes that the model answers as it is, one for each image of the dataset.
        order_open: The model's file says that its order may be either.
    """
    poor = float(np.mean(clean == dataset.labels)) < ENOUGH
    if base.arch in _AS_THEY_ARE or not (poor or order_open):
        return Tried()
    trial = _Trial(spec, dataset, options)
    turned = _turned(spec.model)
    other = trial.right(turned) if dataset.input_shape[0] == _COLOURS else None
    if not poor:
        return Tried(reversed=other, order=_order_option(turned))
    models = _models(spec.model, base, dataset.input_shape[0])
    if other is not None:
        reversed_ = {f"{name}, channels reversed": _turned(one) for name, one in models.items()}
        models = {**models, **reversed_}
    found = {
        f"{name} ({_options(model)})": (int(right.sum()), len(right))
        for name, model in models.items()
        if (right := trial.right(model)) is not None
    }
    return Tried(found, other, _order_option(turned))


def order_note(
    said: OrderSaid, clean: NDArray[np.int64], dataset: Dataset, tried: Tried
) -> tuple[str, ...]:
    """What the file says about the order of its channels, and what either order gave."""
    if not said.note:
        return ()
    if tried.reversed is None or not said.open:
        return (said.note,)
    right, other = int(np.sum(clean == dataset.labels)), int(tried.reversed.sum())
    measured = f"{right} of {len(dataset)} images are right as they are, {other} with the channels"
    return (f"{said.note}; {measured} reversed ({tried.order})",)


class _Trial:
    """Runs the original as another specification describes it."""

    def __init__(self, spec: StudySpec, dataset: Dataset, options: RunOptions) -> None:
        self._spec, self._dataset, self._options = spec, dataset, options
        self._images = dataset.images(slice(None))

    def right(self, model: ModelSpec) -> NDArray[np.bool_] | None:
        """Whether each image is right; None where the model cannot be read so."""
        # torch takes seconds to import.
        from irs_core.models import load_model
        from irs_core.run.prepare import prepare

        plain = replace(self._spec, model=model, compressions=())
        try:
            loaded = load_model(model, programs=self._options.programs)
        except CheckpointError:
            return None
        made = next(iter(prepare(plain, loaded, self._dataset, self._options)))
        return np.asarray(made.predictor(self._images) == self._dataset.labels)


def _models(spec: ModelSpec, base: "LoadedModel", channels: int) -> dict[str, ModelSpec]:
    """The original behind each normalisation that is not in use, by name."""
    used = (base.mean or (0.0,) * channels, base.std or (1.0,) * channels)
    found = {}
    for name, values in NORMALISATIONS.items():
        if channels % len(values[0]) == 0:
            mean, std = (one * (channels // len(one)) for one in values)
            if (mean, std) != used:
                found[name] = replace(spec, mean=mean, std=std)
    return found


def _turned(model: ModelSpec) -> ModelSpec:
    other: ChannelOrder = "rgb" if model.reversed else "bgr"
    return replace(model, channel_order=other)


def _order_option(model: ModelSpec) -> str:
    return f"--channel-order {model.channel_order}"


def _options(model: ModelSpec) -> str:
    words = [
        f"--{key} {' '.join(f'{one:.6g}' for one in numbers)}"
        for key, numbers in (("mean", model.mean or ()), ("std", model.std or ()))
    ]
    return " ".join([*words, *([_order_option(model)] if model.reversed else [])])
