"""What a study will take here, measured for about a second before it is started.

Nothing is stored but what preparing keeps: classifiers ready to run, which the study then takes.
"""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from irs_core.analysis.close_up import noise_group
from irs_core.data import Dataset, load_dataset
from irs_core.run.estimate import missing_draws
from irs_core.run.options import RunOptions
from irs_core.run.prepared import Prepared
from irs_core.run.ready import Ready, prepared_classifiers
from irs_core.run.timings import read_timings
from irs_core.sampling.sampler import Request, sample
from irs_core.spec.study import StudySpec
from irs_core.store import CHUNK_DRAWS, ChunkId, EvidenceKey, Library
from irs_core.store.evidence import create_evidence
from irs_core.store.layout import tile_rows_for

# Of the loop, all classifiers together.
MEASURED_SECONDS = 1.0
# Per stored prediction after the last draw, before any run ended here.
_CLOSING = 2e-6


@dataclass(frozen=True)
class Forecast:
    """What a study will take.

    Args:
        draws, stored: Forward passes that it needs, and how many are stored.
        setup: Seconds until the first draw.
        sampling: Seconds of the draws that are missing.
        closing: Seconds after the last draw.
        rates: Draws a second, noise included, by classifier.
        memory_mb: Peak memory of the process that measured.
    """

    draws: int
    stored: int
    setup: float
    sampling: float
    closing: float
    rates: Mapping[str, float]
    memory_mb: float

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.setup + self.sampling + self.closing

    def to_json(self) -> dict[str, Any]:
        """All of it, JSON-serialisable."""
        return {**asdict(self), "seconds": self.seconds}


def measure_forecast(
    spec: StudySpec, library: Library, options: RunOptions, *, command: bool = False
) -> Forecast:
    """Prepare the study's classifiers, and run each for a moment as the study would.

    Args:
        command: The study will be run by a command, whose process has to start.

    Raises:
        IrsError: The model, the data or a compression cannot be used.
    """
    clock = perf_counter()
    dataset = load_dataset(spec.data)
    loading = perf_counter() - clock
    ready, preparing = _ready(spec, library, dataset, options)
    warm, rates = 0.0, dict[str, float]()
    inputs = len(dataset.labels)
    clock = perf_counter()
    missing = missing_draws(spec, inputs, library.studies())
    # A command asks for all studies before it runs one.
    looking = perf_counter() - clock if command else 0.0
    for one in ready.classifiers:
        clock = perf_counter()
        one.predictor(dataset.images([0]))
        if any(part.name == one.name and part.needed > part.done for part in missing):
            warm += perf_counter() - clock
        share = MEASURED_SECONDS / len(ready.classifiers)
        rates[one.name] = _rate(spec, dataset, one, share)
    pixels = int(np.prod(dataset.input_shape))
    rows = min(tile_rows_for(pixels), inputs)
    writing = _writing(library, spec, ready.classes, rows, pixels)
    sampling = 0.0
    for part in missing:
        left = part.needed - part.done
        chunks = -(-left // inputs // CHUNK_DRAWS) * -(-inputs // rows)
        sampling += left / rates[part.name] + chunks * writing
    stored, needed = (sum(getattr(one, name) for one in missing) for name in ("done", "needed"))
    closing = read_timings(library.root).closing
    return Forecast(
        draws=needed,
        stored=stored,
        setup=(_starting(bool(ready.kept)) if command else 0.0)
        + loading
        + looking
        + preparing
        + warm,
        sampling=sampling,
        closing=needed * (_CLOSING if closing is None else closing),
        rates=rates,
        memory_mb=peak_memory_mb(),
    )


def peak_memory_mb() -> float:
    """The most memory that this process held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _starting(kept: bool) -> float:
    """Seconds until a process has imported what a run needs."""
    modules = ["irs_core.cli.main", "irs_core.run.study", "pandas"]
    modules += ["irs_core.backends.openvino_predictor" if kept else "irs_core.run.prepare"]
    clock = perf_counter()
    subprocess.run([sys.executable, "-c", f"import {', '.join(modules)}"], check=False)
    return perf_counter() - clock


def _ready(
    spec: StudySpec, library: Library, dataset: Dataset, options: RunOptions
) -> tuple[Ready, float]:
    """The study's classifiers, and the seconds that preparing them will take the study."""
    clock = perf_counter()
    ready = prepared_classifiers(spec, library, dataset, options)
    spent = perf_counter() - clock
    clock = perf_counter()
    again = None if ready.kept else prepared_kept(spec, library, dataset, options)
    return (ready, spent) if again is None else (again, perf_counter() - clock)


def prepared_kept(
    spec: StudySpec, library: Library, dataset: Dataset, options: RunOptions
) -> Ready | None:
    """What a run would take that comes after this one; None if it has to prepare anew."""
    from irs_core.run.kept import KeptClassifiers

    kept = KeptClassifiers(library.root, spec, dataset, options)
    found = kept.all()
    return None if found is None else Ready(found, kept.classes, kept=True)


def _rate(spec: StudySpec, dataset: Dataset, one: Prepared, seconds: float) -> float:
    """Draws a second of the study's loop, on draws that no certificate uses."""
    count = min(len(dataset.labels), tile_rows_for(int(np.prod(dataset.input_shape))))
    rows = np.arange(count)
    images = dataset.pixels[rows] if spec.noise.integer else dataset.images(rows)
    groups: Sequence[int] = [noise_group(spec, dataset, int(row)) for row in rows]
    # A few full batches at least: what pads one is no draw.
    batch = int(getattr(one.predictor, "batch", 1))
    draws, done, stop = 0, 0.0, min(CHUNK_DRAWS, max(2, -(-4 * batch // count)))
    while done < seconds:
        clock = perf_counter()
        sample(
            images,
            groups,
            [Request(one.predictor, np.ones(count, np.bool_))],
            noise=spec.noise,
            stream="pilot",
            chunk=0,
            start=0,
            stop=stop,
            scale=dataset.scale,
        )
        spent = perf_counter() - clock
        if stop == CHUNK_DRAWS or spent > seconds / 2:
            draws, done = draws + stop * count, done + spent
        else:
            # Short units have more overhead than those of a study.
            stop = min(CHUNK_DRAWS, stop * 4)
    return draws / done


def _writing(library: Library, spec: StudySpec, classes: int, rows: int, pixels: int) -> float:
    """Seconds to store a chunk on the disk of the store."""
    library.root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".forecast-", dir=library.root) as folder:
        key = EvidenceKey("forecast", "forecast", spec.noise, "pilot", "forecast")
        array = create_evidence(Path(folder), key, n_inputs=rows, classes=classes, pixels=pixels)
        answers = np.random.default_rng(0).integers(0, min(classes, 3), (rows, CHUNK_DRAWS))
        spent = []
        for chunk in range(3):
            clock = perf_counter()
            array.merge_chunk(
                ChunkId(0, chunk),
                np.ones(rows, np.bool_),
                0,
                answers,
                seconds=1.0,
                hardware="forecast",
            )
            spent.append(perf_counter() - clock)
    # The first one creates files and imports codecs.
    return float(np.mean(spent[1:]))
