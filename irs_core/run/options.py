"""How a study is run and how it reports, without what runs it. Free of torch."""

import os
import re
from dataclasses import dataclass
from typing import Literal

from irs_core.errors import SpecError
from irs_core.spec.study import BackendName, Stream

# How far a study runs: to its end, or to the pilot of CIRS, from which goals are predicted.
Until = Literal["pilot", "end"]
ENGINE_VARIABLE = "IRS_ENGINE"
_ADDRESS = re.compile(r"tcp://([\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}")


@dataclass(frozen=True)
class EngineChoice:
    """Where units of work run: in this process, in several here, or on a Dask cluster.

    Args:
        processes: Worker processes on this machine; 1 is this process itself.
        scheduler: Address of a Dask scheduler; None for this machine.
    """

    processes: int = 1
    scheduler: str | None = None


def parse_engine(text: str | None) -> EngineChoice:
    """What `local`, `local:N` or `tcp://host:port` asks for; None reads the variable IRS_ENGINE.

    Raises:
        SpecError: It is none of these.
    """
    text = text if text is not None else os.environ.get(ENGINE_VARIABLE, "") or "local"
    kind, _, number = text.partition(":")
    if text == "local":
        return EngineChoice()
    if kind == "local" and number.isdecimal() and int(number) >= 1:
        return EngineChoice(processes=int(number))
    if _ADDRESS.fullmatch(text):
        return EngineChoice(scheduler=text)
    raise SpecError(
        f"an engine must be local, local:N with N >= 1, or tcp://host:port; got {text!r}"
    )


@dataclass(frozen=True)
class Part:
    """Where one classifier is on one noise stream.

    Args:
        name: The classifier's name in the study.
        done, needed: Predictions stored, whoever computed them, and needed.
        rate: Predictions per second over the chunks stored last; 0 before the first one.
    """

    name: str
    stream: Stream
    done: int
    needed: int
    rate: float = 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time that the rest takes at the measured rate; None before there is one."""
        if self.done >= self.needed:
            return 0.0
        return (self.needed - self.done) / self.rate if self.rate > 0 else None


@dataclass(frozen=True)
class Progress:
    """Where a run is.

    Args:
        stage: What is being done, in words; see `irs_core.run.words`.
        done, total: Predictions computed in this run, and needed in it.
        rate: Predictions per second over the chunks stored last; 0 before the first one.
        seconds_left: Estimate from the measured rates; None before there is one.
        parts: The same for each classifier and stream, in the order of the study.
    """

    stage: str
    done: int
    total: int
    rate: float
    seconds_left: float | None = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class RunOptions:
    """How to run; never changes the noise.

    Args:
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        batch: Draws per forward pass; None lets the backend choose.
        backend: One of `BACKENDS`; `auto` takes the fastest that runs the model.
        engine: `local`, `local:N` (worker processes) or `tcp://host:port` (a Dask scheduler);
            None reads the variable IRS_ENGINE where the study runs.
        programs: Programs that come in files (TorchScript) may be run. Only commands and notebooks,
            where a person names the file, say so: never the app, and nothing that is stored.
        original: SHA-256 (hexadecimal) of the original's file, where programs may be run later than
            they were named: another file at its place is refused. None where it is read at once.
        network: Digest of the original that the run has to be about, as records give it: another
            one at its path is refused. None for whatever lies there.
        folders: Data and models outside these folders are never opened; None for any, which only
            a person at the machine may ask for.
        settle: A requirement as text: compressed models that settle it take no more draws; see
            `irs_core.goals.settling`. None to draw what the study asks for.
        most_draws: With `settle`: mean draws per input at which a model stops unsettled.
    """

    device: str = "auto"
    batch: int | None = None
    backend: BackendName = "auto"
    engine: str | None = None
    programs: bool = False
    original: str | None = None
    network: str | None = None
    folders: tuple[str, ...] | None = None
    settle: str | None = None
    most_draws: float | None = None

    def __post_init__(self) -> None:
        if self.folders is not None:
            # JSON has no tuples.
            object.__setattr__(self, "folders", tuple(self.folders))
        if self.batch is not None and self.batch < 1:
            raise SpecError(f"batch must be at least 1; got {self.batch}")
        if self.engine is not None:
            parse_engine(self.engine)

    def covers(self, asked: "RunOptions") -> bool:
        """Whether these give the right to run every program that `asked` give."""
        return not asked.programs or (self.programs and self.original == asked.original)
