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
    >>> bool(result.certified_accuracy(0.25).value == (result.certificates().radius > 0.25).mean())
    True

A study that was run before, here or by the program's makers, is opened by its id:

    >>> from irs_core.api import decide, open_study
    >>> decide(open_study("f6529b"), "int8", radius=0.5, tolerance=0.05).verdict
    'holds'
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from irs_core import metrics
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import preset_requirement, study_decision
from irs_core.analysis.kept_tally import open_tally
from irs_core.analysis.ledger import with_fixed_split
from irs_core.analysis.results import Interval, share_interval
from irs_core.certify import Certificates
from irs_core.check import CheckReport, check_model
from irs_core.data import load_dataset, with_model_classes
from irs_core.decide import Decision, Requirement
from irs_core.errors import ChannelsError, IrsError, SpecError, UnknownKeyError
from irs_core.goals.deciding import Limits, deciding_spec, run_deciding
from irs_core.models import load_model
from irs_core.models.objects import Classifier, adopt, count_classes
from irs_core.report import study_table, summary_html, write_report
from irs_core.report.figures import accuracy_figure, time_figure
from irs_core.report.waterfall import study_waterfall
from irs_core.run.named import named_compressions, named_model
from irs_core.run.options import Progress, RunOptions
from irs_core.run.study import check_fit, run_study
from irs_core.spec.compressions import Compression
from irs_core.spec.data_kinds import DataKind
from irs_core.spec.paths import expanded
from irs_core.spec.settings import Settings
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.spec.study_file import parse_budgets
from irs_core.store import BASE, Library, Study, StudyRecord

PLOTS = ("acr_time", "certified_accuracy", "waterfall")


@dataclass(frozen=True)
class Model:
    """A model and the images on which it is certified; both were read once and fit together.

    Args:
        digest: SHA-256 of the model, as in the key of its evidence.
    """

    spec: ModelSpec
    data: DataSpec
    digest: str

    def __repr__(self) -> str:
        """Return the weights, the digest's beginning and the data."""
        return f"<Model {self.spec.weights} ({self.digest[:12]}) on {self.data.kind}>"

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
    """A finished study.

    Args:
        library: Where its evidence is.
    """

    record: StudyRecord
    analysis: Analysis
    library: Library

    def __repr__(self) -> str:
        """Return the id, the title and the models."""
        names = ", ".join(model.name for model in self.record.models)
        return f"<Result {self.id[:6]} {self.record.title!r}: {names}>"

    def _repr_html_(self) -> str:
        return summary_html(self.record, self.analysis)

    @property
    def id(self) -> str:
        """Of the study, on every page and command."""
        return self.record.id

    @property
    def acr(self) -> dict[str, float]:
        """Average certified radius of every classifier, pixel units, by name; `base` is the
        original. Different numbers of draws are behind them: `compare(result, "gaps")` is fair.
        """
        return {one.name: self.analysis.summary(one.name).acr.value for one in self.record.models}

    def certified_accuracy(self, radius: float, name: str = BASE) -> Interval:
        """Share of inputs that are answered right and certified above a radius (pixel units),
        with its exact 95% interval over inputs."""
        counted = metrics.counted_radii(self.certificates(name), self.analysis.labels)
        return share_interval(counted > radius)

    def to_frame(self, table: str = "summary") -> pd.DataFrame:
        """A table of the study; see `compare`."""
        return compare(self, table)

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
    n_p: Sequence[int | str] | None = None,
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
        n_p: Draws per input of a compressed model, numbers or percent of n ("1%"); None for 1, 2,
            5 and 10%.
        store: Folder of the evidence; None for that of the pages and the command line.
        settings: As in `StudySpec`: n0, alpha, alpha_zeta, gamma, baseline, methods, radii (with
            the method `seq`), tolerance, name. Lists will do for tuples.

    Raises:
        IrsError: A value breaks a rule, or the model, the data or the disk refuse.
    """
    given: dict[str, Any] = {
        key: tuple(one) if isinstance(one, list) else one for key, one in settings.items()
    }
    budgets = parse_budgets([str(one) for one in n_p or ("1%", "2%", "5%", "10%")], n)
    asked = StudySpec(
        model.spec,
        model.data,
        NoiseSpec(sigma, seed=seed),
        model.compressions(compressions),
        n=n,
        n_p=tuple(sorted({max(1, one) for one in budgets})),
        **given,
    )
    spec = with_fixed_split(asked)
    library = Library(None if store is None else expanded(store))
    options = replace(options or RunOptions(), programs=True)
    record = run_study(spec, library, options=options, on_progress=on_progress)
    return _result(library.open(record.id), library)


def open_study(study_id: str, *, store: str | Path | None = None) -> Result:
    """A study that was run before: your own, a shipped or an imported one.

    Args:
        study_id: Its id, or the first digits.
        store: Folder of the evidence; None for that of the pages and the command line.

    Raises:
        IrsError: There is none, or several, or its draws are not all there.
    """
    library = Library(None if store is None else expanded(store))
    return _result(library.open(study_id), library)


def _result(study: Study, library: Library) -> Result:
    settings = Settings.of(study.record.spec)
    return Result(study.record, Analysis(open_tally(study, library.root), settings), library)


def decide(
    result: Result,
    name: str,
    *,
    run: bool = False,
    draws: float | None = None,
    seconds: float | None = None,
    **limits: Any,
) -> Decision:
    """May a compressed model of the study replace its original?

    Args:
        name: The compressed model's name; with `run` any compression, as for `certify`.
        run: Draw what is missing, input by input, until the requirement is settled. The original's
            draws are used again, and the new ones are kept as a study of their own.
        draws, seconds: With `run`, about so many draws per input, and so much time, at most.
        limits: As in `Requirement`: radius, tolerance, max_loss, confidence, min_certified, ...;
            without a radius those of `preset_requirement`.

    Raises:
        IrsError: A limit breaks a rule, or the study has no such compressed model.
    """
    preset = preset_requirement(result.record.spec.noise.sigma)
    asked = limits if "radius" in limits else {**preset.to_json(), **limits}
    requirement = Requirement.from_json(asked)
    if run:
        result = _drawn(result, name, requirement, Limits(draws, seconds))
        name = result.record.compressed[0].name
    return study_decision(result.record, result.analysis, name, requirement)


def _drawn(result: Result, name: str, requirement: Requirement, limits: Limits) -> Result:
    spec, library = result.record.spec, result.library
    library.take_over(library.open(result.id))
    model = Model(spec.model, spec.data, result.record.base.digest)
    (compression,) = model.compressions([name])
    study = run_deciding(
        deciding_spec(spec, compression, requirement),
        str(compression),
        requirement,
        library,
        partial(run_study, options=RunOptions(programs=True)),
        limits=limits,
    )
    return _result(study, library)


def compare(result: Result, table: str = "summary") -> pd.DataFrame:
    """A table of the study, one of `irs_core.report.TABLES`, e.g. curves or gaps.

    Raises:
        UnknownKeyError: There is no such table.
    """
    return study_table(result.record, result.analysis, table)


def plot(result: Result, page: str = "acr_time") -> Any:
    """A figure, as on the page of that name: `acr_time`, `certified_accuracy`; or `waterfall`.

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
    makers = (time_figure, accuracy_figure, study_waterfall)
    figure = dict(zip(PLOTS, makers, strict=True))[page](result.record, result.analysis)
    if figure is None:
        raise UnknownKeyError("no compressed model of the study ran on the original's first draws")
    return go.Figure(figure)
