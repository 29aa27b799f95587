"""What helps a model that was not trained under the noise, as commands to type."""

from irs_core.data import Dataset
from irs_core.errors import CheckpointError, DatasetError
from irs_core.models import LoadedModel
from irs_core.models.denoised import check_takes_denoiser
from irs_core.models.gradients import runs_in_torch
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.train.commands import about, denoiser_commands, finetune_command, ways_command
from irs_core.train.images import TUNING_EPOCHS, epochs_over, training_images
from irs_core.train.pace import PACE_IMAGES, training_pace
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
    first = slice(0, PACE_IMAGES)
    pace = training_pace(base.classifier, dataset.images(first), dataset.labels)
    levels = fitting_levels(*dataset.input_shape[1:])
    try:
        images, lacking = training_images(data), ""
    except DatasetError as error:
        images, lacking = 0, str(error)
    if base.parts is None and levels:
        refused = _refused(base)
        if refused:
            said.append(f"No denoiser can stand in front of it: {refused}.")
        else:
            ways.append("denoised")
            steps = denoiser_commands(
                model,
                data,
                sigma,
                against=pace is not None,
                images=images,
                folder="FOLDER" if lacking else None,
                levels=levels,
            )
            others = " FOLDER: other images than those certified, no labels." if lacking else ""
            said.append(
                "A denoiser in front leaves the model as it is: "
                f"{' ; '.join(steps)} ; then --denoise denoiser.safetensors.{others}"
            )
    if pace is not None:
        ways.append("fine-tuned")
        if lacking:
            said.append(f"Fine-tuning changes its weights, and needs labelled images: {lacking}.")
        else:
            passes = epochs_over(images, TUNING_EPOCHS)
            said.append(
                f"Fine-tuning changes its weights ({about(passes * images / pace)} here: {passes} "
                f"passes over {images:,} images): {finetune_command(model, data, sigma, images)}"
            )
    elif not runs_in_torch(base):
        also = ", and a denoiser could learn from its own answers" if "denoised" in ways else ""
        said.append(
            "Given as PyTorch weights, or as a function that builds it, the model could be "
            f"fine-tuned{also}."
        )
    said.append(f"A pilot compares the ways first: {ways_command(model, data, sigma)}")
    return tuple(ways), tuple(said)


def _refused(model: LoadedModel) -> str:
    """Why no denoiser can stand in front of a model; empty where one can."""
    try:
        check_takes_denoiser(model)
    except CheckpointError as error:
        return str(error)
    return ""
