"""Certification in a notebook: load, certify, compare, plot.

    model = load("shipped:digits-0.50", data="digits", max=10)
    result = certify(model, ["fp16", "prune:0.1"], sigma=0.5, n=500, n_p=[50, 100])
    compare(result)
    plot(result, "acr_time")

The names are those of the pages, the evidence is that of the pages and of the command line: what
one of them computed, the others find. None of this needs streamlit; `plot` and HTML reports need
plotly.

    >>> from irs_core.api import certify, compare, load
    >>> import tempfile
    >>> model = load("shipped:digits-0.50", data="digits", max=4)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = certify(model, ["fp16"], sigma=0.5, n=200, n0=20, n_p=[50], store=folder)
    >>> compare(result)["model"].tolist()
    ['original (fp32)', 'fp16 weights']
    >>> result.certificates("fp16").predicted.tolist()
    [3, 7, 1, 5]
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import preset_requirement, study_decision
from irs_core.analysis.kept_tally import open_tally
from irs_core.analysis.ledger import with_fixed_split
from irs_core.certify import Certificates
from irs_core.check import CheckReport, check_model
from irs_core.data import load_dataset, with_model_classes
from irs_core.decide import Decision, Requirement
from irs_core.errors import ChannelsError, IrsError, SpecError, UnknownKeyError
from irs_core.models import load_model
from irs_core.models.objects import Classifier, adopt, count_classes
from irs_core.report import study_table, write_report
from irs_core.report.figures import accuracy_figure, time_figure
from irs_core.run.named import named_compressions, named_model
from irs_core.run.options import Progress, RunOptions
from irs_core.run.study import check_fit, run_study
from irs_core.spec.compressions import Compression
from irs_core.spec.data_kinds import DataKind
from irs_core.spec.paths import expanded
from irs_core.spec.settings import Settings
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.store import BASE, Library, StudyRecord

PLOTS = ("acr_time", "certified_accuracy")


@dataclass(frozen=True)
class Model:
    """A model and the images on which it is certified; both were read once and fit together.

    Args:
        digest: SHA-256 of the model, as in the key of its evidence.
    """

    spec: ModelSpec
    data: DataSpec
    digest: str

    def check(self, sigma: float, compressions: Sequence[str] = ()) -> CheckReport:
        """A dry run: accuracy with and without noise, speed, agreement."""
        return check_model(
            self.spec,
            self.data,
            sigma=sigma,
            compressions=self.compressions(compressions),
            options=RunOptions(programs=True),
        )

    def compressions(self, texts: Sequence[str]) -> tuple[Compression, ...]:
        """Compressed models from their texts; see `certify`."""
        return named_compressions(texts, data=self.data, num_classes=self.spec.num_classes)


@dataclass(frozen=True, eq=False)
class Result:
    """A finished study."""

    record: StudyRecord
    analysis: Analysis

    @property
    def id(self) -> str:
        """Of the study, on every page and command."""
        return self.record.id

    def certificates(self, name: str = BASE) -> Certificates:
        """Certificates of one classifier, at its largest n_p, certified by its main method.

        Args:
            name: `base`, or the text of a compression.

        Raises:
            UnknownKeyError: The study has no such classifier.
        """
        names = [model.name for model in self.record.models]
        if name not in names:
            raise UnknownKeyError(f"the study has no model {name!r}; it has {', '.join(names)}")
        return self.analysis.main_certificates(name)

    def report(self, path: str | Path, *, table: str = "summary", model: str = BASE) -> None:
        """Write a report or a table; the suffix decides, as for the command `report`."""
        write_report(expanded(path), self.record, self.analysis, table=table, model=model)


def load(
    weights: str | None = None,
    *,
    model: Classifier | None = None,
    name: str | None = None,
    arch: str | None = None,
    num_classes: int | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    output: str | None = None,
    data: DataKind = "digits",
    root: str | None = None,
    **subset: Any,
) -> Model:
    """A model and its data, read and checked.

    Args:
        weights: A file (safetensors, .pth, .onnx, .xml, TorchScript), shipped:NAME,
            package.module:make (a function of your own code), or the URL of a model behind a
            server that speaks the Open Inference Protocol, http://HOST:PORT/v2/models/NAME.
        model, name: In its place an object: a PyTorch module that takes [0, 1] images, or a
            callable of numpy batches (B, C, H, W) to scores (B, K) or class ids (B,). A callable
            needs a name, which stands for what it answers; see `adopt`.
        num_classes: None takes it from the file, the object's scores or the data.
        output: Name of the output that holds the scores, of a graph file that has several.
        data, root, subset: As in `DataSpec`: split, start, stride, max, holdout, size,
            channels (None makes them fit the model), class_list.

    Raises:
        IrsError: One of them cannot be used, or they do not fit together.
    """
    if (weights is None) == (model is None):
        raise SpecError("load takes weights or a model, one of them; got both or none")
    chosen = DataSpec(data, None if root is None else str(root), **subset)
    chosen = chosen if weights is None else with_model_classes(chosen, str(weights))
    dataset = load_dataset(chosen)
    if model is not None:
        classes = num_classes or len(dataset.classes)
        weights = adopt(model, name=name, num_classes=classes)
        num_classes = num_classes or count_classes(weights, dataset.images(np.arange(1)))
    spec = ModelSpec(
        str(weights),
        arch,
        num_classes,
        None if mean is None else tuple(mean),
        None if std is None else tuple(std),
        output,
    )
    if model is None:
        spec = named_model(spec, chosen)
    loaded = load_model(spec, programs=True)
    try:
        check_fit(StudySpec(spec, chosen, NoiseSpec(1.0), ()), loaded, dataset)
    except ChannelsError as error:
        chosen = replace(chosen, channels=error.channels)
    return Model(spec, chosen, loaded.digest)


def certify(
    model: Model,
    compressions: Sequence[str] = (),
    *,
    sigma: float,
    seed: int = 0,
    n_p: Sequence[int] | None = None,
    n: int = 10_000,
    store: str | Path | None = None,
    options: RunOptions | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    **settings: Any,
) -> Result:
    """Certify a model once and its compressed versions incrementally.

    Args:
        compressions: Texts as on the command line: `fp16`, `int8`, `file:PATH`,
            `call:package.module:make`, a URL, ...; or what `adopt` gives for an object.
        sigma: Noise in pixel units.
        n_p: Draws per input of a compressed model; None for 1, 2, 5 and 10% of n.
        store: Folder of the evidence; None for that of the pages and the command line.
        settings: As in `StudySpec`: n0, alpha, alpha_zeta, gamma, baseline, name.

    Raises:
        IrsError: A value breaks a rule, or the model, the data or the disk refuse.
    """
    budgets = n_p or sorted({max(1, n * share // 100) for share in (1, 2, 5, 10)})
    asked = StudySpec(
        model.spec,
        model.data,
        NoiseSpec(sigma, seed=seed),
        model.compressions(compressions),
        n=n,
        n_p=tuple(budgets),
        **settings,
    )
    spec = with_fixed_split(asked)
    library = Library(None if store is None else expanded(store))
    options = replace(options or RunOptions(), programs=True)
    record = run_study(spec, library, options=options, on_progress=on_progress)
    return Result(
        record, Analysis(open_tally(library.open(record.id), library.root), Settings.of(spec))
    )


def decide(result: Result, name: str, **limits: Any) -> Decision:
    """May a compressed model of the study replace its original?

    Args:
        name: The compressed model's name.
        limits: As in `Requirement`: radius, tolerance, max_loss, confidence, min_certified, ...;
            without a radius those of `preset_requirement`.

    Raises:
        IrsError: A limit breaks a rule, or the study has no such compressed model.
    """
    preset = preset_requirement(result.record.spec.noise.sigma)
    asked = limits if "radius" in limits else {**preset.to_json(), **limits}
    requirement = Requirement.from_json(asked)
    return study_decision(result.record, result.analysis, name, requirement)


def compare(result: Result, table: str = "summary") -> pd.DataFrame:
    """A table of the study, one of `irs_core.report.TABLES`, e.g. curves or gaps.

    Raises:
        UnknownKeyError: There is no such table.
    """
    return study_table(result.record, result.analysis, table)


def plot(result: Result, page: str = "acr_time") -> Any:
    """A figure, as on the page of that name: `acr_time` or `certified_accuracy`.

    Raises:
        UnknownKeyError: There is no such figure.
        IrsError: plotly is not installed.
    """
    if page not in PLOTS:
        raise UnknownKeyError(f"there are figures named {', '.join(PLOTS)}; got {page!r}")
    try:
        import plotly.graph_objects as go
    except ModuleNotFoundError:
        raise IrsError("a figure needs the package plotly: pip install plotly") from None
    make = time_figure if page == "acr_time" else accuracy_figure
    return go.Figure(make(result.record, result.analysis))
