"""Certificates and what follows from them, for the pages that explore a study, cached."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from irs_core.analysis import close_up
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.close_up import read_answers
from irs_core.analysis.close_up import votes as votes_of
from irs_core.analysis.equal_draws import (
    EqualDraws,
    Prefixes,
    at_draws,
    draw_steps,
    read_prefixes,
)
from irs_core.analysis.losses import losses as losses_of
from irs_core.certify import Certificates
from irs_core.errors import DatasetError
from irs_core.foreign import asking as foreign
from irs_core.metrics import certified_accuracy
from irs_core.spec.settings import Settings
from irs_core.spec.study import DataSpec
from irs_core.store import BASE, Study, StudyRecord
from irs_core.store.evidence import Predictions
from ui.explore import planning
from ui.explore.distributions import Bounds
from ui.explore.inputs import ReadImages
from ui.explore.radii import RadiusCurve, common_radii, curve
from ui.shared import analyses, inventory, library
from ui.shared.once import once


@st.cache_resource(max_entries=256, show_spinner=False)
def _certificates(
    key: library.StudyKey, settings: Settings, _study: Study, _work: Analysis | None = None
) -> list[Certificates]:
    result = _work or analyses.analysis(_study, settings)
    return [result.main_certificates(model.name) for model in _study.record.models]


def certificates(study: Study, settings: Settings) -> list[Certificates]:
    """Certificates of every model at the largest budget, the original's first."""
    return _certificates(library.study_key(study), settings, study)


def foresee(studies: Sequence[Study], work: Analysis) -> None:
    """Make the certificates of every model of the studies; the analysis is of the first."""
    settings = work.settings
    for one in studies:
        own = work if one is studies[0] else analyses.own_analysis(one, settings)
        _certificates(library.study_key(one), settings, one, own)


def losses(study: Study, settings: Settings, name: str) -> NDArray[np.int64]:
    """What lost each reported input to a compressed model, a `Loss` each, (inputs,)."""
    at = [model.name for model in study.record.models].index(name)
    made = certificates(study, settings)
    labels = analyses.analysis(study, settings).labels
    equal = analyses.at_equal_draws(study, settings, name)
    return once(losses_of, made[0], made[at], labels, equal)


@st.cache_resource(max_entries=32, show_spinner="Counting draws...")
def _prefixes(key: library.StudyKey, name: str, settings: Settings, _study: Study) -> Prefixes:
    steps = draw_steps(_study.record.spec.n_p)
    return read_prefixes(_study, analyses.analysis(_study, settings), name, steps)


def at_number_of_draws(
    study: Study, settings: Settings, name: str, draws: int
) -> EqualDraws | None:
    """Both models at one of the numbers of `draw_steps`; None where draws are missing."""
    # Counts know no levels: those of the study's own settings serve all others.
    own = Settings.of(study.record.spec)
    prefixes = _prefixes(library.study_key(study), name, own, study)
    return once(at_draws, analyses.analysis(study, settings), prefixes, draws)


@st.cache_resource(max_entries=32, show_spinner="Counting draws...")
def _side_prefixes(
    key: library.StudyKey, name: str, settings: Settings, steps: tuple[int, ...], _study: Study
) -> Prefixes:
    return read_prefixes(_study, analyses.analysis(_study, settings), name, steps)


def at_step(
    study: Study, settings: Settings, name: str, steps: tuple[int, ...], draws: int
) -> EqualDraws | None:
    """A model, which may be the original, at one of some numbers of draws; None where draws are
    missing."""
    own = Settings.of(study.record.spec)
    prefixes = _side_prefixes(library.study_key(study), name, own, steps, study)
    return once(at_draws, analyses.analysis(study, settings), prefixes, draws)


def radius_curves(
    study: Study, others: Sequence[Study], settings: Settings, names: Sequence[str]
) -> list[RadiusCurve]:
    """Certified accuracy against radius of models, in this study and in others that have them."""
    labels = library.study_labels([one.record for one in (study, *others)])
    found = [
        (one, model, certificates(one, settings)[at])
        for one in (study, *others)
        for at, model in enumerate(one.record.models)
        if model.name in names
    ]
    grid = once(common_radii, [one for _, _, one in found])
    return [
        once(
            curve,
            model.name,
            model.title,
            labels[one.record.id],
            one.record.spec.noise.kind,
            certificate,
            once(_labels, one.record),
            grid,
        )
        for one, model, certificate in found
    ]


def _labels(record: StudyRecord) -> NDArray[np.int64]:
    """Labels of the reported inputs."""
    return np.asarray(record.data.labels, np.int64)[np.asarray(record.data.reported, np.bool_)]


def _positions(record: StudyRecord) -> NDArray[np.int64]:
    """Where the reported inputs are in their data set."""
    return np.asarray(record.data.indices, np.int64)[np.asarray(record.data.reported, np.bool_)]


