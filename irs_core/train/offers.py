"""What helps a model that was not trained under the noise, as commands to type."""

from irs_core.data import Dataset
from irs_core.models import LoadedModel
from irs_core.models.gradients import runs_in_torch
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.train.commands import about, denoiser_commands, finetune_command, ways_command
from irs_core.train.pace import PACE_IMAGES, training_pace
from irs_core.train.passes import TUNING_EPOCHS, epochs_over, training_images
from irs_core.train.task import fitting_levels


def offered(
    model: ModelSpec, data: DataSpec, sigma: float, base: LoadedModel, dataset: Dataset
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ways that are open, by the names of `irs_core.ways.Way`, and a sentence about each.

    The last sentence is about the pilot that compares them. Fine-tuning is timed here for a moment.

    Args:
        data: The images as they were read, fitted to the model; `dataset` holds them.
        sigma: Noise in pixel units.
    """
    ways, said = [], []
    # Training reads a model as red, green, blue.
    pace = None
    if not model.reversed:
        first = slice(0, PACE_IMAGES)
        pace = training_pace(base.classifier, dataset.images(first), dataset.labels)
    levels = fitting_levels(*dataset.input_shape[1:])
    images = training_images(data)
    if base.parts is None and levels:
        ways.append("denoised")
        steps = denoiser_commands(
            model, data, sigma, against=pace is not None, images=images, levels=levels
        )
        said.append(
            "A denoiser in front leaves the model as it is: "
            f"{' ; '.join(steps)} ; then --denoise denoiser.safetensors."
        )
    if pace is not None:
        ways.append("fine-tuned")
        time = _training_time(images, pace)
        command = finetune_command(model, data, sigma, images)
        said.append(f"Fine-tuning changes its weights{time}: {command}")
    elif not runs_in_torch(base):
        said.append(
            "Given as PyTorch weights, or as a function that builds it, the model could be "
            "fine-tuned, and a denoiser could learn from its own answers."
        )
    said.append(f"A pilot compares the ways first: {ways_command(model, data, sigma)}")
    return tuple(ways), tuple(said)


def _training_time(images: int, pace: float) -> str:
    """How long fine-tuning takes here, or that it lacks training images.

    Args:
        pace: Images per second.
    """
    if not images:
        return ", which needs labelled images in a split train (none was found)"
    passes = epochs_over(images, TUNING_EPOCHS)
    return f" ({about(passes * images / pace)} here: {passes} passes over {images:,} images)"
