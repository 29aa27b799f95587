"""What the child runs: JSON in; JSON and arrays out. Only `irs_core.sandbox` calls these."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from irs_core.errors import DatasetError
from irs_core.foreign.answers import TRIED_IMAGES
from irs_core.spec.study import DataSpec, ModelSpec, StudySpec

Json = dict[str, Any]
# Training images and noisy copies of a pilot that somebody waits for on a page.
PILOT_IMAGES, PILOT_DRAWS = 1000, 20


def model_file(path: str) -> None:
    """Read a model file of any kind, running nothing of it."""
    from irs_core.graphs import is_graph_file, read_graph
    from irs_core.models import read_checkpoint

    if is_graph_file(path):
        read_graph(Path(path))
    else:
        read_checkpoint(Path(path))


def denoiser_file(path: str) -> None:
    """Read a denoiser of either kind, running nothing of it."""
    from irs_core.models.denoised import load_denoiser

    load_denoiser(path)


def model(spec: Json) -> Json:
    """What a weights file turns out to hold."""
    from irs_core.models import load_model

    found = load_model(model_spec(spec))
    return {
        "arch": found.arch,
        "num_classes": found.num_classes,
        "input_shape": found.input_shape,
        "parameters": found.parameters,
        "size_bytes": found.size_bytes,
        "digest": found.digest,
    }


def digest(text: str) -> str:
    """The first digits of the digest of a compressed model's file."""
    from irs_core.graphs import file_compression
    from irs_core.spec.parts import file_of

    named = file_compression(text)
    found = None if named is None else file_of(named)
    assert found is not None
    return found.digest


def data_file(path: str) -> None:
    """Read the test split of an .npz data set."""
    from irs_core.data import open_source

    open_source(DataSpec("npz", path))


def data(spec: Json) -> Json:
    """What a data specification selects."""
    from irs_core.data import open_source
    from irs_core.data.base import select

    chosen = DataSpec(**spec)
    source = open_source(chosen)
    _, reported = select(len(source.labels), chosen)
    return {
        "description": source.description,
        "classes": len(source.classes),
        "total": len(source.labels),
        "reported": int(reported.sum()),
        "held_out": int((~reported).sum()),
    }


def class_list(spec: Json, weights: str) -> str | None:
    """The list by which a model's own files number the classes of the data."""
    from irs_core.data import with_model_classes

    return with_model_classes(DataSpec(**spec), weights).class_list


def images(
    spec: Json, rows: Sequence[int], indices: Sequence[int], labels: Sequence[int]
) -> dict[str, Any]:
    """Images in [0, 1] at positions of a set whose labels at `indices` are those of a study."""
    from irs_core.data import open_source, with_channels

    chosen = DataSpec(**spec)
    source = open_source(chosen)
    positions = np.asarray(indices, np.int64)
    wanted = np.asarray(rows, np.int64)
    if max(positions.max(), wanted.max(initial=0)) >= len(source.labels) or not np.array_equal(
        source.labels[positions], np.asarray(labels, np.int64)
    ):
        raise DatasetError(f"{source.description} holds other images than the study's")
    if not len(wanted):
        return {}
    return {"pixels": with_channels(source.read(wanted), chosen.channels).unit()}


def dry_run(model: Json, data: Json, sigma: float, compressions: Sequence[str]) -> Json:
    """What a dry run measures."""
    from irs_core.check import check_model
    from irs_core.data import with_model_classes
    from irs_core.spec.compression_kinds import parse_compression

    original = model_spec(model)
    return check_model(
        original,
        with_model_classes(DataSpec(**data), original.weights),
        sigma=sigma,
        compressions=tuple(map(parse_compression, compressions)),
        most=TRIED_IMAGES,
    ).to_json()


def ways(model: Json, data: Json, sigma: float, radii: Sequence[float]) -> Json:
    """What a small pilot of each way predicts, and what a whole training would take."""
    from irs_core.data import load_dataset
    from irs_core.run.options import RunOptions
    from irs_core.train.images import training_images
    from irs_core.train.task import fitting_levels
    from irs_core.ways import Pilot, compare_ways

    chosen = DataSpec(**data)
    levels = fitting_levels(*load_dataset(chosen, 1).input_shape[1:])
    pilot = Pilot(sigma, tuple(radii), images=PILOT_IMAGES, draws=PILOT_DRAWS)
    found = compare_ways(
        model_spec(model), chosen, pilot, most=TRIED_IMAGES, levels=levels, options=RunOptions()
    )
    try:
        images = training_images(chosen)
    except DatasetError:
        # Every way that needs them says so.
        images = 0
    return {"ways": [one.to_json() for one in found], "levels": levels, "images": images}


def runs(study: Mapping[str, Any], backend: Any) -> None:
    """Convert the original, and compressed models that are files, and run each on one image."""
    from irs_core.data import load_dataset
    from irs_core.models import load_model
    from irs_core.run.options import RunOptions
    from irs_core.run.prepare import prepare
    from irs_core.spec.parts import file_of

    whole = StudySpec.from_dict(dict(study))
    files = tuple(one for one in whole.compressions if file_of(one) is not None)
    spec = replace(whole, compressions=files, data=replace(whole.data, max=1, stride=1, holdout=0))
    dataset = load_dataset(spec.data)
    for one in prepare(spec, load_model(spec.model), dataset, RunOptions(backend=backend)):
        one.predictor(dataset.images(slice(None)))


def bundle(path: str, most: int) -> Json:
    """The study in a bundle that passes every check."""
    from irs_core.store import read_bundle

    record = read_bundle(Path(path), most).record
    return {"id": record.id, "title": record.title}


def results_file(path: str) -> None:
    """Check a file of results in the format of Cohen et al."""
    from irs_core.report import read_results

    read_results(Path(path))


def results(folder: str) -> list[Json]:
    """What the imported files of results say."""
    from irs_core.report import imported_results

    return [
        {
            "name": one.name,
            "inputs": len(one),
            "accuracy": one.accuracy,
            "acr": one.acr,
            "rounded": one.rounded,
            "origin": one.origin,
            "digest": one.digest,
        }
        for one in imported_results(Path(folder))
    ]


def model_spec(fields: Json) -> ModelSpec:
    """A model's description from JSON, which has no tuples."""
    tuples = {name: fields[name] and tuple(fields[name]) for name in ("mean", "std")}
    return ModelSpec(**{**fields, **tuples})