def bounds(
    study: Study, others: Sequence[Study], settings: Settings, names: Sequence[str]
) -> list[Bounds]:
    """Bounds on p_A of models, in this study and in others that have them."""
    labels = library.study_labels([one.record for one in (study, *others)])
    return [
        Bounds(
            model.name,
            f"{model.title}, {labels[one.record.id]}" if others else model.title,
            labels[one.record.id],
            certificates(one, settings)[at].p_lower,
            once(_positions, one.record),
        )
        for one in (study, *others)
        for at, model in enumerate(one.record.models)
        if model.name in names
    ]


def certified(
    study: Study, settings: Settings, radii: tuple[float, ...]
) -> dict[float, list[float]]:
    """Certified accuracy of every model at each radius, the original's first."""
    labels = analyses.analysis(study, settings).labels
    shares = [
        certified_accuracy(one, labels, list(radii)).tolist()
        for one in certificates(study, settings)
    ]
    return {radius: [one[at] for one in shares] for at, radius in enumerate(radii)}


@st.cache_resource(max_entries=64, show_spinner="Computing sample sizes...")
def radius_plans(p: float, sigma: float, alpha: float) -> list[planning.RadiusPlan]:
    """Draws against radius, for a supposed p_A and for round values of it."""
    return planning.radius_plans(p, sigma, alpha)


@st.cache_resource(max_entries=64, show_spinner="Computing sample sizes...")
def width_plans(error: float, alpha: float, least_p: float = 0.5) -> list[planning.WidthPlan]:
    """Draws against p for each interval, at one width."""
    return planning.width_plans(error, alpha, least_p=least_p)


def image_reader(study: Study, root: str | None) -> ReadImages:
    """Reads images of a study in [0, 1], (k, C, H, W), by their positions in the full set.

    Args:
        root: Folder to read instead of the one that the study names.

    Raises:
        DatasetError: The images are not there, or are not the study's.
    """
    return _image_reader(library.study_key(study), root, study)


@st.cache_resource(max_entries=8, ttl=300, show_spinner="Looking for the images...")
def _image_reader(key: library.StudyKey, root: str | None, _study: Study) -> ReadImages:
    record = _study.record
    spec = _data_of(_study, root)
    inventory.check_data(spec)
    indices, labels = record.data.indices, record.data.labels
    if spec.root is None:
        return _shipped_images(spec, indices, labels)
    foreign.check_images(spec, indices, labels, library.store_root())
    return lambda rows: _pixels(key, spec, tuple(rows.tolist()), _study)


def _data_of(study: Study, root: str | None) -> DataSpec:
    """Where the images of a study are.

    Raises:
        DatasetError: Only the study says so, and it is from elsewhere.
    """
    spec = study.record.spec.data
    if study.origin == "imported" and spec.root is not None:
        if root is None:
            raise DatasetError(
                "a study from elsewhere does not say which files are opened here: name the folder "
                "of its images"
            )
        spec = replace(spec, class_list=None)
    return spec if root is None else replace(spec, root=root)


def _shipped_images(spec: DataSpec, indices: Sequence[int], labels: Sequence[int]) -> ReadImages:
    """Images that come with the program."""
    from irs_core.data import open_source, with_channels

    source = open_source(spec)
    positions = np.asarray(indices)
    if positions.max() >= len(source.labels) or not np.array_equal(
        source.labels[positions], labels
    ):
        raise DatasetError(f"{source.description} holds other images than the study's")
    return lambda rows: with_channels(source.read(rows), spec.channels).unit()


@st.cache_data(max_entries=64, ttl=300, show_spinner="Reading images...")
def _pixels(
    key: library.StudyKey, spec: DataSpec, rows: tuple[int, ...], _study: Study
) -> NDArray[np.float32]:
    del key  # Part of what it is kept by.
    data = _study.record.data
    return foreign.read_images(spec, rows, data.indices, data.labels, library.store_root())


@st.cache_data(max_entries=256, show_spinner="Reading predictions...")
def _votes(key: library.StudyKey, name: str, row: int, _study: Study) -> NDArray[np.int64]:
    record = _study.record
    draws = record.spec.n if name == BASE else record.spec.n_p[-1]
    return votes_of(_answers(_study, name, row, 0, draws), len(record.data.classes))


def votes(study: Study, name: str, row: int) -> NDArray[np.int64]:
    """How often a model answered each class on the stored estimation draws of one input."""
    return _votes(library.study_key(study), name, row, study)


def answers(study: Study, name: str, row: int, start: int, count: int) -> Predictions:
    """A model's stored answers on draws [start, start + count) of one input, gaps marked."""
    return _answers(study, name, row, start, count)


def _answers(study: Study, name: str, row: int, start: int, count: int) -> Predictions:
    model = next(one for one in study.record.models if one.name == name)
    array = study.evidence(model.evidence["estimate"])
    return read_answers(array, row, start + count)[start:]


def noisy_copies(
    study: Study, row: int, image: NDArray[np.float32], start: int, seed: int
) -> NDArray[np.float32]:
    """Eight noisy copies of an input, those of the study where the seed is its own."""
    record = study.record
    spec = replace(record.spec, noise=replace(record.spec.noise, seed=seed))
    return close_up.noisy_copies(
        image, spec, close_up.noise_group(spec, record.data, row), start=start
    )
