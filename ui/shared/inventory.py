"""What there is to certify and what it turns out to be: models, files, data; cached."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from irs_core.actions import require
from irs_core.foreign import asking as foreign
from irs_core.foreign.answers import DataFacts, DryRun, ModelFacts, Ways
from irs_core.people import Action
from irs_core.server_files import check_data_root, is_model_path
from irs_core.spec.compressions import Compression, FileModel
from irs_core.spec.data_kinds import KINDS
from irs_core.spec.outside import SHIPPED_PREFIX, is_url
from irs_core.spec.study import DataSpec, ModelSpec
from ui.shared import who
from ui.shared.library import store_root


@st.cache_resource(show_spinner="Reading model cards...")
def shipped() -> dict[str, dict[str, Any]]:
    """Cards of the models that come along, by name."""
    from irs_core.models import shipped_cards

    return shipped_cards("model")


def architectures() -> tuple[str, ...]:
    """Names of all known architectures."""
    from irs_core.models import known_architectures

    return known_architectures()


def denoisers() -> tuple[str, ...]:
    """Names of the denoisers that come along."""
    from irs_core.models import shipped_names

    return shipped_names("denoiser")


def model_facts(spec: ModelSpec) -> ModelFacts:
    """What a model turns out to be.

    Raises:
        IrsError: It cannot be read or does not fit its architecture.
    """
    paths = [Path(one).expanduser() for one in (spec.weights, spec.denoiser or "")]
    stamps = tuple(one.stat().st_mtime_ns if one.is_file() else 0 for one in paths)
    return _model_facts(spec, stamps)


@st.cache_data(max_entries=32, show_spinner="Reading the weights...")
def _model_facts(spec: ModelSpec, modified: tuple[int, ...]) -> ModelFacts:
    del modified  # Part of the key only.
    if not _is_shipped(spec) and not (is_url(spec.weights) and spec.denoiser is None):
        return foreign.model_facts(spec, store_root())
    from irs_core.models import load_model

    model = load_model(spec)
    shape = None if model.input_shape is None else tuple(model.input_shape)
    return ModelFacts(
        model.arch, model.num_classes, shape, model.parameters, model.size_bytes, model.digest
    )


@st.cache_data(max_entries=32, ttl=60, show_spinner="Asking the server...")
def served_model(url: str) -> str:
    """The text that names a model behind a server: its address and what it describes now.

    Raises:
        ServerError: IRS_MODEL_SERVERS does not list the server, or it cannot be reached.
    """
    from irs_core.models.objects import adopt_served
    from irs_core.models.served import check_listed

    return adopt_served(check_listed(url.partition("#")[0]))


def _is_shipped(spec: ModelSpec) -> bool:
    named = [spec.weights, *([] if spec.denoiser is None else [spec.denoiser])]
    return all(one.startswith(SHIPPED_PREFIX) for one in named)


def file_compression(text: str) -> FileModel:
    """The compressed model that `file:PATH` or `file-normalized:PATH` names, with its digest.

    Raises:
        CheckpointError: The file cannot be used.
    """
    path = Path(text.partition(":")[2])
    stamps = tuple(
        one.stat().st_mtime_ns if one.is_file() else 0 for one in (path, path.with_suffix(".bin"))
    )
    return _file_compression(text, stamps)


@st.cache_data(max_entries=32, show_spinner="Reading the file...")
def _file_compression(text: str, stamps: tuple[int, ...]) -> FileModel:
    del stamps  # Part of the key only.
    return foreign.file_compression(text, store_root())


def check_model(
    model: ModelSpec, data: DataSpec, sigma: float, compressions: tuple[Compression, ...]
) -> DryRun:
    """A dry run of a model; not cached, because the speed is part of it.

    Raises:
        IrsError: The model, the data or a compression cannot be used.
    """
    check_data(data)
    with st.spinner("Running the model..."):
        return foreign.dry_run(model, data, sigma, compressions, store_root())


def with_model_classes(spec: DataSpec, weights: str) -> DataSpec:
    """The data with their classes numbered as the model's own files say, if they do.

    Raises:
        IrsError: The data or the list cannot be read, or are not for the app to read.
    """
    named = spec.class_list is not None or weights.startswith(SHIPPED_PREFIX) or is_url(weights)
    if named or spec.root is None or not KINDS[spec.kind].resized:
        return spec
    require(who.acting(), Action.READ_FILE, spec.root)
    check_data(spec)
    return _with_model_classes(spec, weights)


@st.cache_data(max_entries=32, ttl=60, show_spinner="Looking for names of classes...")
def _with_model_classes(spec: DataSpec, weights: str) -> DataSpec:
    return foreign.with_model_classes(spec, weights, store_root())


def compare_ways(model: ModelSpec, data: DataSpec, sigma: float) -> Ways:
    """A pilot of what helps a model that was not trained under the noise; not cached.

    Raises:
        IrsError: The model or the data cannot be used, or it takes more than it may.
    """
    # A list of classes lies beside the model's file, where no data need to be.
    check_data(replace(data, class_list=None))
    with st.spinner("Training each way for a moment..."):
        return foreign.ways(model, data, sigma, store_root())


def data_facts(spec: DataSpec) -> DataFacts:
    """What a data specification selects; asked again after a minute.

    Raises:
        NotAllowedError: Whoever uses the app may not name files.
        DatasetError: The data are missing, empty, damaged, too few, or not for the app to read.
    """
    if spec.root is not None:
        require(who.acting(), Action.READ_FILE, spec.root)
    check_data(spec)
    return _data_facts(spec)


@st.cache_data(max_entries=64, ttl=60, show_spinner="Looking at the data...")
def _data_facts(spec: DataSpec) -> DataFacts:
    if spec.root is not None:
        return foreign.data_facts(spec, store_root())
    from irs_core.data import open_source
    from irs_core.data.base import select

    source = open_source(spec)
    _, reported = select(len(source.labels), spec)
    own = int(reported.sum())
    return DataFacts(
        source.description, len(source.classes), len(source.labels), own, len(reported) - own
    )


def check_data(spec: DataSpec) -> None:
    """Refuse data that the app may not read.

    Raises:
        DatasetError: They lie outside the uploads and the folders in IRS_DATA_DIRS.
    """
    if spec.root is None:
        return
    check_data_root(spec.root, store_root(), split=spec.split if KINDS[spec.kind].folders else "")
    if spec.class_list is not None and not is_model_path(spec.class_list, store_root()):
        check_data_root(spec.class_list, store_root())
