"""Studies made without any network: predictions drawn from known probabilities."""

from dataclasses import replace

import numpy as np

from irs_core.analysis.tally import opened
from irs_core.methods import compressed_streams
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, Stream, StudySpec
from irs_core.store import (
    BASE,
    CHUNK_DRAWS,
    ChunkId,
    DataRecord,
    EvidenceArray,
    EvidenceKey,
    Library,
    ModelRecord,
    Study,
    StudyRecord,
)

CLASSES = 10
PIXELS = 64


def synthetic_spec(**changes: object) -> StudySpec:
    """A small study's specification; any field can be changed."""
    spec = StudySpec(
        model=ModelSpec("shipped:digits-0.50"),
        data=DataSpec(max=40, holdout=20),
        noise=NoiseSpec(0.5, seed=7),
        compressions=(parse_compression("fp16"), parse_compression("prune:0.1")),
        n=2000,
        n_p=(100, 200, 300),
        name="synthetic",
    )
    return replace(spec, **changes)  # type: ignore[arg-type]


def synthetic_study(
    library: Library,
    spec: StudySpec | None = None,
    *,
    seed: int = 0,
    skewed: bool = False,
    execution: str = "synthetic",
    classes: int = CLASSES,
    base_digest: str = BASE * 4,
) -> StudyRecord:
    """Write a finished study whose f is right with probability 0.3 to 1 and f^p nearly equal.

    Args:
        classes: Number of classes.
        base_digest: Of the original, where a test loads it.
        skewed: The class that f favours is the true one of half the inputs only, other classes are
            close, and f^p leaves it seldom but arrives at it often.
    """
    spec = spec or synthetic_spec()
    rng = np.random.default_rng(seed)
    reported = spec.data.max or 40
    inputs = reported + spec.data.holdout
    labels = rng.integers(0, classes, inputs)
    accuracy = rng.uniform(0.3, 1.0, inputs)
    shown = labels
    if skewed:
        shown = np.where(rng.random(inputs) < 0.5, labels, (labels + 3) % classes)
        accuracy = np.sort(rng.uniform(0.15, 1.0, inputs))[rng.permutation(inputs)]
    base = {
        "select": _draw(rng, shown, accuracy, spec.n0, classes),
        "estimate": _draw(rng, shown, accuracy, spec.n, classes),
    }
    models = [_store(library, spec, inputs, BASE, base, execution, classes, base_digest)]
    for index, compression in enumerate(spec.compressions):
        budget = spec.n_p[-1]
        flips = rng.random((inputs, budget)) < 0.002 * (1 + 4 * index)
        paired = np.where(
            flips, (base["estimate"][:, :budget] + 1) % classes, base["estimate"][:, :budget]
        )
        if skewed:
            paired = _asymmetric(rng, base["estimate"][:, :budget], shown, index, classes)
        models.append(
            _store(
                library,
                spec,
                inputs,
                str(compression),
                {
                    "estimate": paired,
                    "scratch-select": _draw(rng, shown, accuracy, spec.n0, classes),
                    "scratch-estimate": _draw(rng, shown, accuracy, budget, classes),
                    **_pilot(spec, base["select"]),
                },
                execution,
                classes,
            )
        )
    unfinished = StudyRecord(
        spec=spec,
        created="2024-05-07T00:00:00+00:00",
        finished=False,
        data=DataRecord(
            "d" * 64,
            "synthetic digits",
            tuple(map(str, range(classes))),
            tuple(range(inputs)),
            tuple(int(label) for label in labels),
            tuple(row < reported for row in range(inputs)),
        ),
        models=tuple(models),
        hardware="a synthetic machine, 2 cores",
        versions={},
        digests={},
    )
    digests = {
        evidence_id: Study(unfinished, library.evidence_folder).evidence(evidence_id).digest(draws)
        for evidence_id, draws in unfinished.digest_draws().items()
    }
    record = replace(unfinished, finished=True, digests=digests)
    library.save(record)
    return record


def stored_predictions(study: Study) -> dict[str, dict[Stream, np.ndarray]]:
    """Predictions by model and stream, as many draws as the study uses."""
    spec = study.record.spec
    return {
        model.name: {
            stream: array.read(spec.n0 if stream.endswith("select") else width)
            for stream, array in opened(study, model).items()
            for width in [spec.n if model.name == BASE else spec.n_p[-1]]
        }
        for model in study.record.models
    }


def _draw(
    rng: np.random.Generator, labels: np.ndarray, accuracy: np.ndarray, draws: int, classes: int
) -> np.ndarray:
    right = rng.random((len(labels), draws)) < accuracy[:, None]
    other = (labels[:, None] + rng.integers(1, classes, (len(labels), draws))) % classes
    return np.where(right, labels[:, None], other)


def _pilot(spec: StudySpec, selected: np.ndarray) -> dict[Stream, np.ndarray]:
    """What a pilot draws of f^p, which answers as f does; nothing where none is asked for."""
    return {"select": selected} if "select" in compressed_streams(spec) else {}


def _asymmetric(
    rng: np.random.Generator, base: np.ndarray, shown: np.ndarray, index: int, classes: int
) -> np.ndarray:
    """f^p: leaves the class that f favours on 1% of draws, arrives at it on 20% of the others."""
    favoured = base == shown[:, None]
    leaves = favoured & (rng.random(base.shape) < 0.01 * (1 + index))
    arrives = ~favoured & (rng.random(base.shape) < 0.2)
    moves = ~favoured & ~arrives & (rng.random(base.shape) < 0.1)
    moved = (base + rng.integers(1, 3, base.shape)) % classes
    made = np.where(leaves | moves, moved, base)
    return np.where(arrives, np.broadcast_to(shown[:, None], base.shape), made)


def _store(
    library: Library,
    spec: StudySpec,
    inputs: int,
    name: str,
    draws: dict[Stream, np.ndarray],
    execution: str,
    classes: int,
    digest: str | None = None,
) -> ModelRecord:
    evidence, digest = {}, digest or name * 4
    for stream, predictions in draws.items():
        key = EvidenceKey(digest, "d" * 64, spec.noise, stream, execution)
        array = library.open_evidence(key, n_inputs=inputs, classes=classes, pixels=PIXELS)
        # Fresh draws cost twice as much, so that mixing up the branches shows.
        rate = 2e-6 if stream.startswith("scratch") else 1e-6
        write_predictions(array, predictions, rate=rate)
        evidence[stream] = key.id
    title = "original (fp32)" if name == BASE else parse_compression(name).title
    return ModelRecord(
        name, title, digest, execution, "Made up for tests.", 100_000, 25_000, evidence
    )


def write_predictions(array: EvidenceArray, predictions: np.ndarray, *, rate: float = 1e-6) -> None:
    """Store a whole array of predictions, 1 ms a draw per 1000 inputs."""
    for tile in range(array.n_tiles):
        rows = array.rows(tile)
        for chunk in range(-(-predictions.shape[1] // CHUNK_DRAWS)):
            part = predictions[rows, chunk * CHUNK_DRAWS : (chunk + 1) * CHUNK_DRAWS]
            full = np.full((len(part), CHUNK_DRAWS), array.missing, array.dtype)
            full[:, : part.shape[1]] = part
            array.write_chunk(
                ChunkId(tile, chunk),
                full,
                seconds=part.size * rate,
                draws=part.size,
                hardware="synthetic",
            )
