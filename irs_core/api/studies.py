"""Studies: run one, open one, look at its numbers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import study_flags
from irs_core.analysis.kept_tally import open_tally
from irs_core.analysis.ledger import Ledger, ledger_in, with_fixed_split
from irs_core.analysis.results import Interval, mean_interval, share_interval
from irs_core.api.models import Model
from irs_core.certify import Certificates
from irs_core.errors import InvalidSampleError, UnknownKeyError
from irs_core.metrics import counted_radii
from irs_core.report import study_table, write_report
from irs_core.report.inline import study_html
from irs_core.report.model_card import model_card
from irs_core.run.options import Progress, RunOptions
from irs_core.run.study import run_study
from irs_core.spec.budgets import parse_budgets
from irs_core.spec.convention import Convention
from irs_core.spec.outward import text
from irs_core.spec.paths import expanded
from irs_core.spec.settings import Settings
from irs_core.spec.study import METHOD_NAMES, NoiseSpec, StudySpec
from irs_core.store import BASE, Library, Study, StudyRecord

_DIGITS = 4
_USUAL = ("1%", "2%", "5%", "10%")


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """A study with its evidence, under its own settings.

    Args:
        study: Its record and access to its draws.
        analysis: Certificates, curves and summaries.
        library: Where it lies.
    """

    study: Study
    analysis: Analysis
    library: Library

    @property
    def record(self) -> StudyRecord:
        """What was asked, of which models and inputs."""
        return self.study.record

    @property
    def id(self) -> str:
        """Of the study, on every page and command."""
        return self.record.id

    @property
    def names(self) -> tuple[str, ...]:
        """`base`, then the texts of the compressions."""
        return tuple(model.name for model in self.record.models)

    @property
    def ledger(self) -> Ledger:
        """What the confidence of the certificates covers."""
        return ledger_in(self.library, self.study, self.analysis.settings)

    def certificates(self, name: str = BASE) -> Certificates:
        """Certificates of one classifier, at its largest n_p, certified by its main method.

        Args:
            name: `base`, or the text of a compression.

        Returns:
            One row per reported input.

        Raises:
            UnknownKeyError: The study has no such classifier.
        """
        if name not in self.names:
            known = ", ".join(self.names)
            raise UnknownKeyError(f"the study has no model {name!r}; it has {known}")
        return self.analysis.main_certificates(name)

    @property
    def acr(self) -> dict[str, Interval]:
        """Average certified radius of each classifier, pixel units, by its name.

        Values and lower ends are rounded down, upper ends up, to four decimals. The interval is a
        95% bootstrap over inputs; see `Interval` for what it says.

            >>> sorted(open_study("f6529b").acr)[:3]
            ['base', 'bf16', 'fp16']
        """
        labels = self.analysis.labels
        return {
            name: _outward(mean_interval(counted_radii(self.certificates(name), labels)))
            for name in self._certified
        }

    def certified_accuracy(self, radius: float) -> dict[str, Interval]:
        """Share of inputs that each classifier gets right with a certified radius above `radius`.

        Args:
            radius: L2, pixel units, at least 0.

        Returns:
            Name to share, with its exact (Clopper-Pearson) 95% interval over inputs; rounded
            outward to four decimals.

        Raises:
            InvalidSampleError: The radius is negative.

        Example:
            >>> share = open_study("f6529b").certified_accuracy(0.25)["int8"]
            >>> share.low < share.value < share.high
            True
        """
        if not radius >= 0:
            raise InvalidSampleError(f"a radius must be at least 0; got {radius}")
        labels = self.analysis.labels
        found = {}
        for name in self._certified:
            made = self.certificates(name)
            right = (made.predicted == labels) & (made.radius > radius)
            found[name] = _outward(share_interval(right), counted=True)
        return found

    def to_frame(self, table: str = "summary") -> pd.DataFrame:
        """One table of the study; see `compare`."""
        return compare(self, table)

    def card(self) -> str:
        """The section of a model card: what was certified, under which conditions, digests."""
        return model_card(
            self.record,
            self.analysis,
            ledger=self.ledger,
            flags=study_flags(self.record, self.analysis),
            banner=self.study.banner,
        )

    def report(self, path: str | Path, *, table: str = "summary", model: str = BASE) -> None:
        """Write a report or a table; the suffix decides, as for the command `report`.

        Args:
            path: Ends with .html, .csv, .parquet, .md, .tex or .tsv.
            table: Which table, for the four table formats.
            model: Whose results, for .tsv.

        Raises:
            IrsError: The suffix, the table or the model is unknown, or the disk refuses.
        """
        write_report(
            expanded(path),
            self.record,
            self.analysis,
            table=table,
            model=model,
            banner=self.study.banner,
            ledger=self.ledger,
        )

    def __repr__(self) -> str:
        state = "" if self.record.finished else ", unfinished"
        names = ", ".join(self.names)
        return f"Result({self.record.title}: {names}; study {self.id}{state})"

    def _repr_html_(self) -> str:
        """The study in the cell of a notebook: no script, foreign text escaped."""
        return study_html(self.record, self.analysis, self.ledger, self.study.banner)

    @property
    def _certified(self) -> tuple[str, ...]:
        """The names whose draws are there."""
        return (BASE, *(one for one in self.names[1:] if self.analysis.methods(one)))


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
        n_p: Draws per input of a compressed model, numbers or percent of n such as `"5%"`; None
            for 1, 2, 5 and 10% of n.
        store: Folder of the evidence; None for that of the pages and the command line.
        settings: As in `StudySpec`: n0, alpha, alpha_zeta, gamma, baseline, name, methods, radii,
            tolerance, bound, convention; lists will do. With `methods=["seq"], radii=[0.5]` each
            input is drawn only until it is known whether the compressed model withstands the radius
            there; without compressions, whether the model itself does.

    Returns:
        The finished study.

    Raises:
        IrsError: A value breaks a rule, or the model, the data or the disk refuse.

    Example:
        >>> import tempfile
        >>> from irs_core.api import load
        >>> model = load("shipped:digits-0.50", max=2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     result = certify(model, ["fp16"], sigma=0.5, n=200, n0=20, n_p=["50%"],
        ...                      methods=["seq"], radii=[0.1], store=folder)
        >>> result.record.spec.radii, result.record.spec.n_p
        ((0.1,), (100,))
    """
    asked = StudySpec(
        model.spec,
        model.data,
        NoiseSpec(sigma, seed=seed),
        model.compressions(compressions),
        n=n,
        n_p=parse_budgets(n_p or _usual(n), n),
        **_settings(settings),
    )
    spec = with_fixed_split(asked, settings.get("bound", "joint"))
    library = _library(store)
    options = replace(options or RunOptions(), programs=True)
    record = run_study(spec, library, options=options, on_progress=on_progress)
    return opened(library.open(record.id), library)


