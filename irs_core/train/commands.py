"""What to type for a model that was never trained under noise. Works without torch."""

import math
import shlex

from irs_core.spec.outside import CALL_PREFIX
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.train.denoiser_spec import DenoiserSpec, images_text

# Passes over the training images, of a data set as large as CIFAR-10 or larger: a denoiser (by
# itself, then against the classifier's own answers), and fine-tuning of the classifier.
DENOISER_EPOCHS, TUNING_EPOCHS = 4, 3
_USUAL_IMAGES, _MOST_EPOCHS = 50_000, 100
# Peak learning rate of fine-tuning: a trained network needs smaller steps than a new one.
TUNING_RATE = 0.02


def epochs_over(images: int, usual: int) -> int:
    """Passes over a training set that make about as many steps as are usual over 50,000 images.

    Args:
        images: Of the set; 0 where that is not known.
        usual: Passes over 50,000 images, which larger sets get as well.
    """
    wanted = math.ceil(usual * _USUAL_IMAGES / images) if images else usual
    return max(usual, min(wanted, _MOST_EPOCHS))


def finetune_command(model: ModelSpec, data: DataSpec, sigma: float, images: int = 0) -> str:
    """What fine-tunes a model under noise.

    Args:
        images: Training images; 0 where that is not known.
    """
    words = ["./irs", "finetune", _named(model), "--sigma", str(sigma)]
    words += ["--epochs", str(epochs_over(images, TUNING_EPOCHS)), "--data", data.kind]
    words += _options(
        root=data.root, size=data.size, channels=data.channels, classes=data.class_list
    )
    words += _told(model)
    return shlex.join([*words, "--out", "finetuned.safetensors"])


def denoiser_commands(
    model: ModelSpec,
    data: DataSpec,
    sigma: float,
    *,
    against: bool,
    images: int = 0,
    width: int = DenoiserSpec.width,
    levels: int = DenoiserSpec.levels,
) -> tuple[str, ...]:
    """What trains a denoiser for a model.

    Args:
        against: Whether gradients flow through the model, so that its own answers can be kept.
        images: Training images; 0 where that is not known.
        width, levels: Size of the denoiser.
    """
    words = ["./irs", "denoiser", "train", images_text(data), "--sigma", str(sigma)]
    words += _options(size=data.size, channels=data.channels)
    sizes = _options(
        width=None if width == DenoiserSpec.width else width,
        levels=None if levels == DenoiserSpec.levels else levels,
    )
    epochs = ["--epochs", str(epochs_over(images, DENOISER_EPOCHS))]
    first = [*words, *sizes, *epochs, "--out"]
    if not against:
        return (shlex.join([*first, "denoiser.safetensors"]),)
    second = [*words, *epochs, "--from", "first.safetensors"]
    second += ["--against", _named(model), *_told(model), "--out", "denoiser.safetensors"]
    return shlex.join([*first, "first.safetensors"]), shlex.join(second)


def _named(model: ModelSpec) -> str:
    """The model as a command names it."""
    return model.weights.removeprefix(f"{CALL_PREFIX}:").partition("#")[0]


def _options(**values: str | int | None) -> list[str]:
    """Options for what is not None."""
    pairs = ([f"--{name}", str(one)] for name, one in values.items() if one is not None)
    return [word for pair in pairs for word in pair]


def _told(model: ModelSpec) -> list[str]:
    """What a file of weights may leave open."""
    words = _options(arch=model.arch)
    for name, values in (("--mean", model.mean), ("--std", model.std)):
        words += [] if values is None else [name, *map(str, values)]
    return words


def _given(model: ModelSpec, data: DataSpec) -> list[str]:
    """The data, and what the model's file leaves open, for commands that take any kind of file."""
    return [
        *("--data", data.kind),
        *_options(root=data.root, size=data.size, channels=data.channels),
        *(["--split", data.split] if data.split != DataSpec.split else []),
        *_told(model),
        *_options(
            classes=data.class_list or model.num_classes,
            output=model.output,
            denoise=model.denoiser,
        ),
        *(["--channel-order", model.channel_order] if model.reversed else []),
    ]


def certify_command(model: ModelSpec, data: DataSpec, sigma: float) -> str:
    """What certifies a model, behind the denoiser that it may name."""
    words = ["./irs", "certify", "--model", _named(model), "--sigma", str(sigma)]
    return shlex.join([*words, *_given(model, data)])


def ways_command(model: ModelSpec, data: DataSpec, sigma: float) -> str:
    """What compares the ways by a pilot."""
    words = ["./irs", "ways", _named(model), "--sigma", str(sigma)]
    return shlex.join([*words, *_given(model, data)])


def about(seconds: float) -> str:
    """A predicted time in words: `about 40 s`, `about 12 min`, `about 3.5 h`."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h"
