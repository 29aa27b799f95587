"""What a dry run says of a model and of what it sees."""

import numpy as np

from irs_core.data import Dataset
from irs_core.models import LoadedModel


def ranges(base: LoadedModel, dataset: Dataset) -> str:
    """The pixels, and what the network gets of them."""
    images = dataset.images(slice(None))
    said = f"pixels {images.min():.3g} to {images.max():.3g}, mean {images.mean():.3g}"
    if base.parts is not None:
        return f"{said}; the denoiser gets them as they are"
    if base.mean is None or base.std is None:
        return f"{said}; the network gets them as they are"
    shape = (1, -1, 1, 1)
    normal = (images - np.reshape(base.mean, shape)) / np.reshape(base.std, shape)
    return f"{said}; the network gets {normal.min():.3g} to {normal.max():.3g} after normalisation"


def described(base: LoadedModel) -> str:
    """What a model is."""
    shape = "x".join(map(str, base.input_shape)) if base.input_shape else "of any size"
    normal = "no normalisation inside"
    if base.mean is not None and base.std is not None:
        mean, std = (", ".join(f"{one:.4g}" for one in values) for values in (base.mean, base.std))
        normal = f"normalisation inside, mean {mean}, std {std}"
    said = f"{base.arch}, {base.num_classes} classes, inputs {shape}, {normal}"
    if base.parts is None:
        return said
    first = base.parts.denoiser
    return f"denoiser {first.name} ({first.parameters:,} parameters), then {said}"
