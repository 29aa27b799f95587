"""Whether a model is the one that was meant and fits the data. Free of torch."""

from pathlib import Path
from typing import TYPE_CHECKING

from irs_core.data import Dataset
from irs_core.data.fitting import way_to_fit
from irs_core.errors import ChannelsError, CheckpointError, DatasetError
from irs_core.graphs.files import content_digest
from irs_core.run.options import RunOptions
from irs_core.spec.study import DataSpec, StudySpec

if TYPE_CHECKING:
    from irs_core.models import LoadedModel


def check_fit(spec: StudySpec, model: "LoadedModel", dataset: Dataset) -> None:
    """Refuse a model and data that cannot belong together.

    Raises:
        DatasetError: Shapes or classes differ.
    """
    _check_shape(spec.data, model, dataset)
    if spec.noise.integer and dataset.scale != spec.data.scale:
        raise DatasetError(
            f"{spec.noise.kind} noise is drawn on the grid of 8-bit pixels; the images have "
            f"{dataset.pixels.dtype}: take gaussian noise"
        )
    # Folders get their class numbers by alphabet: other folders, other numbers.
    places = not dataset.known
    if len(dataset.classes) > model.num_classes or (
        (places or spec.data.class_list) and len(dataset.classes) != model.num_classes
    ):
        raise DatasetError(
            f"the model has {model.num_classes} classes; {_classes(spec.data, dataset)}"
        )


def _classes(data: DataSpec, dataset: Dataset) -> str:
    way = "name the model's classes in their order (--classes FILE)"
    if data.class_list:
        return f"{Path(data.class_list).name} names {len(dataset.classes)}: {way}"
    known = "" if dataset.known else f": {way}"
    return f"the data have {len(dataset.classes)}{known}"


def _check_shape(data: DataSpec, model: "LoadedModel", dataset: Dataset) -> None:
    own, wanted = dataset.input_shape, model.input_shape
    if wanted is None or wanted == own:
        return
    way = way_to_fit(data.kind, wanted, own)
    if wanted[1:] != own[1:]:
        raise DatasetError(f"the model takes inputs of shape {wanted}; the images have {own}{way}")
    said = f"the model takes {wanted[0]} channels; the images have {own[0]}{way}"
    raise ChannelsError(said, wanted[0]) if way else DatasetError(said)


def check_network(spec: StudySpec, digest: str, options: RunOptions) -> None:
    """Refuse to draw about another network than the study whose draws are used again.

    Args:
        digest: Of the original as it was read now.

    Raises:
        CheckpointError: The path leads to another file by now, or in another folder.
    """
    if options.network not in (None, digest):
        raise CheckpointError(
            f"{spec.model.weights} holds a network of digest {digest[:16]}; the study is about "
            f"{options.network[:16]}: run this where it was certified, or certify the new one"
        )


def check_original(spec: StudySpec, options: RunOptions) -> None:
    """Refuse another file than the one whose programs may be run.

    Raises:
        CheckpointError: The original's file has changed since the study was queued.
    """
    if options.original is None:
        return
    found = content_digest(Path(spec.model.weights))
    if found != options.original:
        raise CheckpointError(
            f"{spec.model.weights} has changed: its digest begins with {found[:16]}, the study was "
            f"queued about {options.original[:16]}; queue it again"
        )
