"""What to type for a model that was never trained under noise. Works without torch."""

import shlex

from irs_core.spec.outside import CALL_PREFIX
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.train.denoiser_spec import DenoiserSpec, images_text
from irs_core.train.images import DENOISER_EPOCHS, TUNING_EPOCHS, epochs_over

# Peak learning rate of fine-tuning: a trained network needs smaller steps than a new one.
TUNING_RATE = 0.02


def finetune_command(model: ModelSpec, data: DataSpec, sigma: float, images: int = 0) -> str:
    """What fine-tunes a model under noise.

    Args:
        images: Training images; 0 where that is not known.
    """
    words = ["./irs", "finetune", _named(model), "--sigma", str(sigma)]
    words += [*_epochs(images, TUNING_EPOCHS), "--data", data.kind]
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
    folder: str | None = None,
    width: int = DenoiserSpec.width,
    levels: int = DenoiserSpec.levels,
) -> tuple[str, ...]:
    """What trains a denoiser for a model.

    Args:
        against: Whether gradients flow through the model, so that its own answers can be kept.
        images: Training images; 0 where that is not known.
        folder: Of images to train on; None for the split `train` of the data.
        width, levels: Size of the denoiser.
    """
    words = ["./irs", "denoiser", "train", folder or images_text(data), "--sigma", str(sigma)]
    words += _options(size=data.size, channels=data.channels)
    sizes = _options(
        width=None if width == DenoiserSpec.width else width,
        levels=None if levels == DenoiserSpec.levels else levels,
    )
    epochs = _epochs(images, DENOISER_EPOCHS)
    first = [*words, *sizes, *epochs, "--out"]
    if not against:
        return (shlex.join([*first, "denoiser.safetensors"]),)
    second = [*words, *epochs, "--from", "first.safetensors"]
    second += ["--against", _named(model), *_told(model), "--out", "denoiser.safetensors"]
    return shlex.join([*first, "first.safetensors"]), shlex.join(second)


def _named(model: ModelSpec) -> str:
    """The model as a command names it."""
    return model.weights.removeprefix(f"{CALL_PREFIX}:").partition("#")[0]


def _epochs(images: int, usual: int) -> list[str]:
    """Passes, where it is known over how many images; the command finds them itself elsewhere."""
    return ["--epochs", str(epochs_over(images, usual))] if images else []


def _options(**values: str | int | None) -> list[str]:
    """Options for what is not None."""
    pairs = ([f"--{name}", str(one)] for name, one in values.items() if one is not None)
    return [word for pair in pairs for word in pair]


def _told(model: ModelSpec) -> list[str]:
    """What a file of weights may leave open."""
    words = _options(arch=model.arch)
    for name, values in (("--mean", model.mean), ("--std", model.std)):
        words += [] if values is None else [name, *map(str, values)]
    return words + (["--channel-order", model.channel_order] if model.reversed else [])


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
    ]


def certify_command(model: ModelSpec, data: DataSpec, sigma: float) -> str:
    """What certifies a model, behind the denoiser that it may name."""
    words = ["./irs", "certify", "--model", _named(model), "--sigma", str(sigma)]
    return shlex.join([*words, *_given(model, data)])


def ways_command(model: ModelSpec, data: DataSpec, sigma: float) -> str:
    """What compares the ways by a pilot."""
    words = ["./irs", "ways", _named(model), "--sigma", str(sigma)]
    return shlex.join([*words, *_given(model, data)])


def option_words(name: str, value: object) -> list[str]:
    """A setting as an option of a command: `--max-images 5`, `--no-flip`, `--mean 0.5 0.5`."""
    option = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{option}" if value else f"--no-{option}"]
    return [f"--{option}", *map(str, value if isinstance(value, tuple) else (value,))]


def about(seconds: float) -> str:
    """A predicted time in words: `about 40 s`, `about 12 min`, `about 3.5 h`."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h"