def open_study(
    study_id: str, *, store: str | Path | None = None, radii: Convention | None = None
) -> Result:
    """A study that is there already: computed here, imported, or shipped with the program.

    Args:
        study_id: Its id, or the first digits of it.
        store: Folder of the evidence; None for that of the pages and the command line.
        radii: `one-sided` or `two-sided`; None for the study's own. Frames and reports of other
            radii than one-sided ones say so.

    Returns:
        The study under its own settings.

    Raises:
        StoreError: There is none, there are several, or it cannot be opened.
        MissingEvidenceError: Draws of the original are missing.

    Example:
        >>> open_study("f6529b").record.spec.noise.sigma
        0.5
    """
    library = _library(store)
    return opened(library.open(study_id), library, radii)


def opened(study: Study, library: Library, radii: Convention | None = None) -> Result:
    """A study under its own settings."""
    own = Settings.of(study.record.spec)
    settings = replace(own, convention=radii or own.convention)
    return Result(study, Analysis(open_tally(study, library.root), settings), library)


def compare(result: Result, table: str = "summary") -> pd.DataFrame:
    """A table of the study.

    Args:
        table: summary, curves, zeta, accuracy, gaps, radii, hardness or inputs.

    Returns:
        A frame of plain numbers, all digits kept.

    Raises:
        UnknownKeyError: There is no such table.

    Example:
        >>> int(compare(open_study("f6529b"), "zeta")["n_p"].max())
        1000
    """
    return study_table(result.record, result.analysis, table)


def _library(store: str | Path | None) -> Library:
    return Library(None if store is None else expanded(store))


def _usual(n: int) -> list[int | str]:
    """The usual shares of n, at least a draw each."""
    return [max(1, n * int(share[:-1]) // 100) for share in _USUAL]


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    """Settings with tuples in the place of lists, in the order that a study wants them."""
    found = {name: tuple(one) if isinstance(one, list) else one for name, one in given.items()}
    if isinstance(found.get("methods"), tuple):
        known = [one for one in METHOD_NAMES if one in found["methods"]]
        others = [one for one in found["methods"] if one not in METHOD_NAMES]
        found["methods"] = (*known, *others)
    if isinstance(found.get("radii"), tuple):
        found["radii"] = tuple(sorted(set(found["radii"])))
    return found


def _outward(found: Interval, *, counted: bool = False) -> Interval:
    """Rounded so that what is shown holds."""
    return Interval(
        float(text(found.value, _DIGITS, "counted" if counted else "down")),
        float(text(found.low, _DIGITS, "down")),
        float(text(found.high, _DIGITS, "up")),
    )
