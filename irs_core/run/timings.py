"""What runs in a store took, kept for predictions of the next ones. Free of torch.

Nothing but estimates of time rests on these numbers: the file may be deleted or damaged.
"""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from irs_core.errors import IrsError
from irs_core.hardware import describe_hardware
from irs_core.run.options import ENGINE_VARIABLE, RunOptions
from irs_core.spec.fields import stable_id
from irs_core.spec.study import StudySpec
from irs_core.store import CHUNK_DRAWS
from irs_core.store.files import read_json, write_json

_MOST = 500


@dataclass(frozen=True)
class Timings:
    """Seconds by what was done.

    Args:
        rates: Seconds per draw, loop and writing included, by classifier.
        setups: Seconds until the first draw, by what was prepared.
        closing: Seconds per stored prediction after the last draw; None where no run ended.
    """

    rates: Mapping[str, float] = field(default_factory=dict)
    setups: Mapping[str, float] = field(default_factory=dict)
    closing: float | None = None


class Stopwatch:
    """Times of one run, which `keep` adds to the store's."""

    def __init__(
        self, root: Path, spec: StudySpec, options: RunOptions, *, kept: bool | None, since: float
    ) -> None:
        """Nothing was drawn yet.

        Args:
            kept: The classifiers were prepared before; None where some were, which says nothing of
                how long all of them take.
            since: When setting up began, by `time.perf_counter`.
        """
        self._root, self._spec, self._options = root, spec, options
        self._kind = None if kept is None else setup_kind(spec, options, kept=kept)
        self._began = since
        self._setup: float | None = None
        self._sampled = since

    def drawing(self) -> None:
        """The first draw is about to be made."""
        if self._setup is None:
            self._setup = time.perf_counter() - self._began

    def drawn(self) -> None:
        """The last draw was stored."""
        self._sampled = time.perf_counter()

    def keep(self, spent: Mapping[str, tuple[int, float]], predictions: int) -> None:
        """Add what this run took; few draws, mostly padding, replace no rate of many.

        Args:
            spent: Draws and their seconds, by name of the classifier in the study.
            predictions: Stored ones that the end of the run went through.
        """
        known = read_timings(self._root)
        rates = dict(known.rates)
        for name, (draws, seconds) in spent.items():
            kind = classifier_kind(self._spec, name, self._options)
            if draws >= CHUNK_DRAWS or (draws and kind not in rates):
                rates[kind] = seconds / draws
        found = replace(known, rates=rates)
        if self._setup is not None:
            if self._kind is not None:
                found = replace(found, setups={**known.setups, self._kind: self._setup})
            closed = time.perf_counter() - self._sampled
            found = replace(found, closing=closed / max(1, predictions))
        if found != known:
            _write(self._root, found)


def read_timings(root: Path) -> Timings:
    """What is known; nothing where the file is missing, damaged or another machine's."""
    try:
        found = read_json(_path(root))
        if found["hardware"] != describe_hardware():
            return Timings()
        closing = found["closing"]
        return Timings(
            _numbers(found["rates"]),
            _numbers(found["setups"]),
            None if closing is None else float(closing),
        )
    except (OSError, IrsError, KeyError, TypeError, ValueError, AttributeError):
        return Timings()


def classifier_kind(spec: StudySpec, name: str, options: RunOptions) -> str:
    """What decides how long a draw takes: the model, what was done to it, the noise, the way."""
    noise = f"{spec.noise.kind} {spec.noise.generator}"
    return f"{_subject(spec)} {name} {noise} {_way(options)}"


def setup_kind(spec: StudySpec, options: RunOptions, *, kept: bool) -> str:
    """What decides how long setting up takes.

    Classifiers that were prepared before are those of one model, one noise and the same inputs;
    with others, setting up takes what it takes anew.
    """
    names = " ".join(sorted(map(str, spec.compressions)))
    own = [asdict(spec.model), asdict(spec.data), spec.noise.to_dict()]
    done = f"kept {stable_id(own)}" if kept else "anew"
    return f"{_subject(spec)} {names} {_way(options)} {done}"


def _subject(spec: StudySpec) -> str:
    return f"{spec.model.denoiser or ''} {spec.model.weights} {spec.data.kind} {spec.data.size}"


def _way(options: RunOptions) -> str:
    engine = options.engine or os.environ.get(ENGINE_VARIABLE, "")
    return f"{options.device} {options.backend} {options.batch} {engine}"


def _numbers(found: Mapping[str, Any]) -> dict[str, float]:
    return dict(_checked(found))


def _checked(found: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in found.items():
        if not 0 <= float(value) < float("inf"):
            raise ValueError(name)
        yield name, float(value)


def _write(root: Path, found: Timings) -> None:
    last = {
        name: dict(list(values.items())[-_MOST:])
        for name, values in (("rates", found.rates), ("setups", found.setups))
    }
    try:
        write_json(_path(root), {"hardware": describe_hardware(), **last, "closing": found.closing})
    except (OSError, IrsError):
        # A time that cannot be kept is no reason to fail.
        return


def _path(root: Path) -> Path:
    return root / "prepared" / "timings.json"
